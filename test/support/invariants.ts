/** Conditions that hold for every home at rest, after any crash. Each function returns a list of violations. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { gunzipSync } from 'node:zlib';
import type { ExitRecord } from '#process/run-folder.ts';
import { factTypes, orderTypes, type RunEvent } from '#run/events.ts';
import { isEnded, type Run } from '#run/run.ts';
import { transition } from '#run/state-machine.ts';
import { processesOf, type TestHome } from './home.ts';
import { type Recorded, readRecorded, type StoredRun } from './stored-rows.ts';
import { until } from './until.ts';

/** Keys and the run numbers that clients were told for them. */
export type Told = ReadonlyMap<string, number>;

/** Stops the daemon, and checks the processes, the run folders and the database. */
export async function invariantsOf(home: TestHome, told: Told): Promise<string[]> {
  const strays = processesOf(home.folder).filter(({ environment }) => !environment.includes('CLIP_ROLE='));
  const daemons = home.pidsOf('daemon').length;
  const last = await home.submit(['--', 'true']);
  await until('the next run has settled', async () => (await home.show(last)).settled);
  await home.clip(['daemon', 'stop']);
  const recorded = readRecorded(home);
  const starts = startsIn(home);
  return [
    ...strays.map(({ pid, command }) => `process ${pid} (${command}) is left`),
    ...(daemons === 1 ? [] : [`there are ${daemons} daemons`]),
    ...wrongNumbers(recorded, told, last),
    ...wrongFolders(home, recorded),
    ...starts
      .filter((id) => !recorded.ids.has(id) && !recorded.buried.some((gone) => gone.id === id))
      .map((id) => `"${id}" was started and is no run`),
    ...starts.filter((id, index) => starts.indexOf(id) !== index).map((id) => `"${id}" was started again`),
    ...recorded.runs.flatMap((run) => [
      ...wrongStarts(run, starts.filter((id) => id === run.id).length),
      ...wrongExit(home, run),
      ...(recorded.withoutLogs.has(run.number) ? leftLogs(home, run) : wrongLogs(home, run)),
      ...wrongHistory(run, recorded),
      ...wrongRetries(run, recorded),
    ]),
    ...wrongEvents(recorded),
    ...wrongWakes(recorded),
    ...wrongTasks(recorded),
  ];
}

/** Returns the run id of each start, as the fixture itself recorded it. */
export function startsIn(home: TestHome): string[] {
  const plain = join(home.base, 'starts');
  const spoken = join(home.base, 'coder-seen');
  const lines = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []);
  return [
    ...lines(plain),
    ...lines(spoken).map((line) => `${JSON.parse(line).run}${JSON.parse(line).failpoint ?? ''}`),
  ];
}

/** Checks that each run number was given once and without a gap, and that clients were told the right ones. */
function wrongNumbers({ runs, buried }: Recorded, told: Told, last: number): string[] {
  const numbers = [...runs.map(({ number }) => number), ...buried.map(({ number }) => number)].sort((a, b) => a - b);
  const wrong = numbers.flatMap((number, index) =>
    number === index + 1 ? [] : [`number ${number} stands where ${index + 1} should`],
  );
  if (last !== numbers.length) wrong.push(`the next run got ${last} after ${numbers.length - 1}`);
  for (const [key, number] of told) {
    if (!buried.some((gone) => gone.number === number) && runs.find((run) => run.number === number)?.key !== key)
      wrong.push(`${key} was told ${number}, which is another run`);
  }
  return wrong;
}

const kept = new Set([
  'launch.json',
  'started.json',
  'exit.json',
  'stdout.log',
  'stderr.log',
  'stdout.log.gz',
  'stderr.log.gz',
  'prompt.txt',
  'request.txt',
]);

/** Returns the views of repositories that are left. Each should last for one look only. */
const viewsIn = ({ folder }: TestHome): string[] =>
  existsSync(join(folder, 'views')) ? readdirSync(join(folder, 'views')) : [];

/** Checks that each run has one folder, without secrets or incomplete files. */
function wrongFolders(home: TestHome, { runs, ids }: Recorded): string[] {
  const folders = readdirSync(join(home.folder, 'runs'));
  return [
    ...folders.filter((id) => !ids.has(id)).map((id) => `the folder ${id} is no run's`),
    ...runs.filter(({ id }) => !folders.includes(id)).map(({ number }) => `run ${number} has no folder`),
    ...folders.flatMap((id) =>
      readdirSync(join(home.folder, 'runs', id))
        .filter((name) => !kept.has(name))
        .map((name) => `${name} is left in the folder of ${id}`),
    ),
    ...viewsIn(home).map((name) => `the view ${name} of a repository is left`),
  ];
}

function wrongStarts({ number, state, spec }: StoredRun, starts: number): string[] {
  if (!isEnded(state)) return [`run ${number} is ${state.status} forever`];
  if (state.pending.length > 0) return [`of run ${number} is left to do: ${state.pending.join(', ')}`];
  const told = state.outcome.kind === 'exited' && spec.command[0] !== 'true';
  return told && starts === 0 ? [`run ${number} has exited and was never started`] : [];
}

/** Checks that the exit code is the one its parent saw, or is unknown. */
function wrongExit(home: TestHome, { id, number, state }: StoredRun): string[] {
  if (!isEnded(state)) return [];
  const path = join(home.folder, 'runs', id, 'exit.json');
  const exit = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as ExitRecord) : null;
  const { outcome } = state;
  const said =
    exit === null
      ? 'nothing'
      : exit.error
        ? 'not_started'
        : exit.signal !== null
          ? `killed ${exit.signal}`
          : exit.code === null
            ? 'nothing'
            : `exited ${exit.code}`;
  const known =
    outcome.kind === 'exited'
      ? `exited ${outcome.code}`
      : outcome.kind === 'killed'
        ? `killed ${outcome.signal}`
        : outcome.kind;
  if (known === 'lost') return said === 'nothing' ? [] : [`run ${number} is lost, but its exit is on disk: ${said}`];
  if (known === 'not_started')
    return said === 'nothing' || said === 'not_started' ? [] : [`run ${number} never started, but has ${said}`];
  return said === known ? [] : [`run ${number} is said to have ${known}, but its parent saw ${said}`];
}

/** Checks that the logs are byte for byte what the run says it wrote, and that all of an agent's log was read once. */
function wrongLogs(home: TestHome, run: StoredRun): string[] {
  if (!isEnded(run.state)) return [];
  const whole = run.state.outcome.kind === 'exited';
  const wrong: string[] = [];
  for (const [stream, end] of [
    ['stdout', 'out'],
    ['stderr', 'err'],
  ] as const) {
    const wrote = read(join(home.base, `wrote-${run.id}.${end}`));
    const log = readLog(home, run, stream);
    // A killed run may have died between the two writes.
    if (whole ? log !== wrote : !log.startsWith(wrote))
      wrong.push(`${stream} of run ${run.number} is not what it wrote`);
    if (run.account === null) continue;
    if (run.account.offsets[stream] !== Buffer.byteLength(log))
      wrong.push(`${stream} of run ${run.number} was read to ${run.account.offsets[stream]} of ${log.length}`);
  }
  if (run.account === null)
    return run.spec.agent !== null && whole ? [...wrong, `nothing of run ${run.number} was read`] : wrong;
  const said = (type: string) => readLog(home, run, 'stdout').split(`"type":"${type}"`).length - 1;
  const { messages, commands } = run.account;
  if (messages !== said('agent_message'))
    wrong.push(`run ${run.number} said ${said('agent_message')} messages, and ${messages} were read`);
  if (commands !== said('command_execution'))
    wrong.push(`run ${run.number} ran ${said('command_execution')} commands, and ${commands} were read`);
  return wrong;
}

/** Returns the log, which is either plain or compressed, never both. */
function readLog(home: TestHome, { id }: StoredRun, stream: 'stdout' | 'stderr'): string {
  const path = join(home.folder, 'runs', id, `${stream}.log`);
  if (!existsSync(`${path}.gz`)) return read(path);
  return existsSync(path) ? 'the log is there twice' : gunzipSync(readFileSync(`${path}.gz`)).toString('utf8');
}

/** Reports what is left of logs that were removed. */
function leftLogs(home: TestHome, { id, number }: StoredRun): string[] {
  return readdirSync(join(home.folder, 'runs', id))
    .filter((name) => name.includes('.log'))
    .map((name) => `${name} of run ${number} was removed, and is still there`);
}

const read = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '');
const ofRuns: ReadonlySet<string> = new Set([...orderTypes, ...factTypes]);

/** Checks that replaying the history of a run leads to the state in its row, and that each event changed the state. */
function wrongHistory(stored: StoredRun, { events }: Recorded): string[] {
  const own = events.filter(({ run }) => run === stored.number);
  const wrong = own[0]?.type === 'admitted' ? [] : [`the history of run ${stored.number} begins with ${own[0]?.type}`];
  let run: Run = { ...stored, state: { status: 'queued', notBefore: null } };
  let ends = 0;
  for (const { seq, at, type, data } of own) {
    if (!ofRuns.has(type)) continue;
    const moved = transition(run, data as RunEvent, at);
    if (moved.kind !== 'moved') {
      wrong.push(`event ${seq} (${type}) of run ${stored.number} moved nothing: it was ${run.state.status}`);
      continue;
    }
    if (!isEnded(run.state) && isEnded(moved.state)) ends += 1;
    else if (isEnded(run.state) && run.state.status !== moved.state.status)
      wrong.push(`event ${seq} (${type}) moved run ${stored.number} after its end`);
    run = { ...run, state: moved.state };
  }
  if (ends !== 1) wrong.push(`run ${stored.number} ended ${ends} times`);
  if (!isDeepStrictEqual(run.state, stored.state))
    wrong.push(`the row of run ${stored.number} is not what its history says`);
  if (stored.status !== stored.state.status)
    wrong.push(`run ${stored.number} is ${stored.status} and ${stored.state.status}`);
  return wrong;
}

/** Checks that a lost run with a retry policy was repeated once, and that no other run was. */
function wrongRetries(run: StoredRun, { runs, events }: Recorded): string[] {
  const lost = events.find((event) => event.run === run.number && event.type === 'process-lost')?.data;
  const wanted =
    isEnded(run.state) &&
    run.state.stop === null &&
    run.state.errorCode === 'process_lost' &&
    lost?.['certain'] === true;
  // An agent's run is not repeated when its task needs nothing, or when a person has asked for the next run already.
  const { decision } = run.state as { decision?: { action: string; reason: string } };
  const served = run.spec.agent !== null && run.lineage.taskId !== null;
  const replaced = served && (decision?.action === 'review' || /is woken already/.test(decision?.reason ?? ''));
  const due = wanted && !replaced && run.spec.onLoss === 'retry' && run.lineage.processLossRetryCount === 0 ? 1 : 0;
  const made = runs.filter(
    ({ lineage }) => lineage.retryOfRunId === run.id && lineage.retryReason === 'process_lost',
  ).length;
  return made === due ? [] : [`run ${run.number} was repeated ${made} times instead of ${due}`];
}

/** Checks that the events have no gaps, except those of removed runs. */
function wrongEvents({ events, buried }: Recorded): string[] {
  const wrong = events.flatMap(({ seq }, index) =>
    index === 0 || seq > (events[index - 1]?.seq ?? 0) ? [] : [`event ${seq} stands out of order`],
  );
  if (buried.length === 0 && events.at(-1)?.seq !== events.length)
    wrong.push(`there are ${events.length} events, and the last is ${events.at(-1)?.seq}`);
  return wrong;
}

/** Checks that each wake led to one run and is done, and that each run was continued at most once. */
function wrongWakes({ wakes, runs }: Recorded): string[] {
  const keys = wakes.flatMap(({ key }) => (key === null ? [] : [key]));
  return [
    ...keys.filter((key, index) => keys.indexOf(key) !== index).map((key) => `there are two wakes ${key}`),
    ...wakes.flatMap(({ id, status, runId }) => {
      if (['queued', 'deferred', 'claimed'].includes(status)) return [`wake ${id} is ${status} forever`];
      const its = runs.filter(({ lineage }) => lineage.origin?.wakeId === id);
      const due = runId === null ? 0 : 1;
      return its.length === due && (due === 0 || its[0]?.id === runId)
        ? []
        : [`wake ${id} (${status}) has ${its.length} runs`];
    }),
    ...runs.flatMap(({ number, id, state }) => {
      const made = wakes.filter(
        ({ reason, payload }) => payload.sourceRunId === id && reason !== 'process_lost_retry',
      ).length;
      const due = isEnded(state) && state.decision?.action === 'continue' ? 1 : 0;
      return made === due ? [] : [`run ${number} was continued ${made} times instead of ${due}`];
    }),
  ];
}

/** Checks that no ended run holds a task, and that a task without a live run has a reason for that. */
function wrongTasks({ tasks, runs }: Recorded): string[] {
  return tasks.flatMap(({ number, status, executionRunId }) => {
    const wrong = executionRunId === null ? [] : [`T${number} is held by ${executionRunId}, which has ended`];
    const newest = runs.filter(({ lineage, spec }) => lineage.taskId === number && spec.agent !== null).at(-1);
    const decision = newest !== undefined && isEnded(newest.state) ? newest.state.decision : null;
    const explained =
      decision !== null && ['none', 'skip', 'review'].includes(decision.action) && decision.reason !== '';
    if ((status === 'todo' || status === 'in_progress') && !explained)
      wrong.push(`T${number} is ${status}, and nothing says why it stands still`);
    return wrong;
  });
}
