/**
 * From the folders of runs that no database knows to runs. Pure: what the folders hold, and what the rest of the
 * database says, come in. Nothing is invented: how such a run ended, or that it lives, is found by the daemon's look
 * around, as after any crash; and what no folder tells (a name, a key, labels) stays unknown.
 */
import type { LaunchRecord } from '../process/run-folder.ts';
import type { AgentProfile } from '../run/agent.ts';
import type { RunEvent } from '../run/events.ts';
import { limits } from '../run/limits.ts';
import type { Lineage, Origin, Run, RunSpec } from '../run/run.ts';
import { step } from '../run/step.ts';

export type FoundFolder = {
  readonly id: string;
  /** Null when there is no launch.json, or it cannot be read: then its command is not known. */
  readonly launch: Omit<LaunchRecord, 'token' | 'continuation'> | null;
  readonly launchedAt: number;
  readonly startedAt: number | null;
  /** Whether the record of its end is there. */
  readonly hasEnded: boolean;
  /** SHA-256 of its prompt.txt; null without one. */
  readonly promptSha256: string | null;
  readonly worktree: string | null;
};

export type Known = {
  readonly numbers: ReadonlySet<number>;
  readonly tasks: ReadonlySet<number>;
  readonly newestOfTasks: ReadonlyMap<number, number>;
  readonly highestRun: number;
  readonly agentNamed: (name: string) => AgentProfile | null;
  readonly originOf: (id: string) => Origin | null;
};

type TakenIn = { readonly run: Run; readonly events: readonly { readonly at: number; readonly event: RunEvent }[] };
export type Plan = {
  readonly taken: readonly TakenIn[];
  /** Folders that go with the damaged database: what they were asked to run is not known. */
  readonly aside: readonly string[];
  /** No number up to this one may come again. */
  readonly highestRun: number;
  readonly highestTask: number;
};

export function planTakingIn(folders: readonly FoundFolder[], known: Known): Plan {
  const launched = folders.filter((folder): folder is Launched => folder.launch !== null).sort(byNumber);
  const aside = folders.filter(({ launch }) => launch === null).map(({ id }) => id);
  let highestRun = Math.max(known.highestRun, ...launched.map(({ launch }) => launch.number));
  const numbers = new Set(known.numbers);
  const newest = newestOf(launched, known);
  const taken = launched.map((folder) => {
    // Two that have one number: the database had lost its newest records before, and gave it again.
    if (numbers.has(folder.launch.number)) highestRun += 1;
    const number = numbers.has(folder.launch.number) ? highestRun : folder.launch.number;
    numbers.add(number);
    return takenIn(folder, number, { ...known, newestOfTasks: newest });
  });
  return {
    taken,
    aside,
    // Each of those had a number, too, and none of them says which.
    highestRun: highestRun + aside.length,
    highestTask: Math.max(0, ...launched.map(({ launch }) => launch.task ?? 0)),
  };
}

type Launched = FoundFolder & { readonly launch: NonNullable<FoundFolder['launch']> };

function byNumber(a: Launched, b: Launched): number {
  return a.launch.number - b.launch.number || a.launchedAt - b.launchedAt;
}

function newestOf(launched: readonly Launched[], known: Known): Map<number, number> {
  const newest = new Map(known.newestOfTasks);
  for (const { launch } of launched) if (launch.task !== null) newest.set(launch.task, Math.max(newest.get(launch.task) ?? 0, launch.number));
  return newest;
}

function takenIn(folder: Launched, number: number, known: Known): TakenIn {
  const queued: Run = {
    number,
    id: folder.id,
    key: null,
    queuedAt: Math.min(folder.launchedAt, folder.startedAt ?? folder.launchedAt),
    spec: specOf(folder, known),
    lineage: lineageOf(folder, known),
    state: { status: 'queued', notBefore: null },
  };
  const granted = { type: 'slot-granted' } as const;
  const moved = step(queued, granted, folder.launchedAt);
  if (moved.kind !== 'moved') throw new Error('A queued run may be started.');
  return { run: { ...queued, state: moved.state }, events: [{ at: folder.launchedAt, event: granted }] };
}

function specOf({ launch, startedAt, launchedAt, promptSha256, worktree }: Launched, known: Known): RunSpec {
  const agent = launch.agent === null ? null : known.agentNamed(launch.agent);
  const { deadlineAt, stdin } = launch;
  return {
    command: launch.argv,
    cwd: launch.cwd,
    adapter: agent?.adapter ?? 'plain',
    agent,
    sessionId: null,
    name: null,
    group: null,
    priority: 0,
    labels: {},
    // One agent at a time in a worktree holds for those that live, too.
    locks: agent === null || worktree === null ? [] : [`worktree:${worktree}`],
    after: null,
    // Given in seconds; the launch took some of them.
    timeoutMs: deadlineAt === null ? 0 : Math.max(1, Math.round((deadlineAt - (startedAt ?? launchedAt)) / 1_000)) * 1_000,
    timeoutSource: deadlineAt === null ? 'default' : 'config',
    silenceMs: null,
    graceMs: launch.graceMs,
    outputBytesMax: limits.outputBytesMax,
    mergeOutput: launch.mergeOutput,
    stdin: promptSha256 !== null ? { kind: 'prompt', sha256: promptSha256 } : stdin === null ? { kind: 'none' } : { kind: 'file', path: stdin },
    // Whether it may be repeated is not known, so it is not.
    onLoss: 'fail',
    leftovers: 'stop',
    promptSecret: false,
    envNames: [],
  };
}

/**
 * What an old run meant for its task was decided when it ended, and must not be decided again: but for those that
 * live, and the newest, an agent's run stands without its task.
 */
function lineageOf({ id, launch, hasEnded }: Launched, known: Known): Lineage {
  const { task } = launch;
  const isOver = hasEnded && launch.agent !== null && task !== null && known.newestOfTasks.get(task) !== launch.number;
  const taskId = task === null || isOver || !known.tasks.has(task) ? null : task;
  const none = { parentRunId: null, depth: 0, retryOfRunId: null, retryReason: null, processLossRetryCount: 0 };
  return { taskId, origin: known.originOf(id), ...none };
}
