import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/** The folders of a room, from the ground up. A folder imports only folders before it. Files beside them may import all. */
const orders: Readonly<Record<string, readonly string[]>> = {
  'src/daemon': ['core', 'agents', 'notifications', 'output', 'runs', 'budgets', 'queue', 'tasks', 'processes', 'api'],
  'src/cli': ['terminal', 'client', 'completion', 'format', 'logs', 'html-report', 'demo', 'dashboard', 'commands'],
};

type Import = { readonly from: string; readonly to: string };

/** Returns the imports that lead from a folder to one above it. */
function findUpward(order: readonly string[], imports: readonly Import[]): Import[] {
  const floor = (path: string) => order.indexOf(path.split('/')[0] ?? '');
  return imports.filter(({ from, to }) => floor(from) >= 0 && floor(to) > floor(from));
}

async function importsIn(room: string): Promise<Import[]> {
  const found: Import[] = [];
  for await (const path of glob(`${room}/*/**/*.{ts,tsx}`)) {
    const names = readFileSync(path, 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g);
    for (const [, name = ''] of names)
      found.push({ from: relative(room, path), to: relative(room, resolve(dirname(path), name)) });
  }
  return found;
}

describe.each(Object.entries(orders))('The folders of %s', (room, order) => {
  it('import nothing from a folder above them', async () => {
    const imports = await importsIn(room);
    expect(imports.length).toBeGreaterThan(50);
    expect(findUpward(order, imports)).toEqual([]);
  });

  it('are all in the order', async () => {
    const folders = new Set((await importsIn(room)).map(({ from }) => from.split('/')[0]));
    expect([...folders].filter((folder) => folder !== undefined && !order.includes(folder))).toEqual([]);
  });
});

it('an import of a folder above is found', () => {
  const up = { from: 'core/supervisor.ts', to: 'tasks/wakes.ts' };
  expect(findUpward(['core', 'tasks'], [up, { from: up.to, to: up.from }])).toEqual([up]);
});
