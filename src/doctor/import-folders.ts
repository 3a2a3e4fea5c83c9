/**
 * Plans the import of run folders that no database knows. It is pure: the content of the folders and the rest of the
 * database are its input. Nothing is invented. How such a run ended, or that it lives, is found by the daemon's
 * recovery, as after any crash. What no folder records (a name, a key, labels) stays unknown.
 */
import type { LaunchRecord } from '#process/run-folder.ts';
import type { AgentProfile } from '#run/agent.ts';
import type { RunEvent } from '#run/events.ts';
import { limits } from '#run/limits.ts';
import type { Lineage, Origin, Run, RunSpec } from '#run/run.ts';
import { transition } from '#run/state-machine.ts';

export type FoundFolder = {
  readonly id: string;
  /** Null when launch.json is missing or unreadable. The command is then unknown. */
  readonly launch: Omit<LaunchRecord, 'token' | 'continuation'> | null;
  readonly launchedAt: number;
  readonly startedAt: number | null;
  /** Whether the record of its end exists. */
  readonly hasEnded: boolean;
  /** SHA-256 of its prompt.txt. Null without one. */
  readonly promptSha256: string | null;
  readonly worktree: string | null;
};

export type KnownRecords = {
  readonly numbers: ReadonlySet<number>;
  readonly tasks: ReadonlySet<number>;
  readonly newestOfTasks: ReadonlyMap<number, number>;
  readonly highestRun: number;
  readonly agentNamed: (name: string) => AgentProfile | null;
  readonly originOf: (id: string) => Origin | null;
};

type ImportedRun = { readonly run: Run; readonly events: readonly { readonly at: number; readonly event: RunEvent }[] };
export type Plan = {
  readonly taken: readonly ImportedRun[];
  /** Folders that are moved aside with the damaged database, because their command is unknown. */
  readonly aside: readonly string[];
  /** Numbers up to this one must not be assigned again. */
  readonly highestRun: number;
  readonly highestTask: number;
};

/** Returns what becomes of these folders: the runs to import, and the folders to set aside. */
export function planImport(folders: readonly FoundFolder[], known: KnownRecords): Plan {
  const launched = folders.filter((folder): folder is Launched => folder.launch !== null).sort(byNumber);
  const aside = folders.filter(({ launch }) => launch === null).map(({ id }) => id);
  let highestRun = Math.max(known.highestRun, ...launched.map(({ launch }) => launch.number));
  const numbers = new Set(known.numbers);
  const newest = newestRunOfTasks(launched, known);
  const taken = launched.map((folder) => {
    // Two runs have one number when the database had lost its newest records before and assigned the number again.
    if (numbers.has(folder.launch.number)) highestRun += 1;
    const number = numbers.has(folder.launch.number) ? highestRun : folder.launch.number;
    numbers.add(number);
    return importRun(folder, number, { ...known, newestOfTasks: newest });
  });
  return {
    taken,
    aside,
    // Each folder that is set aside had an unknown number, too.
    highestRun: highestRun + aside.length,
    highestTask: Math.max(0, ...launched.map(({ launch }) => launch.task ?? 0)),
  };
}

type Launched = FoundFolder & { readonly launch: NonNullable<FoundFolder['launch']> };

function byNumber(a: Launched, b: Launched): number {
  return a.launch.number - b.launch.number || a.launchedAt - b.launchedAt;
}

function newestRunOfTasks(launched: readonly Launched[], known: KnownRecords): Map<number, number> {
  const newest = new Map(known.newestOfTasks);
  for (const { launch } of launched)
    if (launch.task !== null) newest.set(launch.task, Math.max(newest.get(launch.task) ?? 0, launch.number));
  return newest;
}

function importRun(folder: Launched, number: number, known: KnownRecords): ImportedRun {
  const queued: Run = {
    number,
    id: folder.id,
    key: null,
    queuedAt: Math.min(folder.launchedAt, folder.startedAt ?? folder.launchedAt),
    spec: buildSpec(folder, known),
    lineage: buildLineage(folder, known),
    state: { status: 'queued', notBefore: null },
  };
  const granted = { type: 'slot-granted' } as const;
  const moved = transition(queued, granted, folder.launchedAt);
  if (moved.kind !== 'moved') throw new Error('A queued run may be started.');
  return { run: { ...queued, state: moved.state }, events: [{ at: folder.launchedAt, event: granted }] };
}

function buildSpec({ launch, startedAt, launchedAt, promptSha256, worktree }: Launched, known: KnownRecords): RunSpec {
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
    // The lock for one agent per worktree applies to live runs, too.
    locks: agent === null || worktree === null ? [] : [`worktree:${worktree}`],
    after: null,
    // The timeout was given in seconds, and the launch took a part of it.
    timeoutMs:
      deadlineAt === null ? 0 : Math.max(1, Math.round((deadlineAt - (startedAt ?? launchedAt)) / 1_000)) * 1_000,
    timeoutSource: deadlineAt === null ? 'default' : 'config',
    silenceMs: null,
    graceMs: launch.graceMs,
    outputBytesMax: limits.outputBytesMax,
    mergeOutput: launch.mergeOutput,
    stdin:
      promptSha256 !== null
        ? { kind: 'prompt', sha256: promptSha256 }
        : stdin === null
          ? { kind: 'none' }
          : { kind: 'file', path: stdin },
    // Whether the run may be repeated is unknown, so it is not.
    onLoss: 'fail',
    leftovers: 'stop',
    promptSecret: false,
    envNames: [],
  };
}

/**
 * Builds the lineage. The consequences of an old run for its task were decided when it ended and must not be decided
 * again. An agent's run keeps its task only when it is live or the task's newest.
 */
function buildLineage({ id, launch, hasEnded }: Launched, known: KnownRecords): Lineage {
  const { task } = launch;
  const isOver = hasEnded && launch.agent !== null && task !== null && known.newestOfTasks.get(task) !== launch.number;
  const taskId = task === null || isOver || !known.tasks.has(task) ? null : task;
  const none = {
    parentRunId: null,
    depth: 0,
    retryOfRunId: null,
    retryReason: null,
    processLossRetryCount: 0,
    environment: null,
  };
  return { taskId, origin: known.originOf(id), ...none };
}
