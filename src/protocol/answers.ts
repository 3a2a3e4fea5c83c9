/** What the daemon answers. Field names and meanings are the contract with scripts; unknown is null. */
import { z } from 'zod';
import { type Mapping, permissions } from '../run/agent.ts';
import { reportKinds } from '../run/agent-report.ts';
import { runStatuses } from '../run/run.ts';
import { needView } from './needs.ts';

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
  command: z.array(z.string()),
  cwd: z.string(),
  group: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  locks: z.array(z.string()),
  priority: z.int(),
  queuedAt: z.iso.datetime(),
  startedAt: time,
  endedAt: time,
  notBefore: time,
  deadlineAt: time,
  processPid: count,
  processGroupId: count,
  processStartedAt: time,
  exitCode: z.int().nullable(),
  signal: z.string().nullable(),
  /** True when the exit code or the signal was seen; false when the process was lost or never started; null while it lives. */
  exitKnown: z.boolean().nullable(),
  errorCode: z.string().nullable(),
  error: z.string().nullable(),
  stopReason: z.string().nullable(),
  effectiveTimeoutSec: z.number(),
  timeoutConfigured: z.boolean(),
  timeoutSource: z.enum(['config', 'default']),
  timeoutFired: z.boolean(),
  livenessState: z.enum(['completed', 'advanced', 'plan_only', 'empty_response', 'blocked', 'failed', 'needs_followup']).nullable(),
  livenessReason: z.string().nullable(),
  nextAction: z.string().nullable(),
  lastUsefulActionAt: time,
  /** Counts of this run only; null for a run without a stream, and each count null where nobody looked. */
  evidence: z
    .object({
      toolCalls: z.int(),
      commands: z.int(),
      commandsFailed: z.int(),
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
  /** The newest run that repeats this one. */
  retriedBy: count,
  retryReason: z.string().nullable(),
  processLossRetryCount: z.int(),
  parentRunId: z.string().nullable(),
  wakeReason: z.string().nullable(),
  /** What was decided to follow, and why. */
  decision: z.object({ action: z.string(), reason: z.string() }).nullable(),
  sessionIdBefore: z.string().nullable(),
  sessionIdAfter: z.string().nullable(),
  usage: z
    .object({ inputTokens: count, cachedInputTokens: count, outputTokens: count, costUsd: z.number().nullable(), model: z.string().nullable() })
    .nullable(),
  /** What the agent may do by itself; null for a plain command. */
  permission: z.enum(permissions).nullable(),
  /** The agent is trying again by itself, and says so. */
  retrying: z.object({ attempt: count, of: count, message: z.string() }).nullable(),
  /** When the provider says that its limit opens again. */
  resetsAt: time,
  /** The agent's last words, the beginning of them. */
  lastMessage: z.string().nullable(),
  workspace: z
    .object({
      headBefore: z.string().nullable(),
      headAfter: z.string().nullable(),
      filesChanged: count,
      insertions: count,
      deletions: count,
      dirty: z.boolean().nullable(),
    })
    .nullable(),
  /** Null until the processes left behind have been looked for. */
  leaked: z.array(z.object({ pid: z.int(), command: z.string(), ended: z.boolean() })).nullable(),
  /** Where it lies, `.gz` once it is compressed; or lay, where `logsRemovedAt` says so. */
  stdoutPath: z.string(),
  stderrPath: z.string().nullable(),
  stdoutBytes: count,
  stderrBytes: count,
  lastOutputAt: time,
  /** When its logs were removed because they were too old or too many. */
  logsRemovedAt: time,
  silence: z.enum(['talking', 'quiet', 'stalled']).nullable(),
  waitingFor: z.string().nullable(),
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
  /** Who can lift the blocker. */
  who: z.string().nullable(),
  at: z.iso.datetime(),
});
export type ReportView = z.infer<typeof reportView>;

const schema = z.literal(1);
export const runAnswer = z.object({ schema, run: runView, existing: z.boolean().optional(), notice: z.string().nullable().optional() });
export const showAnswer = z.object({ schema, run: runView, events: z.array(eventView) });
export type ShowAnswer = z.infer<typeof showAnswer>;
/** How the stream of a mapped agent is read; null for agents whose adapter knows, and for plain commands. */
export const mappingAnswer = z.object({ schema, mapping: z.record(z.string(), z.unknown()).nullable() });
export type MappingAnswer = { readonly schema: 1; readonly mapping: Mapping | null };
export const reportAnswer = z.object({ schema, report: reportView, run: z.int(), task: z.int().nullable() });
export type ReportAnswer = z.infer<typeof reportAnswer>;
export const runsAnswer = z.object({ schema, runs: z.array(runView), hidden: z.int().nullable(), next: z.int().nullable() });
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
  /** Their numbers, the first thousand of them. */
  runs: z.array(z.int()),
});
export type PruneAnswer = z.infer<typeof pruneAnswer>;

export type CancelAnswer = z.infer<typeof cancelAnswer>;

export const errorAnswer = z.object({ error: z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() }) });

export const keeperView = z.object({ pid: z.int(), version: z.string(), runs: z.int() });
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
  /** Files, sockets and pipes that it holds open; null where the system does not tell. */
  openFiles: count,
  /** Timers that keep it alive. */
  timers: z.int(),
  /** What keeps it from working as it should: no space left, a damaged database. */
  trouble: z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() }).nullable(),
});
export type DaemonAnswer = z.infer<typeof daemonAnswer>;

export const groupView = z.object({ name: z.string(), limit: z.int().nullable(), paused: z.boolean() });
export const groupsAnswer = z.object({ schema, groups: z.array(groupView) });
export const groupAnswer = z.object({ schema, group: groupView });
export const queueAnswer = z.object({ schema, held: z.boolean(), queued: z.int(), slots: z.int(), taken: z.int() });
export const statusAnswer = z.object({
  schema,
  daemon: daemonAnswer.omit({ schema: true }),
  queue: queueAnswer.omit({ schema: true }),
  live: z.array(runView),
  needsYou: z.array(needView),
});
export type StatusAnswer = z.infer<typeof statusAnswer>;
export const removedAnswer = z.object({ schema, removed: z.int() });
export const stoppedAnswer = z.object({ schema, stopped: z.literal(true), liveRuns: z.int(), unenforced: z.array(z.string()) });
export const batchLine = z.union([
  z.object({ line: z.int(), run: runView, existing: z.boolean() }),
  z.object({ line: z.int(), error: errorAnswer.shape.error }),
]);
/** A line of a wait: first the runs as they are, then each as it gets there; `goodbye` when the daemon is stopped. */
export const waitLine = z.union([
  z.object({ type: z.literal('waiting'), runs: z.array(z.int()) }),
  z.object({ type: z.literal('reached'), run: runView }),
  z.object({ type: z.literal('goodbye') }),
]);
export const logLine = z.object({ stream: z.enum(['stdout', 'stderr']), offset: z.int(), next: z.int(), data: z.string(), encoding: z.literal('base64') });
