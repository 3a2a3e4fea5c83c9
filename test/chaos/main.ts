/**
 * `npm run chaos -- --seed S --rounds N`: runs rounds of reproducible chaos. Each round has its own home. Its plan is a
 * pure function of the seed and the round number. Exits with 0 when no check failed.
 *
 *   --round K       runs only round K of this seed     --jobs J       runs this many rounds at once
 *   --trace         prints each action and fault       --falsify A,B  introduces violations first (see falsify.ts)
 *   --plan          prints the plans and runs nothing
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mayMount } from '../support/small-disk.ts';
import { falsifications } from './falsify.ts';
import { hashOf, planOf } from './plan.ts';
import { playRound, type Result } from './round.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '20' },
    round: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
    plan: { type: 'boolean', default: false },
    falsify: { type: 'string' },
  },
});
const { seed } = values;
const falsified = (values.falsify?.split(',') ?? []).map(
  (name) =>
    falsifications.find((each) => each === name) ?? leave(2, `--falsify: one or more of ${falsifications.join(',')}`),
);
const rounds =
  values.round === undefined
    ? Array.from({ length: whole(values.rounds, '--rounds') }, (_, n) => n + 1)
    : [whole(values.round, '--round')];
const begun = Date.now();
const waiting = [...rounds];
const open = new Set<() => Promise<void>>();
const totals = new Map<string, number>();
let failed = 0;
let done = 0;
let ending = false;

/** Ends everything that was started, for any reason. */
function abandonAll(why: string, code: number): void {
  if (ending) return;
  ending = true;
  console.log(`${why}: ending what was started`);
  waiting.length = 0;
  void Promise.allSettled([...open].map((abandon) => abandon())).then(() => leave(code, figures()));
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => abandonAll(signal, 130));
for (const bug of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(bug, (error: Error) => abandonAll(String(error?.stack ?? error), 2));

if (values.plan) {
  for (const round of rounds) console.log(JSON.stringify(planOf(seed, round), null, 1));
} else await playAll();

async function playAll(): Promise<void> {
  const mounts = probe();
  if (!mounts) console.log('disks cannot be mounted here: fill-disk is left out');
  const workers = Array.from({ length: whole(values.jobs, '--jobs') }, async () => {
    for (let round = waiting.shift(); round !== undefined; round = waiting.shift()) await play(round, mounts);
  });
  await Promise.all(workers);
  leave(failed > 0 ? 1 : 0, figures());
}

async function play(round: number, mounts: boolean): Promise<void> {
  const plan = planOf(seed, round);
  const from = Date.now();
  const trace = (line: string) => {
    if (values.trace) console.log(`${round} ${String(Date.now() - from).padStart(6)} ${line}`);
  };
  let abandon: (() => Promise<void>) | null = null;
  const onOpen = (end: () => Promise<void>) => {
    abandon = end;
    open.add(end);
  };
  const result = await playRound({ plan, mayMount: mounts, falsified, trace, onOpen });
  if (abandon !== null) open.delete(abandon);
  done += 1;
  for (const [what, times] of result.counts) totals.set(what, (totals.get(what) ?? 0) + times);
  report(round, hashOf(plan), Date.now() - from, result);
}

function report(round: number, hash: string, ms: number, { wrong, kept, counts }: Result): void {
  const runs = [...counts].reduce((sum, [what, times]) => (what.startsWith('run ') ? sum + times : sum), 0);
  console.log(
    `round ${round} of seed ${seed} (plan ${hash}): ${wrong.length === 0 ? 'ok' : 'WRONG'}, ${runs} runs, ${(ms / 1_000).toFixed(1)} s`,
  );
  if (wrong.length === 0) return;
  failed += 1;
  for (const each of wrong) console.log(`  ${each}`);
  console.log(`  kept: ${kept}\n  again: npm run chaos -- --seed ${seed} --round ${round} --trace`);
}

function figures(): string {
  const named = (wanted: (what: string) => boolean) =>
    [...totals]
      .filter(([what]) => wanted(what))
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([what, times]) => `${what.replace(/^run /, '')} ${times}`)
      .join(', ');
  const isRun = (what: string) => what.startsWith('run ') || what === 'event';
  return [
    `${done} rounds of seed ${seed}, ${failed} wrong, ${((Date.now() - begun) / 1_000).toFixed(0)} s`,
    `moves: ${named((what) => !isRun(what))}`,
    `runs: ${named((what) => what.startsWith('run '))}; events ${totals.get('event') ?? 0}`,
  ].join('\n');
}

function probe(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'clip-chaos-'));
  try {
    return mayMount(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function whole(text: string, option: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) leave(2, `${option}: "${text}" is no number of rounds.`);
  return number;
}

function leave(code: number, last: string): never {
  console.log(last);
  process.exit(code);
}
