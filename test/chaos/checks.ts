/**
 * Checks the home against the driver's own record, for facts that the invariants of any home cannot know. Each function
 * returns a list of violations.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { isEnded, type Run } from '#run/run.ts';
import { startsIn } from '../support/invariants.ts';
import { type Recorded, readRecorded, type StoredRun } from '../support/stored-rows.ts';
import { wrongEvents } from './check-events.ts';
import type { OpenHome } from './clients.ts';
import type { RoundRecord } from './record.ts';

/** Returns all violations. The daemon must be stopped. */
export function wrongByRecord(home: OpenHome, record: RoundRecord): string[] {
  const recorded = readRecorded(home);
  const { runs } = recorded;
  const starts = startsIn(home);
  const keeperDied = record.keepersKilled > 0 || crashedKeepers(home);
  return [
    ...wrongOrders(recorded, record),
    ...wrongRetries(recorded, record),
    ...runs.flatMap((run) => [
      ...wrongExit(home, run, starts.includes(run.id), keeperDied),
      ...wrongStop(run, record),
      ...wrongAfter(run, recorded, starts.includes(run.id)),
    ]),
    ...wrongTold(runs, record),
    ...wrongHeard(home, runs, record),
    ...wrongRemovals(recorded, record),
    ...wrongEvents(recorded, record),
    ...read(join(home.base, 'overlaps')).split('\n').filter(Boolean),
    ...record.tasksTold
      .filter((number) => !recorded.tasks.some((task) => task.number === number))
      .map((number) => `T${number} is gone`),
    ...(recorded.tasks.length > record.tasksAsked
      ? [`there are ${recorded.tasks.length} tasks, and ${record.tasksAsked} were asked for`]
      : []),
  ];
}

const isFirst = (run: Run): boolean => run.lineage.retryOfRunId === null;

/**
 * Checks that each order became exactly one run, the one its client was told, and that no run exists without an order.
 */
function wrongOrders({ runs, buried }: Recorded, { submitted }: RoundRecord): string[] {
  const gone = new Set(buried.map(({ number }) => number));
  const wrong: string[] = [];
  for (const [name, { keyed, tries, number }] of submitted) {
    const found = runs.filter((run) => isFirst(run) && run.spec.labels['chaos'] === name).map((run) => run.number);
    if (found.length > (keyed ? 1 : tries))
      wrong.push(`${name} was submitted ${tries} times and is runs ${found.join(', ')}`);
    if (number !== null && !gone.has(number) && !found.includes(number))
      wrong.push(`${name} was told ${number}, and its runs are ${found.join(', ') || 'none'}`);
  }
  const known = (run: Run) =>
    !isFirst(run) ||
    run.lineage.origin !== null ||
    run.spec.command[0] === 'true' ||
    run.lineage.parentRunId !== null ||
    submitted.has(run.spec.labels['chaos'] ?? '');
  return [...wrong, ...runs.filter((run) => !known(run)).map(({ number }) => `no client asked for run ${number}`)];
}

/** Checks that there is a run for each confirmed retry, and not more runs than requested retries. */
function wrongRetries({ runs }: Recorded, { retried }: RoundRecord): string[] {
  const byHand = runs.filter(({ lineage }) => lineage.retryReason === 'manual');
  const lost = runs.flatMap(({ lineage }) => (lineage.retryReason === 'process_lost' ? [lineage.retryOfRunId] : []));
  const numberOf = (id: string | null) => runs.find((run) => run.id === id)?.number ?? null;
  return [
    ...lost.filter((id, index) => lost.indexOf(id) !== index).map((id) => `the lost run ${id} was repeated twice`),
    ...[...retried.answered].flatMap(([number, of]) => {
      const run = byHand.find((each) => each.number === number);
      const from = numberOf(run?.lineage.retryOfRunId ?? null);
      return run !== undefined && (from === of || from === null) ? [] : [`run ${number} is no retry of ${of}`];
    }),
    ...[...retried.asked].flatMap(([of, asked]) => {
      const made = byHand.filter(({ lineage }) => numberOf(lineage.retryOfRunId) === of).length;
      return made > asked ? [`run ${of} was retried ${made} times, and asked for ${asked} times`] : [];
    }),
  ];
}

/** Checks the recorded exit against the account of the program itself and the kills by the driver. */
function wrongExit(
  home: OpenHome,
  { id, number, spec, state }: StoredRun,
  started: boolean,
  keeperDied: boolean,
): string[] {
  if (!isEnded(state) || spec.command[0] === 'true') return [];
  const said = read(join(home.base, `exits-${id}`)).trim();
  const { outcome } = state;
  switch (outcome.kind) {
    case 'exited':
      return said === String(outcome.code)
        ? []
        : [`run ${number} is said to have exited ${outcome.code}, and itself said "${said}"`];
    case 'lost':
      return keeperDied ? [] : [`run ${number} is lost, and no keeper had died`];
    case 'not_started':
      return started ? [`run ${number} never started, and says that it did`] : [];
    case 'killed':
      return [];
  }
}

/** Checks that no run was stopped or killed without a reason. */
function wrongStop({ id, number, spec, state }: StoredRun, { cancelled, killed }: RoundRecord): string[] {
  if (!isEnded(state)) return [];
  const reasons: Record<string, boolean> = {
    // clip cancels the queued run of a task that was settled meanwhile, and says so.
    cancelled: cancelled.has(number) || /^T\d+ (is|was) /.test(state.error ?? ''),
    timeout: spec.timeoutMs > 0,
    silence: spec.silenceMs !== null,
    output_limit: spec.outputBytesMax < 2 ** 30,
    dependency_failed: spec.after !== null,
    process_lost: state.outcome.kind === 'lost',
    signalled: state.outcome.kind === 'killed',
  };
  const wrong =
    reasons[state.stopReason] === false ? [`run ${number} ended as ${state.stopReason}, for no reason`] : [];
  const byUs = state.stop !== null || state.stopReason === 'timeout';
  if (state.outcome.kind === 'killed' && !byUs && !killed.has(id))
    wrong.push(`run ${number} was killed by ${state.outcome.signal}, and the driver did not do it`);
  if (state.stopReason === 'not_started' && state.errorCode !== null)
    wrong.push(`run ${number} could not be started: ${state.error}`);
  return wrong;
}

function wrongAfter({ number, spec, state }: StoredRun, { runs }: Recorded, started: boolean): string[] {
  const required = runs.find((run) => run.number === spec.after);
  if (required === undefined || !isEnded(state)) return [];
  const succeeded = required.state.status === 'succeeded';
  if (started && !succeeded)
    return [
      `run ${number} was started, and run ${required.number}, which had to succeed first, is ${required.state.status}`,
    ];
  return state.stopReason === 'dependency_failed' && succeeded
    ? [`run ${number} did not start for want of run ${required.number}, which succeeded`]
    : [];
}

/**
 * Checks that each end a client was told is the recorded end, and that each exit code of `clip wait` is the run's code.
 */
function wrongTold(runs: readonly StoredRun[], { ends, waits }: RoundRecord): string[] {
  const byNumber = new Map(runs.map((run) => [run.number, run]));
  const wrongEnds = ends.flatMap((told) => {
    const state = byNumber.get(told.number)?.state;
    if (state === undefined) return [];
    if (!isEnded(state)) return [`run ${told.number} was told to be ${told.status}, and is ${state.status}`];
    const is = [
      state.status,
      state.stopReason,
      state.errorCode,
      ...exitOf(state.outcome),
      new Date(state.endedAt).toISOString(),
    ].join(' ');
    const was = [told.status, told.stopReason, told.errorCode, told.exitCode, told.signal, told.endedAt].join(' ');
    return is === was ? [] : [`run ${told.number} was told to be ${was}, and is ${is}`];
  });
  const wrongWaits = waits.flatMap(({ numbers, code }) => {
    const waited = numbers.flatMap((number) => byNumber.get(number) ?? []);
    if (waited.length < numbers.length) return [];
    const due = waited.map(codeOf).find((each) => each !== 0) ?? 0;
    return code === due ? [] : [`a wait for ${numbers.join(', ')} ended with ${code} instead of ${due}`];
  });
  return [...wrongEnds, ...wrongWaits];
}

function exitOf(outcome: Extract<Run['state'], { outcome: unknown }>['outcome']): (string | number | null)[] {
  return [outcome.kind === 'exited' ? outcome.code : null, outcome.kind === 'killed' ? outcome.signal : null];
}

/** Returns the exit code that the documentation's table defines. */
function codeOf({ state }: StoredRun): number {
  if (!isEnded(state)) return Number.NaN;
  const { status, outcome } = state;
  if (status !== 'failed') return { succeeded: 0, cancelled: 130, timed_out: 124 }[status];
  if (outcome.kind === 'killed') return 128 + (constants.signals[outcome.signal as NodeJS.Signals] ?? 0);
  if (outcome.kind === 'exited') return outcome.code || 1;
  return outcome.kind === 'lost' && state.stopReason === 'process_lost' ? 120 : 1;
}

/**
 * Checks that a client that followed a log to its end received all of it once, and that a killed client received the
 * beginning.
 */
function wrongHeard(home: OpenHome, runs: readonly StoredRun[], { heard }: RoundRecord): string[] {
  return heard.flatMap(({ number, stream, bytes, whole }) => {
    const run = runs.find((each) => each.number === number);
    if (run === undefined) return [];
    const path = join(home.folder, 'runs', run.id, `${stream}.log`);
    const log = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
    const fits = whole ? log.equals(bytes) : log.subarray(0, bytes.length).equals(bytes);
    return fits
      ? []
      : [
          `a client that followed ${stream} of run ${number} was given ${bytes.length} other bytes than the ${log.length} there are`,
        ];
  });
}

/** Checks that every run whose removal was confirmed is gone, and that no other run is. */
function wrongRemovals({ runs, buried }: Recorded, { removed }: RoundRecord): string[] {
  const there = new Set(runs.map(({ number }) => number));
  return [
    ...[...removed].flatMap(([number, { gone }]) =>
      gone && there.has(number) ? [`run ${number} was removed, and is there`] : [],
    ),
    ...buried.flatMap(({ number }) => (removed.has(number) ? [] : [`run ${number} was removed without a request`])),
  ];
}

const ofKeepers = [
  'spawn.before-launch-file',
  'spawn.after-launch-file',
  'spawn.after-spawn',
  'spawn.after-started-file',
];

/** Returns whether a crash point has killed a keeper. */
function crashedKeepers(home: OpenHome): boolean {
  const points = [...ofKeepers, 'exit.before-exit-file', 'exit.after-exit-file', 'keeper.hello'];
  return readdirSync(home.folder).some((name) => points.includes(name.replace('crashed-at-', '')));
}

const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');
