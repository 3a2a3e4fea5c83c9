/**
 * One round. Clients of a new home follow the plan while faults occur. Then all faults end, pending work completes, and
 * the home is checked against the invariants and the driver's own record.
 */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { addSpeaker } from '../support/agents.ts';
import { configure } from '../support/config.ts';
import { stillRuns } from '../support/crash.ts';
import { openHome, processesOf } from '../support/home.ts';
import { invariantsOf } from '../support/invariants.ts';
import { type Disk, mountDisk } from '../support/small-disk.ts';
import { readRecorded } from '../support/stored-rows.ts';
import { until } from '../support/until.ts';
import { createActions, waitMsMax } from './actions.ts';
import { wrongByRecord } from './checks.ts';
import { createClients, type OpenHome } from './clients.ts';
import { type Falsified, falsify } from './falsify.ts';
import { createFaults } from './faults.ts';
import type { Action, Fault, Move, Plan } from './plan.ts';
import { createRecord, type RoundRecord, toldOf } from './record.ts';
import { createWatcher } from './watcher.ts';

export type Result = {
  readonly wrong: readonly string[];
  readonly kept: string | null;
  readonly counts: ReadonlyMap<string, number>;
};
export type Round = {
  readonly plan: Plan;
  readonly mayMount: boolean;
  /** Violations that are introduced before the checks, to test that they are detected. */
  readonly falsified: readonly Falsified[];
  readonly trace: (line: string) => void;
  /** Receives a function that ends the round at once, in any state. */
  readonly onOpen: (abandon: () => Promise<void>) => void;
};

const isFault = (move: Move): move is Move & Fault => /^(kill|pause|strand|fill|drop|stop|restart)-/.test(move.do);

export async function playRound(round: Round): Promise<Result> {
  const { plan } = round;
  const home = openHome({ env: plan.crashAt === null ? {} : { CLIP_FAILPOINT: plan.crashAt } });
  const disk = plan.disk === 'small' && round.mayMount ? mountDisk(home.folder) : null;
  const record = createRecord();
  const clients = createClients(home, round.trace);
  const faults = createFaults({ home, disk, clients, record });
  /** Ends every process, in any state of the round. */
  const end = async () => {
    clients.close();
    faults.endAll();
    const left = await home.end();
    if (disk !== null && !disk.unmount()) throw new Error(`The disk at ${home.folder} cannot be unmounted.`);
    return left.map(({ pid, command }) => `process ${pid} (${command}) outlived a clean stop`);
  };
  round.onOpen(async () => {
    await end();
    // Processes that the checks have started since.
    for (const { pid } of processesOf(home.folder)) process.kill(pid, 'SIGKILL');
    rmSync(home.base, { recursive: true, force: true });
  });
  const wrong: string[] = [];
  try {
    await play(round, { home, clients, record, faults });
    count(home, record);
    for (const what of round.falsified) falsify(home, record, what);
    wrong.push(...record.wrong, ...(await invariantsOf(home, toldOf(record))), ...wrongByRecord(home, record));
  } catch (error) {
    wrong.push(...record.wrong, error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  if (wrong.length > 0) return { wrong, kept: await keep(home, disk, end), counts: record.counts };
  wrong.push(...(await end()));
  if (wrong.length > 0) return { wrong, kept: home.folder, counts: record.counts };
  rmSync(home.base, { recursive: true, force: true });
  return { wrong, kept: null, counts: record.counts };
}

type Stage = {
  readonly home: OpenHome;
  readonly clients: ReturnType<typeof createClients>;
  readonly record: RoundRecord;
  readonly faults: ReturnType<typeof createFaults>;
};

async function play({ plan, trace }: Round, stage: Stage): Promise<void> {
  const { home, clients, record, faults } = stage;
  configure(home, `max_runs = ${plan.slots}\n`);
  mkdirSync(join(home.base, 'work'));
  const options = ['--share-worktree', '--concurrency', '2', '--grace', '500ms', '--cwd', join(home.base, 'work')];
  // The daemon may already crash here.
  await until('the agent is added', () => addSpeaker(home, plan.scripts, options).then(() => true, isTaken));
  const watcher = createWatcher({ clients, record });
  const act = createActions({ home, clients, record });
  const doing: Promise<void>[] = [];
  for (const move of plan.moves) {
    await new Promise((resolve) => setTimeout(resolve, move.afterMs));
    if (clients.closed()) break;
    if (isFault(move)) {
      const hit = faults.strike(move).then((what) => {
        record.count(what === null ? 'missed' : move.do);
        trace(`! ${move.do} ${what ?? 'nothing'}`);
      });
      // These two faults are commands that take time. Other moves continue in the meantime.
      if (move.do === 'stop-daemon' || move.do === 'restart-daemon') doing.push(hit);
      else await hit;
      continue;
    }
    record.count(move.do);
    trace(`${move.do} ${JSON.stringify({ ...move, do: undefined, afterMs: undefined })}`);
    doing.push(
      act(move as Action).catch(
        (error: Error) => void record.wrong.push(`${move.do} could not be done: ${error.stack}`),
      ),
    );
  }
  trace('faults ended');
  faults.endAll();
  await faults.untilAnswers();
  await waitForRest(stage, doing);
  const last = readRecorded(home).events.at(-1)?.seq ?? 0;
  if (!(await watcher.sees(last))) record.wrong.push(`the follower did not receive event ${last}`);
  watcher.stop();
  clients.close();
  await watcher.watching;
}

/** The agent was added, but the answer was lost. */
function isTaken(error: Error): boolean {
  return /taken|exists/.test(error.message);
}

/** Waits until all requests are done and all runs have settled. */
async function waitForRest({ home, clients, record, faults }: Stage, doing: readonly Promise<void>[]): Promise<void> {
  let open = doing.length;
  for (const each of doing) void each.finally(() => (open -= 1)).catch(() => {});
  await until('every client has ended', () => open === 0, waitMsMax).catch((error: Error) => {
    record.wrong.push(`${error.message} At work: ${clients.atWork().join('; ')}`);
  });
  // A daemon that was killed last is started again by the next command.
  await until(
    'all runs have settled',
    async () => {
      if (!(await home.listens())) await faults.untilAnswers();
      return stillRuns(home);
    },
    waitMsMax,
  );
}

/** Counts how the runs ended. */
function count(home: OpenHome, record: RoundRecord): void {
  const { runs, buried, events } = readRecorded(home);
  for (const { state } of runs) record.count('outcome' in state ? `run ${state.outcome.kind}` : `run ${state.status}`);
  for (const _ of buried) record.count('run removed');
  for (const _ of events) record.count('event');
}

/** Keeps the home for inspection. A home on a disk of its own is copied. Returns its path. */
async function keep(home: OpenHome, disk: Disk | null, end: () => Promise<unknown>): Promise<string> {
  const left = processesOf(home.folder).map(({ pid, command }) => `${pid} ${command}`);
  if (disk !== null)
    cpSync(home.folder, join(home.base, 'home-kept'), { recursive: true, filter: (path) => !path.endsWith('.sock') });
  await end();
  return `${disk === null ? home.folder : join(home.base, 'home-kept')}${left.length === 0 ? '' : ` (processes when it was kept: ${left.join('; ')})`}`;
}
