/** @module-tag deep */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../support/home.ts';

/** The rooms that each room may import from, in addition to itself. All other imports are forbidden. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  run: [],
  task: ['run'],
  protocol: ['run', 'task'],
  adapters: ['run', 'task'],
  keeper: ['process', 'launch'],
  http: ['run'],
  process: ['run'],
  store: ['run', 'task'],
  launch: ['config'],
  config: ['launch'],
  daemon: ['run', 'task', 'protocol', 'adapters', 'process', 'store', 'config', 'launch'],
  cli: ['run', 'task', 'protocol', 'adapters', 'launch', 'config', 'doctor', 'demo'],
  demo: [],
  doctor: ['run', 'store', 'process', 'adapters', 'config', 'launch'],
};
const rooms = Object.keys(mayImport);

/** Packages and the only places that may import them. */
const owners: Readonly<Record<string, readonly string[]>> = {
  'better-sqlite3': ['store'],
  'drizzle-orm': ['store'],
  'drizzle-orm/sqlite-core': ['store'],
  execa: ['process'],
  pidusage: ['process'],
  'node:child_process': ['process', 'keeper', 'launch', 'demo'],
  fastify: ['daemon/api'],
  commander: ['cli'],
  ink: ['cli'],
  react: ['cli'],
  marked: ['cli'],
  'string-width': ['cli'],
  'smol-toml': ['config'],
};

const pureRooms = ['run', 'task', 'protocol', 'adapters'];
const impure = [
  'Date.now()',
  'performance.now()',
  'process.pid',
  'setTimeout(() => {}, 1)',
  'setInterval(() => {}, 1)',
  'setImmediate(() => {})',
  'queueMicrotask(() => {})',
  "fetch('http://x')",
  'crypto.randomUUID()',
  "console.log('x')",
  'globalThis.Date.now()',
];
const builtins = ['node:fs', 'node:fs/promises', 'node:os', 'node:net', 'node:crypto', 'node:timers/promises'];

type Offense = { readonly path: string; readonly source: string; readonly rule: string };
const offenses: Offense[] = [];
let count = 0;

/** Plans a file with one construct that is forbidden at its location. */
function offend(place: string, source: string, rule: string): Offense {
  const offense = { path: `src/${place}/offense-${count++}.ts`, source, rule };
  offenses.push(offense);
  return offense;
}

const importOf = (from: string) => `import * as thing from '${from}';\nexport const used = thing;\n`;
const useOf = (expression: string) => `export const used = () => ${expression};\n`;
const imports = 'lint/style/noRestrictedImports';

const forbiddenRooms = rooms.flatMap((room) =>
  rooms
    .filter((other) => other !== room && !mayImport[room]?.includes(other))
    .flatMap((other) => [
      { room, other, from: 'beside it', offense: offend(room, importOf(`#${other}/thing.ts`), imports) },
      {
        room,
        other,
        from: 'from a folder in it',
        offense: offend(`${room}/inner`, importOf(`#${other}/thing.ts`), imports),
      },
    ]),
);
const forbiddenPackages = [...rooms, 'daemon/api'].flatMap((room) =>
  Object.entries(owners)
    .filter(([, owned]) => !owned.includes(room))
    .map(([name]) => ({ room, name, offense: offend(room, importOf(name), imports) })),
);
const forbiddenGlobals = pureRooms.flatMap((room) =>
  impure.map((expression) => ({
    room,
    expression,
    offense: offend(room, useOf(expression), 'lint/style/noRestrictedGlobals'),
  })),
);
const forbiddenBuiltins = pureRooms.flatMap((room) =>
  builtins.map((name) => ({ room, name, offense: offend(room, importOf(name), imports) })),
);
const chances = pureRooms.map((room) => ({ room, offense: offend(room, useOf('Math.random()'), 'plugin') }));
const shells = [
  "spawn('ls', [], { shell: true })",
  "execa('ls', ['-l'], { cwd: '/', shell: '/bin/sh' })",
  "execa({ 'shell': true })('ls')",
  "exec('ls')",
  "execSync('ls')",
  "child_process.exec('ls')",
  "execaCommand('ls -l')",
].flatMap((call) =>
  ['process', 'daemon', 'keeper', 'cli'].map((room) => ({ room, call, offense: offend(room, useOf(call), 'plugin') })),
);
const ownDoors = [
  "process.stdout.write('x')",
  "process.stderr.write('x')",
  "writeSync(1, 'x')",
  "console.log('x')",
].map((call) => ({
  call,
  offense: offend('cli', useOf(call), 'plugin'),
}));
const hiddenWays = rooms.flatMap((room) => {
  const from = `#${rooms.find((other) => other !== room && !mayImport[room]?.includes(other))}/thing.ts`;
  return [
    { room, way: 'when it is needed', offense: offend(room, useOf(`import('${from}')`), imports) },
    {
      room,
      way: 'as a type',
      offense: offend(room, `import type { Thing } from '${from}';\nexport type Used = Thing;\n`, imports),
    },
    { room, way: 'to pass it on', offense: offend(room, `export { thing } from '${from}';\n`, imports) },
  ];
});
const withoutNode = rooms.flatMap((room) =>
  ['child_process', 'fs'].map((name) => ({
    room,
    name,
    offense: offend(room, importOf(name), 'lint/style/useNodejsImportProtocol'),
  })),
);

let folder: string;
let refused: Map<string, Set<string>>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'clip-house-'));
  cpSync(join(root, 'src'), join(folder, 'src'), { recursive: true });
  for (const file of [
    'biome.json',
    'biome-no-chance.grit',
    'biome-no-shell.grit',
    'biome-one-door.grit',
    'package.json',
  ])
    cpSync(join(root, file), join(folder, file));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const biome = join(root, 'node_modules/.bin/biome');
type Report = {
  readonly diagnostics: readonly {
    readonly category: string;
    readonly severity: string;
    readonly location: { readonly path: string | { file: string } };
  }[];
};

/** Returns the rules that the linter reports for each file. Warnings do not count. */
function lint(): Map<string, Set<string>> {
  const { stdout } = spawnSync(biome, ['lint', '--reporter=json', '--max-diagnostics=none', 'src'], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  const found = new Map<string, Set<string>>();
  for (const { category, severity, location } of (JSON.parse(stdout) as Report).diagnostics) {
    if (severity !== 'error') continue;
    const path = typeof location.path === 'string' ? location.path : location.path.file;
    found.set(path, (found.get(path) ?? new Set()).add(category));
  }
  return found;
}

/** Returns sources with a relative import that leaves their room, which no linter rule detects. */
function relativeEscapes(): string[] {
  const sources = readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.tsx?$/.test(name),
  );
  return sources.filter((name) => {
    const [room = ''] = name.split('/');
    const imported = readFileSync(join(folder, 'src', name), 'utf8').matchAll(/['"](\.{1,2}\/[^'"\n]+\.tsx?)['"]/g);
    return [...imported].some(([, path = '']) => !join(dirname(name), path).startsWith(`${room}/`));
  });
}

describe('the lint rules of the repository', () => {
  it('find no relative import that leaves its room', () => {
    expect(relativeEscapes()).toEqual([]);
    const planted = join(folder, 'src/cli/commands/escape.ts');
    writeFileSync(planted, importOf('../../run/run.ts'));
    expect(relativeEscapes()).toEqual(['cli/commands/escape.ts']);
    rmSync(planted);
  });

  it('know every room there is', () => {
    const there = readdirSync(join(root, 'src'));
    expect(there.filter((room) => !rooms.includes(room))).toEqual([]);
  });

  it('find nothing wrong in the repository', () => {
    expect(lint()).toEqual(new Map());
    expect(spawnSync(biome, ['lint', 'src'], { cwd: folder }).status).toBe(0);
  });

  it('report every planted offense', () => {
    for (const { path, source } of offenses) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), source);
    }
    refused = lint();
    expect(refused.size).toBe(offenses.length);
    expect(spawnSync(biome, ['lint', 'src'], { cwd: folder }).status).not.toBe(0);
  });

  const isRefused = ({ path, rule }: Offense) => expect([...(refused.get(path) ?? [])], path).toContain(rule);

  it.each(forbiddenRooms)('refuse $other in $room, $from', ({ offense }) => isRefused(offense));
  it.each(forbiddenPackages)('refuse the package $name in $room', ({ offense }) => isRefused(offense));
  it.each(hiddenWays)('refuse another room in $room, imported $way', ({ offense }) => isRefused(offense));
  it.each(withoutNode)('refuse $name in $room, which hides that it is node:$name', ({ offense }) => isRefused(offense));
  it.each(forbiddenBuiltins)('refuse $name in the pure room $room', ({ offense }) => isRefused(offense));
  it.each(forbiddenGlobals)('refuse $expression in the pure room $room', ({ offense }) => isRefused(offense));
  it.each(shells)('refuse $call in $room: a command is a program and its arguments', ({ offense }) =>
    isRefused(offense),
  );
  it.each(ownDoors)('refuse $call in cli, where one module writes to the terminal', ({ offense }) =>
    isRefused(offense),
  );
  it.each(chances)('refuse Math.random() in the pure room $room', ({ offense }) => isRefused(offense));
});
