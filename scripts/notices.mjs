/** Collects the licenses of the packages that are in the bundles: dist/THIRD-PARTY.txt. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Returns the text of all licenses. `modules`: the paths of the modules in the bundles. */
export function noticesOf(modules) {
  const folders = new Set(modules.filter((path) => path.includes('node_modules/')).map(packageFolder));
  const packages = [...folders].map(read).sort((a, b) => (a.title < b.title ? -1 : 1));
  const parts = packages.map(({ title, license, text }) => `${title} (${license})\n\n${text.trim()}\n`);
  return `The programs of clip contain these packages.\n\n${parts.join(`\n${'-'.repeat(72)}\n\n`)}`;
}

/** Returns the nearest parent folder whose package.json has a name. */
function packageFolder(path) {
  for (let folder = dirname(path); folder.includes('node_modules'); folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).name) return folder;
  }
  throw new Error(`No package was found for ${path}`);
}

function read(folder) {
  const { name, version, license, author } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((each) => /^(licen[cs]e|copying)/i.test(each));
  const holder = typeof author === 'string' ? author : (author?.name ?? `the ${name} authors`);
  const text =
    file === undefined
      ? `Its package has no license text. Copyright ${holder}.`
      : readFileSync(join(folder, file), 'utf8');
  if (!license) throw new Error(`${name} does not name its license`);
  return { title: `${name} ${version}`, license, text };
}
