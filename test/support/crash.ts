/** A home in which the daemon or keeper crashes once at a given point of its code, and the scenarios for it. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Failpoint } from '#launch/failpoints.ts';
import type { RunView } from '#protocol/answers.ts';
import type { TaskView, WakeView } from '#protocol/tasks.ts';
import { type AgentStep, addSpeaker, codexSays } from './agents.ts';
import { ask } from './api.ts';
import { configure } from './config.ts';
import { databaseOf, leavesOf, ruinPage } from './damage-database.ts';
import { agent, createHome, type TestHome } from './home.ts';
import { endWithoutRecord } from './records.ts';
import { until } from './until.ts';

export type CrashHome = TestHome & {
  /** Returns whether the crash has happened. */
  readonly crashed: () => boolean;
  /** Run numbers that clients were told for their keys. */
  readonly told: Map<string, number>;
};
/** Reaches the crash point, and waits until the interrupted work continues. */
export type Scenario = (home: CrashHome) => Promise<void>;

export function createCrashHome(point: Failpoint, nth: number): CrashHome {
  const home = createHome({ env: { CLIP_FAILPOINT: nth === 1 ? point : `${point}@${nth}` } });
  return { ...home, crashed: () => existsSync(join(home.folder, `crashed-at-${point}`)), told: new Map() };
}

/** Waits for the crash. Then the next command starts the daemon again, if the keeper has not done so. */
export async function waitForRestart(home: CrashHome): Promise<void> {
  await until('the failpoint was reached', () => home.crashed());
  await until('a daemon answers', async () => (await home.clip(['runs', '--limit', '1'])).code === 0);
}

/** Waits for the crash. The keeper alone starts the daemon again. */
async function waitForRestartByKeeper(home: CrashHome): Promise<void> {
  await until('the failpoint was reached', () => home.crashed());
  await until('the keeper has started the daemon again', () => home.listens());
}

/** Waits until all runs have settled and no wake is pending. Returns all runs, the oldest first. */
export async function untilStill(home: TestHome): Promise<RunView[]> {
  return until('all runs have settled', () => stillRuns(home));
}

/** Returns all runs, the oldest first, or null when a run has not settled or a wake is pending. */
export async function stillRuns(home: TestHome): Promise<RunView[] | null> {
  const { runs } = (await ask(home.folder, '/v1/runs?limit=1000')).json() as { runs: RunView[] };
  if (!runs.every(({ settled }) => settled)) return null;
  const { tasks } = (await ask(home.folder, '/v1/tasks')).json() as { tasks: TaskView[] };
  for (const { number } of tasks) {
    const { wakes } = (await ask(home.folder, `/v1/tasks/${number}`)).json() as { wakes: WakeView[] };
    if (wakes.some(({ status }) => ['queued', 'deferred', 'claimed'].includes(status))) return null;
  }
  return runs.reverse();
}

/** Submits with a key and repeats it until the run is admitted, as a careful script does. */
async function submitUntilAdmitted(home: CrashHome, key: string, args: readonly string[]): Promise<number> {
  const number = await until(`${key} is admitted`, async () => {
    const { code, stdout } = await home.clip(['run', '-q', '--key', key, ...args]);
    return code === 0 ? Number(stdout) : null;
  });
  home.told.set(key, number);
  return number;
}

const fixture = (home: TestHome, ...args: readonly string[]) => [
  '--',
  agent('writes-down-its-starts.sh'),
  home.base,
  ...args,
];
const gateOf = (home: TestHome) => join(home.base, 'gate');
const open = (home: TestHome) => writeFileSync(gateOf(home), '');

/** A plain command that exits with 7 and is retried if it is lost. */
export const plain: Scenario = async (home) => {
  await submitUntilAdmitted(home, 'one', ['--on-loss', 'retry', ...fixture(home, '7')]);
  await waitForRestart(home);
};

/** The same command, which must not be retried. */
export const plainNoRetry: Scenario = async (home) => {
  await submitUntilAdmitted(home, 'one', ['--on-loss', 'fail', ...fixture(home, '7')]);
  await waitForRestart(home);
};

/** The same command, which is seen running before it ends. */
export const steady: Scenario = async (home) => {
  const number = await submitUntilAdmitted(home, 'one', ['--on-loss', 'retry', ...fixture(home, '7', gateOf(home))]);
  await home.untilStatus(number, 'running');
  open(home);
  await waitForRestart(home);
};

/** A plain command that lives until the crash is over. */
export const gated: Scenario = async (home) => {
  const number = await submitUntilAdmitted(home, 'one', ['--on-loss', 'retry', ...fixture(home, '7', gateOf(home))]);
  await waitForRestart(home);
  await home.untilStatus(number, 'running');
  open(home);
};

/** The daemon is killed while a run lives, and the next daemon connects to its keeper. */
export const reconnected: Scenario = async (home) => {
  const number = await submitUntilAdmitted(home, 'one', ['--on-loss', 'retry', ...fixture(home, '7', gateOf(home))]);
  await home.untilStatus(number, 'running');
  await home.kill(home.daemonPid());
  await waitForRestart(home);
  await until('the run has no keeper', async () => (await home.show(number)).errorCode === 'process_detached');
  open(home);
};

/**
 * The number of descriptors that a launch opens before its process is created: its folder, and the records of its start
 * and end.
 */
const descriptorsBeforeSpawn = 3;

/** A keeper that has no descriptors for the files of a run, and therefore returns the run. */
export const outOfDescriptors: Scenario = async (home) => {
  await home.clip(['daemon', 'start']);
  const keeper = await until('a keeper is running', () => home.pidsOf('keeper')[0]);
  await until(
    'the keeper is connected',
    async () => (await home.json<{ keepers: unknown[] }>(['daemon', 'status', '--json'])).keepers.length === 1,
  );
  const taken = new Set(readdirSync(`/proc/${keeper}/fd`).map(Number));
  let most = 0;
  for (let free = 0; free < descriptorsBeforeSpawn; most += 1) if (!taken.has(most)) free += 1;
  execFileSync('prlimit', ['--pid', String(keeper), `--nofile=${most}:`]);
  await submitUntilAdmitted(home, 'one', ['--on-loss', 'fail', ...fixture(home, '7')]);
  await waitForRestart(home);
};

/** A run is canceled before its suspended keeper has started it. The keeper continues at the end. */
export const canceledUnread: Scenario = async (home) => {
  await home.clip(['run', '--wait', '--', 'true']);
  const [keeper = 0] = home.pidsOf('keeper');
  process.kill(keeper, 'SIGSTOP');
  try {
    const number = await submitUntilAdmitted(home, 'one', ['--on-loss', 'retry', ...fixture(home, '7')]);
    await home.clip(['cancel', '--no-wait', String(number)]);
    await waitForRestart(home);
    await until('the run is cancelled', async () => (await home.show(number)).status === 'cancelled');
  } finally {
    process.kill(keeper, 'SIGCONT');
  }
  // When this run has ended, the keeper has read the earlier request, or another keeper has replaced it.
  await home.clip(['run', '--wait', '--', 'true']);
};

/** A batch that is sent again after the crash, each line with its key. */
export const batch: Scenario = async (home) => {
  const file = join(home.base, 'batch');
  const script = `echo "$CLIP_RUN_ID$CLIP_FAILPOINT" >> ${home.base}/starts`;
  const lines = Array.from({ length: 260 }, (_, n) =>
    JSON.stringify({ key: `line-${n}`, command: ['sh', '-c', script] }),
  );
  writeFileSync(file, lines.join('\n'));
  const sent = await home.clip(['run', '--batch', file, '-q']);
  if (sent.code === 0) throw new Error('The batch was taken in one piece.');
  await waitForRestart(home);
  const again = await home.clip(['run', '--batch', file, '-q']);
  if (again.code !== 0) throw new Error(again.stderr);
  again.stdout
    .trim()
    .split('\n')
    .forEach((number, n) => void home.told.set(`line-${n}`, Number(number)));
};

const { session, words, command, done, change } = codexSays;
const beginning: readonly AgentStep[] = [
  session('s1'),
  words('I begin.'),
  command('a', 'make build'),
  { complain: 'Hm.' },
];
const ending: readonly AgentStep[] = [words('I have changed it.'), done(10, 1), { leave: true }, { exit: 0 }];

/**
 * An agent's run that prints some lines, lives until the crash is over, and prints the rest. The keeper restarts the
 * daemon.
 */
export const gatedAgent: Scenario = async (home) => {
  await addSpeaker(home, [[...beginning, { await: gateOf(home) }, ...ending]]);
  await submitUntilAdmitted(home, 'one', ['--agent', 'coder', 'Do it.']);
  await waitForRestartByKeeper(home);
  open(home);
};

/** An agent's run that prints everything at once. */
export const briefAgent: Scenario = async (home) => {
  await addSpeaker(home, [[...beginning, ...ending]]);
  await submitUntilAdmitted(home, 'one', ['--agent', 'coder', 'Do it.']);
  await waitForRestart(home);
};

/** The daemon, the keeper and the process are gone. A leftover of the process is alive. */
export const lost: Scenario = async (home) => {
  const number = await submitUntilAdmitted(home, 'one', ['--on-loss', 'retry', ...fixture(home, '7', gateOf(home))]);
  const run = await home.untilStatus(number, 'running');
  await until('the run has printed everything', async () => ((await home.show(number)).stderrBytes ?? 0) >= 151);
  await endWithoutRecord(home, run);
  open(home);
  await home.clip(['runs', '--limit', '1']);
  await waitForRestart(home);
};

/** The same with an agent: the next run continues its session. */
export const lostAgent: Scenario = async (home) => {
  await addSpeaker(home, [
    [...beginning, { await: gateOf(home) }],
    [...beginning, ...ending],
  ]);
  const number = await submitUntilAdmitted(home, 'one', ['--agent', 'coder', 'Do it.']);
  const run = await home.untilStatus(number, 'running');
  await until('the run has printed its first line', async () => (await home.show(number)).stderrBytes === 4);
  await endWithoutRecord(home, run);
  await home.clip(['runs', '--limit', '1']);
  await waitForRestart(home);
};

/** A run that only SIGKILL ends, with a child in its own session. The keeper restarts the daemon. */
export const stubborn: Scenario = async (home) => {
  const options = ['--on-loss', 'retry', '--grace', '1s', '--env', 'STUBBORN=1'];
  const number = await submitUntilAdmitted(home, 'one', [...options, ...fixture(home, '7', gateOf(home))]);
  await until('the run has printed everything', async () => ((await home.show(number)).stderrBytes ?? 0) >= 151);
  await Promise.all([home.clip(['cancel', String(number)]), waitForRestartByKeeper(home)]);
};

const reportsDone: AgentStep = { run: '"$CLIP_BIN" report done "It is fixed."' };

/** A task: its first run only plans, and the second does the work and reports it. */
export const task: Scenario = async (home) => {
  await addSpeaker(home, [
    [
      session('s1'),
      words('I will inspect the repo next and then implement the fix.'),
      done(10, 1),
      { leave: true },
      { exit: 0 },
    ],
    [...beginning, change('b', 'src/a.ts'), reportsDone, ...ending],
  ]);
  await home.clip(['task', 'add', 'Fix the parser', '--assign', 'coder']);
  await waitForRestart(home);
};

/** A task that a person continues while its run is live: the wake waits for the end of the run. */
export const deferred: Scenario = async (home) => {
  await addSpeaker(home, [
    [...beginning, { await: gateOf(home) }, change('b', 'src/a.ts'), ...ending],
    [...beginning, reportsDone, ...ending],
  ]);
  await home.clip(['task', 'add', 'Fix the parser', '--assign', 'coder']);
  await home.untilStatus(1, 'running');
  await home.clip(['continue', 'T1', 'The lexer as well.']);
  open(home);
  await waitForRestart(home);
};

/** A run is removed, and the removal continues after the crash. */
export const removed: Scenario = async (home) => {
  const number = await submitUntilAdmitted(home, 'one', fixture(home, '7'));
  await home.clip(['wait', String(number)]);
  await until('the run has settled', async () => (await home.show(number)).settled);
  await home.clip(['rm', String(number)]);
  await waitForRestart(home);
};

/** All ended runs are pruned, and the removal continues after the crash. */
export const pruned: Scenario = async (home) => {
  for (const key of ['one', 'two']) {
    const number = await submitUntilAdmitted(home, key, fixture(home, '7'));
    await until(`${key} has settled`, async () => (await home.show(number)).settled);
  }
  await home.clip(['prune', '--keep', '0']);
  await waitForRestart(home);
  await until('the run folders are removed', () => readdirSync(join(home.folder, 'runs')).length === 0);
};

/** A run whose logs are compressed as soon as it is settled. */
export const archived: Scenario = async (home) => {
  configure(home, '[logs]\ncompress_after_min = 0\n');
  const number = await submitUntilAdmitted(home, 'one', ['--env', 'LINES_SAID=1000', ...fixture(home, '7')]);
  await waitForRestart(home);
  await until('the log is compressed', async () => (await home.show(number)).stdoutPath.endsWith('.gz'));
};

/** A run whose logs alone exceed the size limit. */
export const retained: Scenario = async (home) => {
  configure(home, '[logs]\ncompress_after_min = 0\nsize_max_gb = 0.000000001\n');
  const number = await submitUntilAdmitted(home, 'one', ['--env', 'LINES_SAID=1000', ...fixture(home, '7')]);
  await waitForRestart(home);
  await until('the logs are removed', async () => (await home.show(number)).logsRemovedAt !== null);
  const folder = join(home.folder, 'runs', (await home.show(number)).id);
  await until('no log file is left', () => readdirSync(folder).every((name) => !name.includes('.log')));
};

/** The repair of a damaged database crashes and is repeated. */
export const repaired: Scenario = async (home) => {
  for (const key of ['one', 'two']) {
    const number = await submitUntilAdmitted(home, key, fixture(home, '7'));
    await until('the run has settled', async () => (await home.show(number)).settled);
  }
  await home.clip(['daemon', 'stop']);
  const path = databaseOf(home);
  ruinPage(path, leavesOf(path, 'runs_by_status')[0] ?? 0);
  const damaged = readFileSync(path);
  const died = await home.clip(['doctor', '--fix']);
  if (died.signal !== 'SIGKILL') throw new Error(`The repair did not crash: ${died.stdout}${died.stderr}`);
  if (!readFileSync(path).equals(damaged)) throw new Error('The damaged database was touched.');
  if (existsSync(`${path}.repaired`)) {
    const refused = await home.clip(['runs']);
    if (refused.code !== 7) throw new Error('A daemon has started before the repair was done.');
  }
  const again = await home.clip(['doctor', '--fix']);
  if (again.code !== 0) throw new Error(again.stdout + again.stderr);
  await waitForRestart(home);
};
