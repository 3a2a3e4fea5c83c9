import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { expect, it } from 'vitest';

/** Returns the lines that pass a private method on without its object, which would lose `this`. The compiler accepts them. */
function findUnbound(source: string): string[] {
  const methods = [...source.matchAll(/^ {2}(?:async )?\*?#(\w+)[(<]/gm)].map(([, name]) => name);
  if (methods.length === 0) return [];
  const used = new RegExp(`this\\.#(${methods.join('|')})\\b(?!\\s*[(<])`);
  return source.split('\n').filter((line) => used.test(line));
}

it('no source passes a private method on without its object', async () => {
  const found: string[] = [];
  for await (const path of glob('src/**/*.{ts,tsx}'))
    found.push(...findUnbound(readFileSync(path, 'utf8')).map((line) => `${path}: ${line.trim()}`));
  expect(found).toEqual([]);
});

it('a private method that is passed on without its object is found, a call and a field are not', () => {
  const source = `class Monitor {
  readonly #runs: Run[];

  look(): void {
    this.#runs.filter((run) => this.#isLimited(run));
    setTimeout(this.#beat, 1_000);
  }

  #isLimited(run: Run): boolean {
    return run.limit !== null;
  }

  #beat(): void {}
}`;
  expect(findUnbound(source)).toEqual(['    setTimeout(this.#beat, 1_000);']);
});
