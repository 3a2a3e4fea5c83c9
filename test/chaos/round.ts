/**
 * One round: a home of its own, clients that do what the plan says while things are broken; then everything is mended, what
 * is under way comes to its end, and the home is held against the invariants and against the driver's own record.
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
import { createActions, patienceMs } from './actions.ts';
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
  /** What is made wrong before the checks, to see that they see it. */
  readonly falsified: readonly Falsified[];
  readonly trace: (line: string) => void;
  /** Called with what ends the round at once, whatever it is at. */
  readonly onOpen: (abandon: () => Promise<void>) => void;
};

const isFault = (move: Move): move is Move & Fault => /^(kill|pause|strand|fill|drop|stop|restart)-/.test(move.do);

export async function playRound(round: Round): Promise<Result> {
  const { plan } = round;
  const home = openHome({ env: plan.crashAt === null ? {} : { CLIP_FAILPOINT: plan.crashAt } });
  const disk = plan.disk === 'small' && round.mayMount ? mountDisk(home.folder) : null;
  const record = createRecord();
  const clients = createClients(home, round.trace);
  const breaking = createFaults({ home, disk, clients, record });
  /** Ends every process, whatever the round is at. */
  const end = async () => {
    clients.close();
    breaking.mend();
    const left = await home.end();
    if (disk !== null && !disk.unmount()) throw new Error(`The disk at ${home.folder} cannot be unmounted.`);
    return left.map(({ pid, command }) => `process ${pid} (${command}) outlived a clean stop`);
  };
  round.onOpen(async () => {
    await end();
    // What the checks have started since.
    for (const { pid } of processesOf(home.folder)) process.kill(pid, 'SIGKILL');
    rmSync(home.base, { recursive: true, force: true });
  });
  const wrong: string[] = [];
  try {
    await play(round, { home, clients, record, breaking });
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
  readonly breaking: ReturnType<typeof createFaults>;
};

async function play({ plan, trace }: Round, stage: Stage): Promise<void> {
  const { home, clients, record, breaking } = stage;
  configure(home, `max_runs = ${plan.slots}\n`);
  mkdirSync(join(home.base, 'work'));
  const options = ['--share-worktree', '--concurrency', '2', '--grace', '500ms', '--cwd', join(home.base, 'work')];
  // The daemon may die of this already.
  await until('the agent is added', () => addSpeaker(home, plan.scripts, options).then(() => true, isTaken));
  const watcher = createWatcher({ clients, record });
  const act = createActions({ home, clients, record });
  const doing: Promise<void>[] = [];
  for (const move of plan.moves) {
    await new Promise((resolve) => setTimeout(resolve, move.afterMs));
    if (clients.closed()) break;
    if (isFault(move)) {
      const hit = breaking.strike(move).then((what) => {
        record.count(what === null ? 'missed' : move.do);
        trace(`! ${move.do} ${what ?? 'nothing'}`);
      });
      // A command among the faults takes its time, and others go on meanwhile.
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
  trace('mended');
  breaking.mend();
  await breaking.untilAnswers();
  await calm(stage, doing);
  const last = readRecorded(home).events.at(-1)?.seq ?? 0;
  if (!(await watcher.sees(last))) record.wrong.push(`whoever follows the events was not told of ${last}`);
  watcher.stop();
  clients.close();
  await watcher.watching;
}

/** It was added, but nobody was there any more to say so. */
function isTaken(error: Error): boolean {
  return /taken|exists/.test(error.message);
}

/** Until all that was asked for is done, and nothing moves any more. */
async function calm({ home, clients, record, breaking }: Stage, doing: readonly Promise<void>[]): Promise<void> {
  let open = doing.length;
  for (const each of doing) void each.finally(() => (open -= 1)).catch(() => {});
  await until('every client has come to its end', () => open === 0, patienceMs).catch((error: Error) => {
    record.wrong.push(`${error.message} At work: ${clients.atWork().join('; ')}`);
  });
  // Whatever was killed last, somebody's next command brings it back.
  await until(
    'nothing moves any more',
    async () => {
      if (!(await home.listens())) await breaking.untilAnswers();
      return stillRuns(home);
    },
    patienceMs,
  );
}

/** How the runs ended. */
function count(home: OpenHome, record: RoundRecord): void {
  const { runs, buried, events } = readRecorded(home);
  for (const { state } of runs) record.count('outcome' in state ? `run ${state.outcome.kind}` : `run ${state.status}`);
  for (const _ of buried) record.count('run removed');
  for (const _ of events) record.count('event');
}

/** What is left to look at: the home as it is, copied if it lay on a disk of its own. */
async function keep(home: OpenHome, disk: Disk | null, end: () => Promise<unknown>): Promise<string> {
  const left = processesOf(home.folder).map(({ pid, command }) => `${pid} ${command}`);
  if (disk !== null)
    cpSync(home.folder, join(home.base, 'home-kept'), { recursive: true, filter: (path) => !path.endsWith('.sock') });
  await end();
  return `${disk === null ? home.folder : join(home.base, 'home-kept')}${left.length === 0 ? '' : ` (processes when it was kept: ${left.join('; ')})`}`;
}
