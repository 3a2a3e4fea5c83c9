/** Requests and responses about tasks. */
import { z } from 'zod';
import { limits } from '#run/limits.ts';
import { taskKinds, taskStatuses } from '#task/task.ts';
import { wakeReasons, wakeSources, wakeStatuses } from '#task/wake.ts';
import { agentName } from './agents.ts';
import { eventView, runView } from './answers.ts';
import { budgetSchema } from './budget-schemas.ts';
import { absolutePath, environment, taskNumber, text, word } from './requests.ts';
import { wireLimits } from './wire-limits.ts';

/** The name of an agent, or `me`. */
const assignee = z.union([z.literal('me'), agentName]);
export const documentKey = word(limits.nameLength).refine(
  (key) => /^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(key),
  'must be letters, digits, and . _ - between them',
);

const fields = {
  title: word(wireLimits.titleLength),
  description: text(wireLimits.descriptionLength).nullable(),
  acceptance: text(wireLimits.descriptionLength).nullable(),
  kind: z.enum(taskKinds),
  priority: z.int().min(-wireLimits.priorityMax).max(wireLimits.priorityMax),
  cwd: absolutePath.nullable(),
  budget: budgetSchema.nullable(),
};
/** The caller's environment. Automatic runs of the task start from it. Null keeps the stored one. */
const callersEnvironment = environment.nullable().default(null);
export const newTaskRequest = z.strictObject({
  title: fields.title,
  description: fields.description.default(null),
  acceptance: fields.acceptance.default(null),
  kind: fields.kind.default('work'),
  priority: fields.priority.default(0),
  cwd: fields.cwd.default(null),
  budget: fields.budget.default(null),
  /** The caller's current folder. */
  madeIn: absolutePath,
  assignee: assignee.nullable().default(null),
  inBacklog: z.boolean().default(false),
  environment: callersEnvironment,
});
export type NewTaskRequest = z.input<typeof newTaskRequest>;
export const editTaskRequest = z.strictObject(fields).partial();
export type EditTaskRequest = z.infer<typeof editTaskRequest>;
export const taskParams = z.strictObject({ task: taskNumber });
/** A change of a task. `block` needs a reason, `assign` an assignee or null. */
export const moveRequest = z.discriminatedUnion('move', [
  z.strictObject({ move: z.enum(['start', 'reopen']), environment: callersEnvironment }),
  z.strictObject({ move: z.enum(['done', 'cancel']) }),
  z.strictObject({ move: z.literal('block'), reason: text(wireLimits.blockedReasonLength).min(1) }),
  z.strictObject({
    move: z.literal('assign'),
    assignee: assignee.nullable(),
    environment: callersEnvironment,
  }),
]);
export type MoveRequest = z.input<typeof moveRequest>;
export const continueRequest = z.strictObject({
  agent: agentName.nullable().default(null),
  /** Stored as a comment of the person on the task. */
  prompt: text(wireLimits.commentLength).nullable().default(null),
  fresh: z.boolean().default(false),
  environment: callersEnvironment,
});
export const commentRequest = z.strictObject({ text: text(wireLimits.commentLength).min(1) });
export const documentRequest = z.strictObject({
  title: word(wireLimits.titleLength).nullable().default(null),
  body: text(limits.documentLength),
  /** The revision that was read. 0 for a new document, null to overwrite any revision. */
  baseRevision: z.int().min(0).nullable().default(null),
});
export const documentParams = z.strictObject({ task: taskNumber, key: documentKey });
export const documentQuery = z.strictObject({ revision: z.coerce.number().int().min(1).optional() });
export const documentsQuery = z.strictObject({
  system: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .default(false),
  /** Whether the answer has what the last revision changed. */
  diff: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .default(true),
});
const oneOrMany = <T extends z.ZodType>(item: T) =>
  z.union([item, z.array(item)]).transform((value) => (Array.isArray(value) ? value : [value]));
export const tasksQuery = z.strictObject({
  status: oneOrMany(z.enum(taskStatuses)).optional(),
  assignee: assignee.optional(),
  limit: z.coerce.number().int().min(1).max(limits.pageRunsMax).default(limits.pageTasks),
  before: z.coerce.number().int().min(1).optional(),
});
export const ledgerQuery = z.strictObject({
  task: taskNumber.optional(),
  agent: z.string().optional(),
  since: z.coerce.number().int().min(0).optional(),
  limit: z.coerce.number().int().min(1).max(limits.pageRunsMax).default(limits.ledgerRuns),
});
const trueOrFalse = z.enum(['true', 'false']).transform((value) => value === 'true');
/** `diff`: whether the answer has what the last revision changed. */
export const handoffQuery = z.strictObject({ history: trueOrFalse.default(false), diff: trueOrFalse.default(true) });

const time = z.iso.datetime().nullable();
export const taskView = z.object({
  number: z.int(),
  title: z.string(),
  description: z.string().nullable(),
  acceptance: z.string().nullable(),
  kind: z.enum(taskKinds),
  status: z.enum(taskStatuses),
  priority: z.int(),
  /** The name of an agent, or `me`. */
  assignee: z.string().nullable(),
  assigneeAgentId: z.string().nullable(),
  blockedReason: z.string().nullable(),
  /** The action that unblocks it, where it is known. */
  blockedNext: z.string().nullable(),
  /** Why none of its runs starts although its status allows it. */
  paused: z.string().nullable(),
  cwd: z.string().nullable(),
  madeIn: z.string(),
  checkoutRunId: z.string().nullable(),
  executionRunId: z.string().nullable(),
  budgetLeft: z.int(),
  budget: budgetSchema.nullable(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  /** The last change of its status or its assignee. */
  statusAt: time,
  /** When it was dismissed from the list of items that need attention. Null after any later change. */
  dismissedAt: time,
});
export type TaskView = z.infer<typeof taskView>;
export const wakeView = z.object({
  id: z.string(),
  agent: z.string().nullable(),
  status: z.enum(wakeStatuses),
  source: z.enum(wakeSources),
  reason: z.enum(wakeReasons),
  payload: z.object({
    issueId: z.int().nullable(),
    sourceRunId: z.string().nullable(),
    livenessState: z.string().nullable(),
    livenessReason: z.string().nullable(),
    continuationAttempt: z.int(),
    maxContinuationAttempts: z.int(),
    instruction: z.string().nullable(),
  }),
  idempotencyKey: z.string().nullable(),
  coalescedCount: z.int(),
  runId: z.string().nullable(),
  notBefore: time,
  requestedAt: z.iso.datetime(),
  finishedAt: time,
  error: z.string().nullable(),
});
export type WakeView = z.infer<typeof wakeView>;
export const commentView = z.object({
  id: z.int(),
  author: z.string(),
  runId: z.string().nullable(),
  text: z.string(),
  at: z.iso.datetime(),
});
export type CommentView = z.infer<typeof commentView>;
const documentHead = {
  key: z.string(),
  revision: z.int(),
  title: z.string().nullable(),
  author: z.string(),
  runId: z.string().nullable(),
  updatedAt: z.iso.datetime(),
};
export const documentHeadView = z.object({ ...documentHead, bytes: z.int() });
export type DocumentHeadView = z.infer<typeof documentHeadView>;
export const documentView = z.object({ ...documentHead, body: z.string() });
export type DocumentView = z.infer<typeof documentView>;

const sum = z.object({
  runs: z.int(),
  timeMs: z.int(),
  inputTokens: z.int(),
  outputTokens: z.int(),
  /** Runs whose agents reported no tokens, and runs that reported only a part. The sums lack the rest. */
  tokensUnknown: z.int(),
  tokensPartial: z.int(),
  /** The known cost. `costUnknown` is the number of runs whose cost is unknown. */
  costUsd: z.number(),
  costUnknown: z.int(),
  /** The share of runs with a verdict that advanced or completed their task. Null when no run has a verdict. */
  advancedShare: z.number().nullable(),
});
export type Sum = z.infer<typeof sum>;
/**
 * The groups are bounded: those with the newest ends. `tasksHidden`, `agentsHidden`: the number of others. `daysHidden`:
 * whether there are runs before the first day.
 */
const totalsView = z.object({
  ...sum.shape,
  byTask: z.array(z.object({ task: z.int().nullable(), ...sum.shape })),
  byAgent: z.array(z.object({ agent: z.string().nullable(), ...sum.shape })),
  byDay: z.array(z.object({ day: z.string(), ...sum.shape })),
  tasksHidden: z.int(),
  agentsHidden: z.int(),
  daysHidden: z.boolean(),
});

const schema = z.literal(1);
/** `note`: what to know after the change, for example about the budget. */
export const taskAnswer = z.object({ schema, task: taskView, note: z.string().nullable().optional() });
export type TaskAnswer = z.infer<typeof taskAnswer>;
export const tasksAnswer = z.object({ schema, tasks: z.array(taskView), next: z.int().nullable() });
export const taskShowAnswer = z.object({
  schema,
  task: taskView,
  comments: z.array(commentView),
  documents: z.array(documentHeadView),
  wakes: z.array(wakeView),
  activity: z.array(eventView),
  /**
   * What its automatic runs start from: the environment of the person who assigned or last continued it, or the
   * daemon's.
   */
  environment: z.object({ source: z.enum(['person', 'daemon']), keptAt: time }),
});
export type TaskShowAnswer = z.infer<typeof taskShowAnswer>;
/** `run`: the run that starts or waits. Null when it follows the one that works on the task now. */
export const continueAnswer = z.object({
  schema,
  task: taskView,
  wake: wakeView,
  run: runView.nullable(),
  busyWith: z.int().nullable(),
});
export type ContinueAnswer = z.infer<typeof continueAnswer>;
export const commentAnswer = z.object({ schema, comment: commentView });
export const documentAnswer = z.object({ schema, task: z.int(), document: documentView });
export type DocumentAnswer = z.infer<typeof documentAnswer>;
/** `history`: its revisions, newest first. Present on request only. */
export const handoffAnswer = z.object({
  schema,
  task: z.int(),
  document: documentView,
  diff: z.string().optional(),
  history: z.array(documentHeadView).optional(),
});
export const documentsAnswer = z.object({ schema, task: z.int(), documents: z.array(documentHeadView) });
export const ledgerAnswer = z.object({
  schema,
  task: taskView.nullable(),
  runs: z.array(runView),
  hidden: z.int(),
  totals: totalsView,
});
export type LedgerAnswer = z.infer<typeof ledgerAnswer>;
