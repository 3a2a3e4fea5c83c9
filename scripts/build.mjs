/**
 * Bundles the programs into dist/ as minified CommonJS, which starts 9 ms faster than ESM. What a program loads on
 * demand, such as the verbs of `clip`, becomes a file of its own, and so does what several of these share.
 */
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { rolldown } from 'rolldown';
import { noticesOf } from './notices.mjs';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
/** The programs, each with the verbs' or other parts that it loads on demand. */
const programs = {
  clip: 'src/cli/main.ts',
  clipd: 'src/daemon/main.ts',
  'clip-keeper': 'src/keeper/main.ts',
  'clip-http': 'src/http/main.ts',
  'demo-agent': 'src/demo/agent.ts',
};
/** Ink loads its layout engine with a top-level await, which CommonJS does not allow. */
const dashboard = 'src/cli/dashboard/main.ts';

/** Turns the import of the dashboard into one of its own bundle. */
const separateDashboard = {
  name: 'separate-dashboard',
  resolveId: {
    filter: { id: /dashboard\/main\.ts$/ },
    handler: (_id, importer) => (importer === undefined ? null : { id: './ui.mjs', external: true }),
  },
};

/** Leaves out zod's messages in forty languages (264 KB). The programs use only English. */
const englishOnly = {
  name: 'english-only',
  load: {
    filter: { id: /zod\/v4\/locales\/index\.c?js$/ },
    handler: () => "export { default as en } from './en.js';",
  },
};

/**
 * Makes string-width a file of its own, which is loaded when it first measures a text. When it is loaded it creates a
 * segmenter and the expression of all emoji, which takes longer than a start of Node, and most texts need neither
 * (`measureWidth`).
 */
const lateStringWidth = {
  name: 'late-string-width',
  resolveId: {
    filter: { id: /string-width(\.cjs)?$/ },
    handler(id, importer) {
      if (id === './string-width.cjs') return { id, external: true };
      return id === 'string-width' && importer !== undefined ? '\0late-string-width' : null;
    },
  },
  load: {
    filter: { id: /late-string-width$/ },
    handler: () => `
      let width;
      export default (...given) => {
        width ??= require('./string-width.cjs').default;
        return width(...given);
      };`,
  },
};

/** Leaves out Ink's bridge to the React developer tools. It requires a package that is not installed. */
const withoutDevtools = {
  name: 'without-devtools',
  load: { filter: { id: /ink\/build\/devtools\.js$/ }, handler: () => '' },
};

/**
 * Leaves out what Fastify and its packages load and clip does not use: HTTPS and HTTP/2 servers, a logger, and compilers
 * of JSON schemas (`schemaController` in src/daemon/api/server.ts). They would take a fifth of the daemon's start.
 */
const withoutUnusedParts = {
  name: 'without-unused-parts',
  resolveId: {
    filter: { id: /^(node:https|node:http2|pino|@fastify\/(ajv|fast-json-stringify)-compiler)$/ },
    handler: () => '\0unused-part',
  },
  load: { filter: { id: /unused-part$/ }, handler: () => 'module.exports = {};' },
};

/** Bundles `input` into `dir`, and returns the paths of the modules that the bundles contain. */
async function bundle({ input, plugins, output }) {
  const bundler = await rolldown({
    input,
    platform: 'node',
    // Native code cannot be bundled.
    external: ['better-sqlite3'],
    plugins: [englishOnly, ...plugins],
    transform: {
      target: 'node22',
      define: { CLIP_VERSION: JSON.stringify(version), 'process.env.NODE_ENV': '"production"' },
    },
    logLevel: 'warn',
  });
  const { output: files } = await bundler.write({
    dir: 'dist',
    minify: !process.env.CLIP_UNMINIFIED,
    comments: false,
    ...output,
  });
  await bundler.close();
  return files.flatMap(({ modules = {} }) =>
    Object.entries(modules)
      .filter(([, { renderedLength }]) => renderedLength > 0)
      .map(([path]) => path),
  );
}

/** The files that several parts of a program share. Each file that is loaded takes half a millisecond, so they are few. */
const codeSplitting = {
  groups: [
    { name: 'entry', test: /\/src\//, tags: ['$initial'], priority: 2 },
    { name: 'common', test: /\/src\//, minShareCount: 6, priority: 1 },
  ],
};

rmSync('dist', { recursive: true, force: true });
mkdirSync('dist', { recursive: true });
const modules = [];
for (const [name, source] of Object.entries(programs))
  modules.push(
    ...(await bundle({
      input: { [name]: source, ...(name === 'clip' ? { 'string-width': 'string-width' } : {}) },
      plugins: [separateDashboard, lateStringWidth, ...(name === 'clipd' ? [withoutUnusedParts] : [])],
      output: {
        format: 'cjs',
        exports: 'named',
        entryFileNames: '[name].cjs',
        chunkFileNames: `${name}.[name].cjs`,
        codeSplitting,
      },
    })),
  );
modules.push(
  ...(await bundle({
    input: { ui: dashboard },
    plugins: [withoutDevtools],
    output: { format: 'esm', entryFileNames: '[name].mjs', codeSplitting: false },
  })),
);
writeFileSync('dist/THIRD-PARTY.txt', noticesOf(modules));

/** Bundles and loads a script that generates a document from the code. */
async function made(source) {
  const name = `${basename(source, '.ts')}-maker`;
  await bundle({
    input: { [name]: source },
    plugins: [separateDashboard],
    output: { format: 'cjs', exports: 'named', entryFileNames: '[name].cjs', codeSplitting: false },
  });
  const maker = createRequire(import.meta.url)(`../dist/${name}.cjs`);
  rmSync(`dist/${name}.cjs`);
  return maker;
}
const { openApiDocument } = await made('scripts/openapi.ts');
writeFileSync('dist/openapi.json', `${JSON.stringify(openApiDocument(version), null, 1)}\n`);
const { manPage, completions } = await made('scripts/man.ts');
writeFileSync('dist/completions.json', await completions());
mkdirSync('man', { recursive: true });
writeFileSync('man/clip.1', await manPage(version, '2026'));
for (const name of ['clip', 'clipd', 'clip-keeper', 'clip-http']) chmodSync(`bin/${name}.js`, 0o755);
