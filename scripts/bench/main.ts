/**
 * `npm run bench`: compares clip with lower bounds (a bare node, a raw spawn, a shell redirect) and with installed peers.
 * Names of rows select some of them; `--brief` only proves that every row can be measured.
 */
import { idleRows } from './idle.ts';
import { largeHomeRows } from './large-home.ts';
import { memoryRows } from './memory.ts';
import { dashboardRows } from './open-dashboard.ts';
import { outputRows } from './output.ts';
import { peerRows } from './peers.ts';
import { renderedRows } from './rendered-logs.ts';
import type { BenchRow, Result } from './row.ts';
import { startRows } from './start.ts';
import { submitRows } from './submit.ts';
import { sweepRows } from './sweep.ts';
import { verbRows } from './verbs.ts';

const all: readonly BenchRow[] = [
  ...verbRows,
  ...startRows,
  ...submitRows,
  ...outputRows,
  ...renderedRows,
  ...idleRows,
  ...dashboardRows,
  ...largeHomeRows,
  ...memoryRows,
  ...sweepRows,
  ...peerRows,
];
const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const unknown = wanted.filter((name) => !all.some((row) => row.name === name));
if (unknown.length > 0) {
  console.error(
    `There is no row ${unknown.join(', ')}. There are: ${[...new Set(all.map(({ name }) => name))].join(', ')}`,
  );
  process.exit(2);
}

const results: Result[] = [];
console.log('| what | against | target | measured | |\n|---|---|---|---|---|');
for (const { name, what, against, target, measure } of all) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const result = await measure();
  results.push(result);
  const verdict = result.met === null ? '' : result.met ? 'met' : 'missed';
  console.log(`| ${what} | ${against} | ${target} | ${result.figure} | ${verdict} |`);
}
const count = (met: boolean) => results.filter((result) => result.met === met).length;
console.log(`\n${count(true)} met, ${count(false)} missed. Node ${process.version}, ${process.platform}.`);
