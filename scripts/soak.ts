/**
 * Simulates a day of work in a few minutes: many short runs, agents, tasks, followers and cancels against one daemon,
 * whose resources are measured meanwhile. Memory, open files and timers must not grow, and the database may grow only
 * by its rows. `npm run soak -- --runs 24000`: a thousand runs per hour of a day.
 */
import { spawn } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { clip, createHome } from './bench/bench-home.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '24000' }, samples: { type: 'string', default: '24' } },
});
const runsTotal = Number(values.runs);
const runsInAnHour = Math.max(1, Math.floor(runsTotal / Number(values.samples)));

type Home = ReturnType<typeof createHome>;
type Held = { readonly daemonFiles: number; readonly keeperFiles: number; readonly timers: number };
type Sample = Held & {
  readonly hour: number;
  readonly runs: number;
  readonly daemonMb: number;
  readonly keeperMb: number;
  readonly databaseBytes: number;
  readonly rows: number;
};

/** The work of one hour, as shares of its runs. */
const shares = { agents: 1 / 50, cancelled: 1 / 100, followed: 1 / 100, tasks: 1 / 250 };

async function hour(home: Home): Promise<void> {
  const lines = Array.from({ length: runsInAnHour }, (_, n) => lineOf(n));
  const last = home.run(['run', '--batch', '-', '-q', '--wait'], `${lines.join('\n')}\n`);
  const others: Promise<unknown>[] = [];
  for (let n = 0; n < runsInAnHour * shares.followed; n += 1)
    others.push(comeAndGo(home, ['logs', '-f', '@last'], n % 2 === 0));
  for (let n = 0; n < runsInAnHour * shares.cancelled; n += 1)
    others.push(home.ask('POST', '/v1/cancel', { runs: ['@last'] }));
  for (let n = 0; n < runsInAnHour * shares.tasks; n += 1)
    others.push(home.run(['task', 'add', `Task ${n}`, '--assign', 'coder', '--json']));
  await Promise.all([last, ...others]);
}

/** Returns a batch line: plain commands, failing ones, ones with output, and agents. */
function lineOf(n: number): string {
  if (n % Math.round(1 / shares.agents) === 0) return JSON.stringify({ agent: 'coder', prompt: `Do ${n}.` });
  if (n % 10 === 1)
    return JSON.stringify({
      command: ['sh', '-c', 'echo hello; echo oh dear >&2; exit 3'],
      labels: { kind: 'failing' },
    });
  return JSON.stringify({ command: ['true'], env: { SOME: `value ${n}` } });
}

/** Runs a client for a while. A client that is cut off simulates a closed terminal. */
function comeAndGo(home: Home, args: readonly string[], cutOff: boolean): Promise<void> {
  const child = spawn(process.execPath, [clip, ...args], {
    env: home.env,
    cwd: home.base,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  child.stdout?.once('data', () => cutOff && child.kill('SIGKILL'));
  child.stdout?.resume();
  return new Promise((resolve) => child.once('close', () => resolve()));
}

const residentMb = (pid: number) =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;
const openFiles = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;
/** The time for closed connections and expiring timers to disappear. */
const closingMs = 10_000;

/** Returns the held resources once they are no more than before, or once `closingMs` has passed. */
async function held(home: Home, { pid, keeper }: { pid: number; keeper: number }, before: Held | null): Promise<Held> {
  for (const until = Date.now() + closingMs; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const { timers } = JSON.parse(await home.ask('GET', '/v1/daemon')) as { timers: number };
    const now = { daemonFiles: openFiles(pid), keeperFiles: openFiles(keeper), timers };
    const fits =
      before !== null &&
      now.daemonFiles <= before.daemonFiles &&
      now.keeperFiles <= before.keeperFiles &&
      now.timers <= before.timers;
    if (fits || before === null || Date.now() > until) return now;
  }
}

async function sample(home: Home, hourNumber: number, before: Held | null): Promise<Sample> {
  const { pid, keeper } = await settled(home);
  const holds = await held(home, { pid, keeper }, before);
  const { hidden } = JSON.parse(await home.ask('GET', '/v1/runs?limit=1')) as { hidden: number };
  const { seq } = JSON.parse((await home.run(['events'])).trim().split('\n').at(-1) ?? '{"seq":0}') as { seq: number };
  const databaseBytes = ['clip.db', 'clip.db-wal'].reduce(
    (sum, name) => sum + (statSync(join(home.folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
  return {
    hour: hourNumber,
    runs: hidden + 1,
    daemonMb: residentMb(pid),
    keeperMb: residentMb(keeper),
    ...holds,
    databaseBytes,
    rows: hidden + 1 + seq,
  };
}

/** Waits until no run is live or queued. Only then are measurements comparable. */
async function settled(home: Home): Promise<{ pid: number; keeper: number }> {
  for (;;) {
    const { live, queue } = JSON.parse(await home.ask('GET', '/v1/status')) as {
      live: unknown[];
      queue: { queued: number };
    };
    const unsettled = (
      JSON.parse(await home.ask('GET', '/v1/runs?limit=200')) as { runs: { settled: boolean }[] }
    ).runs.some((run) => !run.settled);
    if (live.length === 0 && queue.queued === 0 && !unsettled) return home.daemon();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Adds an agent that answers at once in the format of codex. */
async function addAgent(home: Home): Promise<void> {
  const path = join(home.base, 'coder');
  const says = [
    { type: 'thread.started', thread_id: 's1' },
    {
      type: 'item.completed',
      item: {
        id: 'a',
        type: 'command_execution',
        command: 'make',
        aggregated_output: '',
        exit_code: 0,
        status: 'completed',
      },
    },
    { type: 'item.completed', item: { id: 'w', type: 'agent_message', text: 'I have changed it.' } },
    { type: 'turn.completed', usage: { input_tokens: 10, cached_input_tokens: 0, output_tokens: 5 } },
  ];
  writeFileSync(
    path,
    `#!/bin/sh\ncat > /dev/null\n${says.map((event) => `echo '${JSON.stringify(event)}'`).join('\n')}\n`,
  );
  chmodSync(path, 0o755);
  await home.run(['agent', 'add', 'coder', '--adapter', 'codex', '--command', path]);
}

function tell({
  hour: at,
  runs,
  daemonMb,
  keeperMb,
  daemonFiles,
  keeperFiles,
  timers,
  databaseBytes,
  rows,
}: Sample): void {
  const cells = [
    at,
    runs,
    daemonMb.toFixed(1),
    keeperMb.toFixed(1),
    daemonFiles,
    keeperFiles,
    timers,
    (databaseBytes / rows).toFixed(0),
  ];
  console.log(cells.map((cell) => String(cell).padStart(12)).join(''));
}

/** Returns what has grown from the middle of the day to its end. The first hours are warm-up. */
function growth(samples: readonly Sample[]): string[] {
  const half = samples.slice(Math.floor(samples.length / 2));
  const [first, last] = [half[0], half.at(-1)];
  if (first === undefined || last === undefined) return ['nothing was measured'];
  const grown: string[] = [];
  for (const name of ['daemonFiles', 'keeperFiles', 'timers'] as const)
    if (last[name] > first[name]) grown.push(`${name}: ${first[name]} → ${last[name]}`);
  for (const name of ['daemonMb', 'keeperMb'] as const)
    if (last[name] > first[name] * 1.1) grown.push(`${name}: ${first[name].toFixed(1)} → ${last[name].toFixed(1)}`);
  if (last.databaseBytes / last.rows > (first.databaseBytes / first.rows) * 1.1)
    grown.push('the database, by more than its rows');
  return grown;
}

const home = createHome(2);
const samples: Sample[] = [];
try {
  await addAgent(home);
  console.log(
    ['hour', 'runs', 'daemon MB', 'keeper MB', 'its files', 'its files', 'timers', 'bytes a row']
      .map((cell) => cell.padStart(12))
      .join(''),
  );
  for (let at = 0; at <= Number(values.samples); at += 1) {
    if (at > 0) await hour(home);
    const next = await sample(home, at, samples.at(-1) ?? null);
    samples.push(next);
    tell(next);
  }
} finally {
  await home.end();
}
const grown = growth(samples);
console.log(grown.length === 0 ? 'Nothing grew but the rows.' : `Grown: ${grown.join('; ')}`);
process.exitCode = grown.length === 0 ? 0 : 1;
