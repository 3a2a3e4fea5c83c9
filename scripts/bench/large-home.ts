/** The requests whose cost must not grow with the history: in a home with a million agent runs, and in one with 100. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createStore, type Store } from '#store/store.ts';
import { createHome } from './bench-home.ts';
import { least, median } from './measure.ts';
import { type BenchRow, type Result, rounds as roundsOf, scaled } from './row.ts';

type Home = ReturnType<typeof createHome>;
type Size = { readonly runs: number; readonly tasks: number };

const small: Size = { runs: 100, tasks: 10 };
const large: Size = { runs: scaled(1_000_000), tasks: scaled(10_000) };
const openTasks = 10;
const agents = 5;
const days = 90;
const rounds = roundsOf(40);
const ratioMax = 1.3;
const blockMaxMs = 10;

const openStatuses = ['todo', 'in_progress', 'blocked', 'in_review'].map((status) => `status=${status}`).join('&');
const requests: readonly (readonly [string, (home: Home) => Promise<unknown>])[] = [
  ['ledger', (home) => home.ask('GET', '/v1/ledger')],
  ['status', (home) => home.ask('GET', '/v1/status')],
  ['tasks', (home) => home.ask('GET', `/v1/tasks?${openStatuses}`)],
  ['board', (home) => home.following('/v1/board', () => true)],
];

export const largeHomeRows: readonly BenchRow[] = [
  {
    name: 'large-home',
    what: 'requests and budget checks with 1,000,000 agent runs and 10,000 tasks; longest block of the daemon',
    against: 'with 100 runs and 10 tasks',
    target: `≤ ${ratioMax}×; ≤ ${blockMaxMs} ms`,
    measure: measureLargeHome,
  },
];

/** Measures both homes in turn. `met`: whether no request is slower than allowed, nor blocks the daemon for long. */
async function measureLargeHome(): Promise<Result> {
  const homes = { small: await createAgentHome(small), large: await createAgentHome(large) };
  const figures: string[] = [];
  const ratios: number[] = [];
  const blocks: number[] = [];
  const note = (name: string, pairs: readonly (readonly [number, number])[]) => {
    const [most, few] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)];
    const ratio = median(most) / median(few);
    ratios.push(ratio);
    const minimum = (least(most) / least(few)).toFixed(2);
    figures.push(`${name} ${ratio.toFixed(2)}× (minimum ${minimum}×, median ${median(most).toFixed(2)} ms)`);
  };
  for (const [name, ask] of requests) {
    note(
      name,
      await inTurn(
        () => ask(homes.large),
        () => ask(homes.small),
      ),
    );
    blocks.push(await longestBlock(homes.large, () => ask(homes.large)));
  }
  for (const home of Object.values(homes)) await home.run(['daemon', 'stop']);
  const stores = { small: openStoreOf(homes.small), large: openStoreOf(homes.large) };
  for (const [name, check] of [
    ['start of a day', startOfDay],
    ['use of a task', useOfTask],
  ] as const)
    note(
      name,
      await inTurn(
        () => check(stores.large),
        () => check(stores.small),
      ),
    );
  for (const store of Object.values(stores)) store.close();
  for (const home of Object.values(homes)) await home.end();
  const figure = `${figures.join('; ')}; longest block ${Math.max(...blocks).toFixed(1)} ms`;
  return { figure, met: Math.max(...ratios) <= ratioMax && Math.max(...blocks) <= blockMaxMs };
}

/** Creates a home with one real run of an agent for a task, and copies both. Its daemon runs. */
async function createAgentHome(size: Size): Promise<Home> {
  const home = createHome(2);
  const codex = join(home.base, 'codex');
  const lines = [
    { type: 'thread.started', thread_id: 's-1' },
    { type: 'item.completed', item: { id: 'a', type: 'agent_message', text: 'I have built it.' } },
    { type: 'turn.completed', usage: { input_tokens: 120, cached_input_tokens: 20, output_tokens: 9 } },
  ].map((line) => `echo '${JSON.stringify(line)}'`);
  writeFileSync(codex, ['#!/bin/sh', 'cat > /dev/null', ...lines, ''].join('\n'));
  chmodSync(codex, 0o755);
  for (let n = 1; n <= agents; n += 1) {
    const budget = n === 1 ? ['--budget-day', '1000000runs'] : [];
    await home.run(['agent', 'add', `a${n}`, '--adapter', 'codex', '--command', codex, ...budget]);
  }
  await home.run(['task', 'add', 'The first one', '--budget', '1000000runs']);
  await home.run(['run', '--wait', '-q', '--agent', 'a1', '--task', 'T1', 'Build it.']);
  await home.run(['daemon', 'stop']);
  multiplyAgentRuns(home.folder, size);
  // Books all of them, as the first start after an upgrade does.
  openStoreOf(home).close();
  await home.run(['daemon', 'start']);
  return home;
}

/**
 * Copies the run and the task of a stopped home. The copies end over three months, belong to all agents and tasks in
 * turn, and one in ten has failed. The newest tasks are open or blocked, the others are done.
 */
function multiplyAgentRuns(folder: string, { runs, tasks }: Size): void {
  const database = new Database(join(folder, 'clip.db'));
  database.pragma('synchronous = OFF');
  const series = (most: number) => `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${most})`;
  const columns = (table: string, given: Readonly<Record<string, string>>) => {
    const names = (database.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name);
    return { into: names.join(', '), from: names.map((name) => given[name] ?? `of.${name}`).join(', ') };
  };
  const at = `(${Date.now() - 60_000} - CAST((${runs} - i) * ${(days * 86_400_000) / runs} AS integer))`;
  const status = "iif(i % 10 = 0, 'failed', 'succeeded')";
  const ids = JSON.stringify(database.prepare('SELECT id FROM agents ORDER BY name').pluck().all());
  const agent = `json_extract('${ids}', '$[' || (i % ${agents}) || ']')`;
  const task = columns('tasks', {
    number: 'i',
    status: `iif(i > ${tasks - openTasks}, iif(i % 2 = 0, 'todo', 'blocked'), 'done')`,
    assignee: `'{"kind":"person"}'`,
  });
  const run = columns('runs', {
    number: 'i + 1',
    id: "'bench' || i",
    key: 'NULL',
    status,
    queued_at: at,
    agent_id: agent,
    task_id: `i % ${tasks} + 1`,
    archived: '1',
    spec: `json_set(of.spec, '$.agent.id', ${agent})`,
    lineage: `json_set(of.lineage, '$.taskId', i % ${tasks} + 1)`,
    state: `json_set(of.state, '$.status', ${status}, '$.startedAt', ${at} + 1000, '$.endedAt', ${at} + 30000)`,
  });
  const account = columns('accounts', { run: 'i + 1', account: "'{}'" });
  database.exec(`
    ${series(tasks)} INSERT OR REPLACE INTO tasks (${task.into}) SELECT ${task.from} FROM n, tasks of WHERE number = 1;
    ${series(runs)} INSERT INTO runs (${run.into}) SELECT ${run.from} FROM n, runs of WHERE number = 1;
    ${series(runs)} INSERT INTO accounts (${account.into}) SELECT ${account.from} FROM n, accounts of WHERE run = 1;
    UPDATE meta SET value = (SELECT count(*) FROM runs) WHERE key = 'runs_total';
    DELETE FROM usage_changes;
    INSERT INTO usage_changes (run) VALUES (0);
  `);
  database.close();
}

/** Measures A and B alternately, after a few unrecorded rounds. */
async function inTurn(a: () => unknown, b: () => unknown): Promise<[number, number][]> {
  const time = async (work: () => unknown) => {
    const from = performance.now();
    await work();
    return performance.now() - from;
  };
  const pairs: [number, number][] = [];
  for (let round = -5; round < rounds; round += 1) {
    const pair: [number, number] = [await time(a), await time(b)];
    if (round >= 0) pairs.push(pair);
  }
  return pairs;
}

/**
 * Returns how long the daemon answered nothing else during a request: the longest of the small requests that are sent
 * one after the other on a second connection meanwhile. It is the median of several rounds, because the machine pauses
 * any program now and then.
 */
async function longestBlock(home: Home, ask: () => Promise<unknown>): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ping = () =>
    new Promise<void>((resolve, reject) => {
      const sent = request({ socketPath: join(home.folder, 'clip.sock'), path: '/v1/daemon', agent }, (answer) =>
        answer.resume().on('end', resolve),
      );
      sent.on('error', reject).end();
    });
  const longest: number[] = [];
  for (let round = 0; round < rounds / 2; round += 1) {
    await ping();
    let isOver = false;
    let most = 0;
    const asked = ask().then(() => {
      isOver = true;
    });
    while (!isOver) {
      const from = performance.now();
      await ping();
      most = Math.max(most, performance.now() - from);
    }
    await asked;
    longest.push(most);
  }
  agent.destroy();
  return median(longest);
}

function openStoreOf(home: Home): Store {
  const root = join(import.meta.dirname, '../..');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return createStore({ path: join(home.folder, 'clip.db'), migrations: join(root, 'migrations'), version });
}

/** Reads what a daemon reads to check the budgets of a day for the first time. */
function startOfDay({ agents: all, usageTotals }: Store): void {
  const midnight = new Date().setHours(0, 0, 0, 0);
  usageTotals.ofAgentsSince(midnight);
  for (const { id } of all.list()) usageTotals.ofAgentSince(id, midnight);
}

function useOfTask({ usageTotals }: Store): void {
  for (let task = 1; task <= openTasks; task += 1) usageTotals.ofTask(task);
}
