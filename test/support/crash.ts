/** A home in which daemon or keeper dies at one point of their code, once; and what there is to do in it. */
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
import { vanish } from './records.ts';
import { until } from './until.ts';

export type CrashHome = TestHome & {
  /** Whether it has happened. */
  readonly crashed: () => boolean;
  /** What clients were told. */
  readonly told: Map<string, number>;
};
/** Comes by the point, and brings what it began to its end. */
export type Scenario = (home: CrashHome) => Promise<void>;

export function createCrashHome(point: Failpoint, nth: number): CrashHome {
  const home = createHome({ env: { CLIP_FAILPOINT: nth === 1 ? point : `${point}@${nth}` } });
  return { ...home, crashed: () => existsSync(join(home.folder, `crashed-at-${point}`)), told: new Map() };
}

/** After the crash: somebody's next command brings the daemon back, if the keeper has not. */
export async function comeBack(home: CrashHome): Promise<void> {
  await until('it has crashed', () => home.crashed());
  await until('a daemon answers', async () => (await home.clip(['runs', '--limit', '1'])).code === 0);
}

/** Nobody's command: the keeper alone starts the daemon again. */
async function broughtBack(home: CrashHome): Promise<void> {
  await until('it has crashed', () => home.crashed());
  await until('the keeper has started the daemon again', () => home.listens());
}

/** Until all runs are settled and no wake waits; all runs, the oldest first. */
export async function untilStill(home: TestHome): Promise<RunView[]> {
  return until('nothing moves any more', () => stillRuns(home));
}

/** All runs, the oldest first, if all are settled and no wake waits; else null. */
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

/** As a careful script does it: with a key, again until somebody has said that it is admitted. */
async function submitSurely(home: CrashHome, key: string, args: readonly string[]): Promise<number> {
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

/** A plain command that exits with 7, and is to be started again if it is lost. */
export const plain: Scenario = async (home) => {
  await submitSurely(home, 'one', ['--on-loss', 'retry', ...fixture(home, '7')]);
  await comeBack(home);
};

/** The same, but nobody may start it again. */
export const delicate: Scenario = async (home) => {
  await submitSurely(home, 'one', ['--on-loss', 'fail', ...fixture(home, '7')]);
  await comeBack(home);
};

/** The same, seen alive before it ends. */
export const steady: Scenario = async (home) => {
  const number = await submitSurely(home, 'one', ['--on-loss', 'retry', ...fixture(home, '7', gateOf(home))]);
  await home.untilStatus(number, 'running');
  open(home);
  await comeBack(home);
};

/** A plain command that lives until the crash is over. */
export const patient: Scenario = async (home) => {
  const number = await submitSurely(home, 'one', ['--on-loss', 'retry', ...fixture(home, '7', gateOf(home))]);
  await comeBack(home);
  await home.untilStatus(number, 'running');
  open(home);
};

/** The daemon is killed while a run lives, and the next one greets its keeper. */
export const greeted: Scenario = async (home) => {
  const number = await submitSurely(home, 'one', ['--on-loss', 'retry', ...fixture(home, '7', gateOf(home))]);
  await home.untilStatus(number, 'running');
  await home.kill(home.daemonPid());
  await comeBack(home);
  await until('it has no keeper any more', async () => (await home.show(number)).errorCode === 'process_detached');
  open(home);
};

/** How many descriptors a launch has open before its process is made: its folder, the records of its start and of its end. */
const descriptorsBeforeSpawn = 3;

/** A keeper that has no room for the files of a run: it gives the run back. */
export const starved: Scenario = async (home) => {
  await home.clip(['daemon', 'start']);
  const keeper = await until('a keeper is there', () => home.pidsOf('keeper')[0]);
  await until(
    'it was greeted',
    async () => (await home.json<{ keepers: unknown[] }>(['daemon', 'status', '--json'])).keepers.length === 1,
  );
  const taken = new Set(readdirSync(`/proc/${keeper}/fd`).map(Number));
  let most = 0;
  for (let free = 0; free < descriptorsBeforeSpawn; most += 1) if (!taken.has(most)) free += 1;
  execFileSync('prlimit', ['--pid', String(keeper), `--nofile=${most}:`]);
  await submitSurely(home, 'one', ['--on-loss', 'fail', ...fixture(home, '7')]);
  await comeBack(home);
};

/** A run is cancelled that a keeper has not started, for it stands still; it goes on when all is over. */
export const takenBack: Scenario = async (home) => {
  await home.clip(['run', '--wait', '--', 'true']);
  const [keeper = 0] = home.pidsOf('keeper');
  process.kill(keeper, 'SIGSTOP');
  try {
    const number = await submitSurely(home, 'one', ['--on-loss', 'retry', ...fixture(home, '7')]);
    await home.clip(['cancel', '--no-wait', String(number)]);
    await comeBack(home);
    await until('it is cancelled', async () => (await home.show(number)).status === 'cancelled');
  } finally {
    process.kill(keeper, 'SIGCONT');
  }
  // It has read what was asked of it when it has done what is asked now, or another keeper has.
  await home.clip(['run', '--wait', '--', 'true']);
};

/** Sent again after the crash, each line with its key. */
export const batch: Scenario = async (home) => {
  const file = join(home.base, 'batch');
  const script = `echo "$CLIP_RUN_ID$CLIP_FAILPOINT" >> ${home.base}/starts`;
  const lines = Array.from({ length: 260 }, (_, n) =>
    JSON.stringify({ key: `line-${n}`, command: ['sh', '-c', script] }),
  );
  writeFileSync(file, lines.join('\n'));
  const sent = await home.clip(['run', '--batch', file, '-q']);
  if (sent.code === 0) throw new Error('The batch was taken in one piece.');
  await comeBack(home);
  const again = await home.clip(['run', '--batch', file, '-q']);
  if (again.code !== 0) throw new Error(again.stderr);
  again.stdout
    .trim()
    .split('\n')
    .forEach((number, n) => void home.told.set(`line-${n}`, Number(number)));
};

const { session, words, command, done, change } = codexSays;
const works: readonly AgentStep[] = [session('s1'), words('I begin.'), command('a', 'make build'), { complain: 'Hm.' }];
const finished: readonly AgentStep[] = [words('I have changed it.'), done(10, 1), { leave: true }, { exit: 0 }];

/** An agent's run that says something, lives until the crash is over, and says the rest. The keeper brings the daemon back. */
export const speaking: Scenario = async (home) => {
  await addSpeaker(home, [[...works, { await: gateOf(home) }, ...finished]]);
  await submitSurely(home, 'one', ['--agent', 'coder', 'Do it.']);
  await broughtBack(home);
  open(home);
};

/** An agent's run that says all it has to say at once. */
export const brief: Scenario = async (home) => {
  await addSpeaker(home, [[...works, ...finished]]);
  await submitSurely(home, 'one', ['--agent', 'coder', 'Do it.']);
  await comeBack(home);
};

/** Daemon, keeper and process are gone, and what the process left behind lives on. */
export const lost: Scenario = async (home) => {
  const number = await submitSurely(home, 'one', ['--on-loss', 'retry', ...fixture(home, '7', gateOf(home))]);
  const run = await home.untilStatus(number, 'running');
  await until('it has said all', async () => ((await home.show(number)).stderrBytes ?? 0) >= 151);
  await vanish(home, run);
  open(home);
  await home.clip(['runs', '--limit', '1']);
  await comeBack(home);
};

/** The same with an agent: the next run goes on with its session. */
export const lostAgent: Scenario = async (home) => {
  await addSpeaker(home, [
    [...works, { await: gateOf(home) }],
    [...works, ...finished],
  ]);
  const number = await submitSurely(home, 'one', ['--agent', 'coder', 'Do it.']);
  const run = await home.untilStatus(number, 'running');
  await until('it has spoken', async () => (await home.show(number)).stderrBytes === 4);
  await vanish(home, run);
  await home.clip(['runs', '--limit', '1']);
  await comeBack(home);
};

/** A run that no signal but SIGKILL ends, with a child in a session of its own. The keeper brings the daemon back. */
export const stubborn: Scenario = async (home) => {
  const options = ['--on-loss', 'retry', '--grace', '1s', '--env', 'STUBBORN=1'];
  const number = await submitSurely(home, 'one', [...options, ...fixture(home, '7', gateOf(home))]);
  await until('it has said all', async () => ((await home.show(number)).stderrBytes ?? 0) >= 151);
  await Promise.all([home.clip(['cancel', String(number)]), broughtBack(home)]);
};

const reportsDone: AgentStep = { run: '"$CLIP_BIN" report done "It is fixed."' };

/** A task: its first run only plans, the second does it and reports so. */
export const task: Scenario = async (home) => {
  await addSpeaker(home, [
    [
      session('s1'),
      words('I will inspect the repo next and then implement the fix.'),
      done(10, 1),
      { leave: true },
      { exit: 0 },
    ],
    [...works, change('b', 'src/a.ts'), reportsDone, ...finished],
  ]);
  await home.clip(['task', 'add', 'Fix the parser', '--assign', 'coder']);
  await comeBack(home);
};

/** A task that is continued by a person while its run lives: the wake has to wait for its end. */
export const deferred: Scenario = async (home) => {
  await addSpeaker(home, [
    [...works, { await: gateOf(home) }, change('b', 'src/a.ts'), ...finished],
    [...works, reportsDone, ...finished],
  ]);
  await home.clip(['task', 'add', 'Fix the parser', '--assign', 'coder']);
  await home.untilStatus(1, 'running');
  await home.clip(['continue', 'T1', 'The lexer as well.']);
  open(home);
  await comeBack(home);
};

/** A run is removed, and again after the crash. */
export const removed: Scenario = async (home) => {
  const number = await submitSurely(home, 'one', fixture(home, '7'));
  await home.clip(['wait', String(number)]);
  await until('it is settled', async () => (await home.show(number)).settled);
  await home.clip(['rm', String(number)]);
  await comeBack(home);
};

/** All ended runs are pruned, and again after the crash. */
export const pruned: Scenario = async (home) => {
  for (const key of ['one', 'two']) {
    const number = await submitSurely(home, key, fixture(home, '7'));
    await until(`${key} is settled`, async () => (await home.show(number)).settled);
  }
  await home.clip(['prune', '--keep', '0']);
  await comeBack(home);
  await until('their folders have gone', () => readdirSync(join(home.folder, 'runs')).length === 0);
};

/** A run whose logs are compressed as soon as it is settled. */
export const archived: Scenario = async (home) => {
  configure(home, '[logs]\ncompress_after_min = 0\n');
  const number = await submitSurely(home, 'one', ['--env', 'LINES_SAID=1000', ...fixture(home, '7')]);
  await comeBack(home);
  await until('its log is compressed', async () => (await home.show(number)).stdoutPath.endsWith('.gz'));
};

/** A run whose logs are too many by themselves. */
export const retained: Scenario = async (home) => {
  configure(home, '[logs]\ncompress_after_min = 0\nsize_max_gb = 0.000000001\n');
  const number = await submitSurely(home, 'one', ['--env', 'LINES_SAID=1000', ...fixture(home, '7')]);
  await comeBack(home);
  await until('its logs are removed', async () => (await home.show(number)).logsRemovedAt !== null);
  const folder = join(home.folder, 'runs', (await home.show(number)).id);
  await until('nothing of them is left', () => readdirSync(folder).every((name) => !name.includes('.log')));
};

/** A damaged database is mended, which dies, and again. */
export const mended: Scenario = async (home) => {
  for (const key of ['one', 'two']) {
    const number = await submitSurely(home, key, fixture(home, '7'));
    await until('it is settled', async () => (await home.show(number)).settled);
  }
  await home.clip(['daemon', 'stop']);
  const path = databaseOf(home);
  ruinPage(path, leavesOf(path, 'runs_by_status')[0] ?? 0);
  const damaged = readFileSync(path);
  const died = await home.clip(['doctor', '--fix']);
  if (died.signal !== 'SIGKILL') throw new Error(`It was mended without dying: ${died.stdout}${died.stderr}`);
  if (!readFileSync(path).equals(damaged)) throw new Error('The damaged database was touched.');
  if (existsSync(`${path}.repaired`)) {
    const refused = await home.clip(['runs']);
    if (refused.code !== 7) throw new Error('A daemon has started before the repair was done.');
  }
  const again = await home.clip(['doctor', '--fix']);
  if (again.code !== 0) throw new Error(again.stdout + again.stderr);
  await comeBack(home);
};
