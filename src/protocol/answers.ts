/** Responses of the daemon. Field names and meanings are the contract with scripts. An unknown value is null. */
import { z } from 'zod';
import { type Mapping, permissions } from '#run/agent.ts';
import { reportKinds } from '#run/agent-report.ts';
import { containments } from '#run/leader.ts';
import { environmentSources, livenessStates, runStatuses } from '#run/run.ts';
import { needView } from './needs.ts';
import { queueState } from './queue.ts';

const time = z.iso.datetime().nullable();
const count = z.int().nullable();

export const runView = z.object({
  id: z.string(),
  number: z.int(),
  name: z.string().nullable(),
  key: z.string().nullable(),
  status: z.enum(runStatuses),
  adapter: z.string(),
  agentId: z.string().nullable(),
  agentName: z.string().nullable(),
  taskId: z.int().nullable(),
  /** What an agent's run is about: the first line of what was asked, or the title of its task. */
  title: z.string().nullable(),
  command: z.array(z.string()),
  cwd: z.string(),
  group: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  locks: z.array(z.string()),
  priority: z.int(),
  queuedAt: z.iso.datetime(),
  startedAt: time,
  /** The end time. When `exitKnown` is false, the time at which the end was found. */
  endedAt: time,
  notBefore: time,
  deadlineAt: time,
  processPid: count,
  processGroupId: count,
  processStartedAt: time,
  exitCode: z.int().nullable(),
  signal: z.string().nullable(),
  /**
   * True when the exit code or the signal was observed. False when the process was lost or never started. Null while it
   * lives.
   */
  exitKnown: z.boolean().nullable(),
  errorCode: z.string().nullable(),
  error: z.string().nullable(),
  /** Whose words `error` is: those of the agent, its provider or the command, or a sentence of clip. */
  errorBy: z.enum(['agent', 'clip']).nullable(),
  /** A remark on a success: the process ended badly after its complete result. */
  remark: z.string().nullable(),
  stopReason: z.string().nullable(),
  effectiveTimeoutSec: z.number(),
  timeoutConfigured: z.boolean(),
  timeoutSource: z.enum(['config', 'default']),
  timeoutFired: z.boolean(),
  livenessState: z.enum(livenessStates).nullable(),
  livenessReason: z.string().nullable(),
  nextAction: z.string().nullable(),
  lastUsefulActionAt: time,
  /** Counts of this run only. Null for a run without a stream; single counts are null when unknown. */
  evidence: z
    .object({
      toolCalls: z.int(),
      commands: z.int(),
      commandsFailed: z.int(),
      /** Commands that have begun and not ended. They are not among `commands`. */
      commandsOpen: z.int(),
      filesChanged: z.int(),
      commits: count,
      comments: count,
      documents: count,
      reports: count,
      messages: z.int(),
    })
    .nullable(),
  continuationAttempt: count,
  maxContinuationAttempts: count,
  continuationOf: z.string().nullable(),
  retryOfRunId: z.string().nullable(),
  /** The number of that run. Null if there is none, or if it was removed. */
  retryOf: count,
  /** The newest run that repeats this one. */
  retriedBy: count,
  retryReason: z.string().nullable(),
  processLossRetryCount: z.int(),
  parentRunId: z.string().nullable(),
  /** The number of that run. Null if there is none, or if it was removed. */
  parentRun: count,
  /** Whose environment it started from. Null for runs of earlier versions. */
  environmentSource: z.enum(environmentSources).nullable(),
  wakeReason: z.string().nullable(),
  /** What was decided to follow, and why. */
  decision: z.object({ action: z.string(), reason: z.string() }).nullable(),
  sessionIdBefore: z.string().nullable(),
  sessionIdAfter: z.string().nullable(),
  usage: z
    .object({
      inputTokens: count,
      cachedInputTokens: count,
      outputTokens: count,
      costUsd: z.number().nullable(),
      model: z.string().nullable(),
      /** Whether the usage is a lower bound: the run works, was cut off, or reported an impossible count. */
      partial: z.boolean(),
    })
    .nullable(),
  /** The permission of the agent. Null for a plain command. */
  permission: z.enum(permissions).nullable(),
  /** Set while the agent retries by itself, as its stream reports. */
  retrying: z.object({ attempt: count, of: count, message: z.string() }).nullable(),
  /** The last error of a live run, as long as no sign of life followed it. `fatal`: the agent cannot get past it. */
  lastError: z.object({ class: z.string().nullable(), message: z.string(), fatal: z.boolean(), at: time }).nullable(),
  /** When the provider's limit resets, according to the provider. */
  resetsAt: time,
  /** The beginning of the agent's last message. */
  lastMessage: z.string().nullable(),
  workspace: z
    .object({
      headBefore: z.string().nullable(),
      headAfter: z.string().nullable(),
      /** Commits that HEAD has now and did not have before, including those of others. */
      commits: count,
      filesChanged: count,
      insertions: count,
      deletions: count,
      dirty: z.boolean().nullable(),
      /** The first of the changed files, including those that others changed. */
      files: z.array(z.object({ path: z.string(), kind: z.enum(['add', 'update', 'delete']) })),
      /** Whether it left a state of the files that no run of its streak had left or found before. */
      progress: z.boolean().nullable(),
    })
    .nullable(),
  /** Leftovers. Null until they have been searched. */
  leaked: z.array(z.object({ pid: z.int(), command: z.string(), ended: z.boolean() })).nullable(),
  /** How its processes are identified. Null until it has a process. */
  containment: z.enum(containments).nullable(),
  /** Processes of this user that could not be examined during the search for leftovers. Null until then. */
  unexamined: count,
  /** The path of the log, with `.gz` once it is compressed. The log is gone when `logsRemovedAt` is set. */
  stdoutPath: z.string(),
  stderrPath: z.string().nullable(),
  stdoutBytes: count,
  stderrBytes: count,
  lastOutputAt: time,
  /** When its logs were removed because of their age or size. */
  logsRemovedAt: time,
  silence: z.enum(['talking', 'quiet', 'stalled']).nullable(),
  waitingFor: z.string().nullable(),
  /** Whether it needs attention: its end or its silence was not acknowledged. */
  needsYou: z.boolean(),
  cpuPercent: z.number().nullable(),
  memoryBytes: count,
  /** True once nothing remains to be done, not even clearing leftovers. */
  settled: z.boolean(),
});
export type RunView = z.infer<typeof runView>;

export const eventView = z.object({
  seq: z.int(),
  at: z.iso.datetime(),
  runId: z.string().nullable(),
  run: z.int().nullable(),
  taskId: z.int().nullable(),
  type: z.string(),
  data: z.record(z.string(), z.unknown()),
});
export type EventView = z.infer<typeof eventView>;

export const reportView = z.object({
  id: z.string(),
  kind: z.enum(reportKinds),
  text: z.string(),
  /** The person or team that can lift the blocker. */
  who: z.string().nullable(),
  at: z.iso.datetime(),
});
export type ReportView = z.infer<typeof reportView>;

const schema = z.literal(1);
export const runAnswer = z.object({
  schema,
  run: runView,
  existing: z.boolean().optional(),
  notice: z.string().nullable().optional(),
  /**
   * The socket of a keeper that the client should start with its own nice value and limits. Null when none is needed.
   */
  keeper: z.string().nullable().optional(),
});
export type RunAnswer = z.infer<typeof runAnswer>;
export const keeperWantedAnswer = z.object({ schema, keeper: z.string().nullable() });
export type KeeperWantedAnswer = z.infer<typeof keeperWantedAnswer>;
/** `prompt`: what the agent was given, or its beginning. Null for a plain command, and when it is not kept any more. */
export const showAnswer = z.object({ schema, run: runView, prompt: z.string().nullable(), events: z.array(eventView) });
export type ShowAnswer = z.infer<typeof showAnswer>;
/** The mapping of the run's agent. Null for agents with an adapter of their own, and for plain commands. */
export const mappingAnswer = z.object({ schema, mapping: z.record(z.string(), z.unknown()).nullable() });
export type MappingAnswer = { readonly schema: 1; readonly mapping: Mapping | null };
export const reportAnswer = z.object({ schema, report: reportView, run: z.int(), task: z.int().nullable() });
export type ReportAnswer = z.infer<typeof reportAnswer>;
export const runsAnswer = z.object({
  schema,
  runs: z.array(runView),
  hidden: z.int().nullable(),
  next: z.int().nullable(),
});
export const cancelResult = z.object({
  ref: z.string(),
  number: z.int().nullable(),
  result: z.enum(['ordered', 'cancelled', 'already_stopping', 'already_ended', 'not_found']),
  message: z.string(),
  hint: z.string().nullable(),
});
export const cancelAnswer = z.object({ schema, results: z.array(cancelResult) });
export const pruneAnswer = z.object({
  schema: z.literal(1),
  dryRun: z.boolean(),
  removed: z.int(),
  /** The first thousand run numbers. */
  runs: z.array(z.int()),
});
export type PruneAnswer = z.infer<typeof pruneAnswer>;

export type CancelAnswer = z.infer<typeof cancelAnswer>;

export const errorAnswer = z.object({
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() }),
});

export const keeperView = z.object({
  pid: z.int(),
  version: z.string(),
  runs: z.int(),
  /** False for a keeper that does not answer. It gets no more runs, and its live runs continue. */
  answers: z.boolean(),
  /** How the processes of its runs are contained. */
  containment: z.enum(containments),
  /** Whether they carry a number that the kernel keeps for them. */
  kernelMark: z.boolean(),
});
export const daemonAnswer = z.object({
  schema,
  running: z.literal(true),
  pid: z.int(),
  version: z.string(),
  startedAt: z.iso.datetime(),
  home: z.string(),
  socket: z.string(),
  uptimeMs: z.int(),
  keepers: z.array(keeperView),
  memoryBytes: z.int(),
  /** The number of its open files, sockets and pipes. Null where the system does not tell. */
  openFiles: count,
  /** The number of timers that keep it alive. */
  timers: z.int(),
  /** What keeps it from working normally: no space left, or a damaged database. */
  trouble: z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() }).nullable(),
});
export type DaemonAnswer = z.infer<typeof daemonAnswer>;

export const groupView = z.object({ name: z.string(), limit: z.int().nullable(), paused: z.boolean() });
export const groupsAnswer = z.object({ schema, groups: z.array(groupView) });
export const groupAnswer = z.object({ schema, group: groupView });
export const statusAnswer = z.object({
  schema,
  daemon: daemonAnswer.omit({ schema: true }),
  queue: queueState,
  live: z.array(runView),
  /** The next runs in the queue. `queue.queued` has their total number. */
  queued: z.array(runView),
  /** What has ended since a person looked at the status last: what did not succeed, then the newest first. `since` is null for the first look. */
  ended: z.object({ since: time, total: z.int(), runs: z.array(runView) }),
  needsYou: z.array(needView),
});
export type StatusAnswer = z.infer<typeof statusAnswer>;
export const removedAnswer = z.object({ schema, removed: z.int() });
export const stoppedAnswer = z.object({
  schema,
  stopped: z.literal(true),
  liveRuns: z.int(),
  unenforced: z.array(z.string()),
});
