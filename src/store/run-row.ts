/**
 * Converts runs to rows and back. Rows are validated when they are read, so the data of a newer version or a damaged
 * row never reaches other code.
 */
import { z } from 'zod';
import { type AgentProfile, adapterNames, type Mapping, permissions } from '#run/agent.ts';
import { needsPerson } from '#run/attention.ts';
import { ClipError } from '#run/errors.ts';
import type { Leader } from '#run/leader.ts';
import {
  acknowledgements,
  type DecisionRecord,
  environmentSources,
  finalizeSteps,
  isEnded,
  type Lineage,
  type LivenessRecord,
  type Run,
  type RunSpec,
  type RunState,
  retryReasons,
} from '#run/run.ts';
import { stopOrders } from '#run/stop.ts';
import type { WorkspaceRecord } from '#run/workspace-record.ts';
import { repairHint } from './database-errors.ts';
import type { runs } from './schema.ts';

type Row = typeof runs.$inferSelect;

// Runs of earlier releases lack the optional fields.
const leader: z.ZodType<Leader> = z.object({
  pid: z.int(),
  pgid: z.int(),
  startTime: z.number(),
  bootId: z.string(),
  pidNamespace: z.string().nullish(),
  cgroup: z.string().nullish(),
  kernelMark: z.boolean().optional(),
  logs: z.object({ stdout: z.number(), stderr: z.number().nullable() }).optional(),
  endTick: z.number().nullish(),
}) as z.ZodType<Leader>;
const shortage = z.object({ tries: z.int(), since: z.number(), message: z.string() }).nullish();
const stop = z.object({
  order: z.enum(stopOrders),
  because: z.string().optional(),
  orderedAt: z.number(),
  graceMs: z.number(),
  phase: z.enum(['ordered', 'interrupted', 'terminated', 'killed']),
  phaseAt: z.number(),
  now: z.boolean(),
});
const alive = {
  leader,
  startedAt: z.number(),
  deadlineAt: z.number().nullable(),
  silentSince: z.number(),
  held: z.boolean(),
  detachedWarning: z.boolean(),
  stall: z
    .object({
      why: z.enum(['silent', 'tool']),
      since: z.number(),
      tool: z.string().nullable(),
      lastError: z.string().nullable().default(null),
      acknowledged: z.boolean(),
    })
    .nullable()
    .default(null),
};
const outcome = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('exited'), code: z.int() }),
  z.object({ kind: z.literal('killed'), signal: z.string() }),
  z.object({ kind: z.literal('not_started') }),
  z.object({ kind: z.literal('lost') }),
]);
const namedFile = z.object({ path: z.string(), kind: z.enum(['add', 'update', 'delete']) });
const workspace: z.ZodType<WorkspaceRecord> = z.object({
  headBefore: z.string().nullable(),
  headAfter: z.string().nullable(),
  commits: z.int().nullable(),
  filesChanged: z.int().nullable(),
  insertions: z.int().nullable(),
  deletions: z.int().nullable(),
  dirty: z.boolean().nullable(),
  // Runs of earlier releases lack these.
  files: z.array(namedFile).default([]),
  state: z.string().nullable().default(null),
  own: z
    .object({ commits: z.int().nullable(), files: z.int(), writtenAt: z.number().nullable(), progress: z.boolean() })
    .nullable()
    .default(null),
  sinceTask: z
    .object({
      run: z.int(),
      root: z.string(),
      commits: z.int().nullable(),
      filesChanged: z.int().nullable(),
      insertions: z.int().nullable(),
      deletions: z.int().nullable(),
      files: z.array(namedFile),
    })
    .nullable()
    .default(null),
  seenAt: z.number(),
});
const liveness: z.ZodType<LivenessRecord> = z.object({
  state: z.enum(['completed', 'advanced', 'plan_only', 'empty_response', 'blocked', 'failed', 'needs_followup']),
  reason: z.string(),
  nextAction: z.string().nullable(),
  lastUsefulActionAt: z.number().nullable(),
  // Runs of earlier releases lack it.
  claimsDone: z.boolean().default(false),
});
const decision: z.ZodType<DecisionRecord> = z.object({
  action: z.enum(['none', 'follows', 'skip', 'continue', 'block', 'review']),
  reason: z.string(),
  exhausted: z.boolean(),
});
const ended = z.object({
  status: z.enum(['succeeded', 'failed', 'cancelled', 'timed_out']),
  outcome,
  stopReason: z.string(),
  errorCode: z.string().nullable(),
  error: z.string().nullable(),
  // Missing in runs that ended under earlier versions.
  errorBy: z.enum(['agent', 'clip']).nullable().default(null),
  remark: z.string().nullable().default(null),
  timeoutFired: z.boolean(),
  leader: leader.nullable(),
  startedAt: z.number().nullable(),
  endedAt: z.number(),
  stop: stop.nullable(),
  leaked: z.array(z.object({ pid: z.int(), command: z.string(), ended: z.boolean() })).nullable(),
  unexamined: z.int().optional(),
  // Runs of earlier releases lack some of these.
  workspace: workspace.nullable().default(null),
  liveness: liveness.nullable().default(null),
  decision: decision.nullable().default(null),
  acknowledged: z
    .object({ how: z.enum(acknowledgements), at: z.number() })
    .nullable()
    .default(null),
  pending: z.array(z.enum(finalizeSteps)),
});
const state = z.union([
  ended,
  z.object({ status: z.literal('running'), ...alive }),
  z.object({ status: z.literal('stopping'), ...alive, stop }),
  z.object({ status: z.literal('starting'), since: z.number(), stop: stop.nullable(), shortage }),
  z.object({ status: z.literal('queued'), notBefore: z.number().nullable(), shortage }),
]) as z.ZodType<RunState>;
/** Validated when it was given. Its inner structure is up to the adapter. */
const mapping = z.custom<Mapping>((value) => typeof value === 'object' && value !== null);

/** Schema of the fields that the settings of an agent and the profile of its run share. */
export const profileFields = {
  adapter: z.enum(adapterNames),
  command: z.string().nullable(),
  model: z.string().nullable(),
  role: z.string().nullable(),
  args: z.array(z.string()),
  permission: z.enum(permissions),
  mapping: mapping.nullable(),
};

const agent: z.ZodType<AgentProfile> = z.object({ id: z.string(), name: z.string(), ...profileFields });

const spec: z.ZodType<RunSpec> = z.object({
  command: z.array(z.string()),
  cwd: z.string(),
  adapter: z.string(),
  // Runs of the first release lack both.
  agent: agent.nullable().default(null),
  sessionId: z.string().nullable().default(null),
  newSessionId: z.string().optional(),
  name: z.string().nullable(),
  group: z.string().nullable(),
  priority: z.int(),
  labels: z.record(z.string(), z.string()),
  locks: z.array(z.string()),
  after: z.int().nullable(),
  timeoutMs: z.number(),
  timeoutSource: z.enum(['config', 'default']),
  silenceMs: z.number().nullable(),
  graceMs: z.number(),
  outputBytesMax: z.number(),
  mergeOutput: z.boolean(),
  stdin: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('none') }),
    z.object({ kind: z.literal('file'), path: z.string() }),
    z.object({ kind: z.literal('prompt'), sha256: z.string() }),
    z.object({ kind: z.literal('prompt-file'), sha256: z.string() }),
  ]),
  onLoss: z.enum(['retry', 'fail']),
  leftovers: z.enum(['stop', 'leave']),
  promptSecret: z.boolean(),
  chosen: z.object({ model: z.string().nullable(), permission: z.enum(permissions).nullable() }).optional(),
  envNames: z.array(z.string()),
});
const origin = z.object({
  wakeId: z.string(),
  reason: z.string(),
  attempt: z.int(),
  attemptsMax: z.int(),
  ofRunId: z.string().nullable(),
});
const lineage: z.ZodType<Lineage> = z.object({
  taskId: z.int().nullable().default(null),
  origin: origin.nullable().default(null),
  parentRunId: z.string().nullable(),
  depth: z.int(),
  retryOfRunId: z.string().nullable(),
  retryReason: z.enum(retryReasons).nullable(),
  processLossRetryCount: z.int(),
  environment: z.enum(environmentSources).nullable().default(null),
});

/** Parses a row. Throws ClipError if it is invalid, because a bit has flipped or another program wrote to it. */
export function toRun(row: Row): Run {
  try {
    return {
      number: row.number,
      id: row.id,
      key: row.key,
      queuedAt: row.queuedAt,
      spec: spec.parse(JSON.parse(row.spec)),
      lineage: lineage.parse(JSON.parse(row.lineage)),
      state: state.parse(JSON.parse(row.state)),
    };
  } catch (error) {
    throw new ClipError(
      'database_damaged',
      `What the database says of run ${row.number} makes no sense.`,
      repairHint,
      error,
    );
  }
}

/** Returns the row of a run, without its number. */
export function toRow(run: Omit<Run, 'number'>): Omit<Row, 'number' | 'archived'> {
  return {
    id: run.id,
    key: run.key,
    queuedAt: run.queuedAt,
    name: run.spec.name,
    group: run.spec.group,
    priority: run.spec.priority,
    parentRunId: run.lineage.parentRunId,
    agentId: run.spec.agent?.id ?? null,
    taskId: run.lineage.taskId,
    retryOfRunId: run.lineage.retryOfRunId,
    retryReason: run.lineage.retryReason,
    spec: JSON.stringify(run.spec),
    lineage: JSON.stringify(run.lineage),
    ...stateColumns(run),
  };
}

/** Returns the columns that change with the state. */
export function stateColumns(run: Omit<Run, 'number'>): Pick<Row, 'status' | 'unsettled' | 'needsPerson' | 'state'> {
  const { state: value } = run;
  const settled = isEnded(value) ? value.pending.length === 0 : value.status === 'queued';
  return {
    status: value.status,
    unsettled: settled ? 0 : 1,
    needsPerson: needsPerson(run) ? 1 : 0,
    state: JSON.stringify(value),
  };
}
