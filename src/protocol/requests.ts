/**
 * Requests to the daemon. The daemon, the tests and the slower commands share this schema. Times are milliseconds,
 * sizes are bytes.
 */
import { z } from 'zod';
import { permissions } from '#run/agent.ts';
import { reportKinds } from '#run/agent-report.ts';
import { limits } from '#run/limits.ts';
import { runStatuses } from '#run/run.ts';
import { wireLimits } from './wire-limits.ts';

const noNul = (text: string) => !text.includes('\0');
export const text = (max: number) => z.string().max(max).refine(noNul, 'must not contain a NUL character');
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
const printable = /^[^\u0000-\u001f\u007f-\u009f]+$/;
export const word = (max: number) => z.string().min(1).max(max).regex(printable, 'must not contain control characters');
export const duration = z.int().min(0).max(limits.durationMsMax);

const name = word(limits.nameLength)
  .refine((value) => !/^\d+$/.test(value), 'must not be all digits: digits are run numbers')
  .refine((value) => !value.startsWith('@') && !value.startsWith('-'), 'must not begin with @ or -');
const groupName = word(limits.nameLength)
  .refine((value) => !value.startsWith('-'), 'must not begin with -')
  .refine((value) => value.trim() !== '', 'must not be empty');
export const absolutePath = text(4_096).refine((path) => path.startsWith('/'), 'must be an absolute path');
export const variable = z
  .string()
  .min(1)
  .max(1_000)
  .refine((value) => noNul(value) && !value.includes('='), 'must not contain = or NUL');

/** Variables with their values, as in the caller's shell. */
export const environment = z.record(variable, text(limits.bodyBytesMax));

/** The number of a task: `7` or `T7`. */
export const taskNumber = z.union([
  z.int().min(1),
  z
    .string()
    .regex(/^[Tt]?[1-9]\d{0,14}$/, 'must be the number of a task: T7 or 7')
    .transform((value) => Number(value.replace(/^t/i, ''))),
]);

export const runRequest = z.strictObject({
  /** Left out when an agent is named. */
  command: z
    .array(text(limits.bodyBytesMax))
    .min(1)
    .max(wireLimits.commandArgs)
    .refine(([command]) => command !== '', 'must name a command')
    .default([]),
  agent: name.nullable().default(null),
  /** The model of the agent for this run. Null: that of its settings. */
  model: word(limits.nameLength).nullable().default(null),
  /** The permission of the agent for this run. Null: that of its settings. */
  permission: z.enum(permissions).nullable().default(null),
  /** The prompt of the agent. Bytes that are not text are sent in `stdin` instead. */
  prompt: text(limits.promptBytesMax).nullable().default(null),
  /** The task that the run serves. The agent's prompt then contains the task, and needs no other text. */
  task: taskNumber.nullable().default(null),
  cwd: absolutePath,
  /** Whether the folder is only the caller's current one. The agent's own folder then takes precedence. */
  cwdIsDefault: z.boolean().default(false),
  env: environment.default({}),
  /** The variables that were given for this run. Their names are shown, their values are not. */
  envNames: z.array(variable).max(1_000).default([]),
  name: name.nullable().default(null),
  group: groupName.nullable().default(null),
  priority: z.int().min(-wireLimits.priorityMax).max(wireLimits.priorityMax).default(0),
  labels: z
    .record(word(limits.nameLength), word(wireLimits.labelLength))
    .refine((labels) => Object.keys(labels).length <= wireLimits.labels, `must be at most ${wireLimits.labels}`)
    .default({}),
  locks: z.array(word(wireLimits.lockLength)).max(wireLimits.locks).default([]),
  after: z.string().min(1).max(limits.nameLength).nullable().default(null),
  key: word(limits.keyLength).nullable().default(null),
  timeoutMs: duration.nullable().default(null),
  silenceMs: duration
    .refine((value) => value > 0, 'must be longer than nothing')
    .nullable()
    .default(null),
  graceMs: duration.nullable().default(null),
  outputBytesMax: z.int().min(1).nullable().default(null),
  mergeOutput: z.boolean().default(false),
  stdin: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('file'), path: absolutePath }),
      z.strictObject({ kind: z.literal('text'), base64: z.base64() }),
    ])
    .nullable()
    .default(null),
  onLoss: z.enum(['retry', 'fail']).nullable().default(null),
  leftovers: z.enum(['stop', 'leave']).nullable().default(null),
  promptSecret: z.boolean().default(false),
  /** The id of the run that this one is started from. */
  parentRunId: z.string().max(64).nullable().default(null),
  retryOfRunId: z.string().max(64).nullable().default(null),
});
export type RunRequest = z.infer<typeof runRequest>;
export type RunRequestInput = z.input<typeof runRequest>;

const ref = z.string().min(1).max(limits.nameLength);
const flag = z.enum(['true', 'false']).transform((value) => value === 'true');
const oneOrMany = <T extends z.ZodType>(item: T) =>
  z.union([item, z.array(item)]).transform((value) => (Array.isArray(value) ? value : [value]));

export const runsQuery = z.strictObject({
  status: oneOrMany(z.enum(runStatuses)).optional(),
  group: z.string().optional(),
  agent: z.string().optional(),
  task: taskNumber.optional(),
  name: z.string().optional(),
  label: z
    .string()
    .regex(/^[^=]+=/, 'must be key=value')
    .optional(),
  /** Only runs queued at or after this time. */
  since: z.coerce.number().int().min(0).optional(),
  failed: flag.optional(),
  live: flag.optional(),
  limit: z.coerce.number().int().min(1).max(limits.pageRunsMax).default(wireLimits.pageRuns),
  /** Only runs with a smaller number: the cursor for the next page. */
  before: z.coerce.number().int().min(1).optional(),
});
export const cancelRequest = z.strictObject({
  runs: z.array(ref).max(limits.waitRunsMax).default([]),
  all: z.boolean().default(false),
  group: groupName.nullable().default(null),
  agent: name.nullable().default(null),
  task: taskNumber.nullable().default(null),
  label: z
    .string()
    .regex(/^[^=]+=/, 'must be key=value')
    .nullable()
    .default(null),
  /** Also the runs that were started inside them. */
  tree: z.boolean().default(false),
  graceMs: duration.nullable().default(null),
  now: z.boolean().default(false),
});
export type CancelRequest = z.infer<typeof cancelRequest>;

/** A prune request. At least one of the fields is required, so that an empty request deletes nothing. */
export const pruneRequest = z
  .strictObject({
    /** Only runs that ended longer ago than this. */
    olderThanMs: duration.nullable().default(null),
    /** Keeps this many of the newest runs. */
    keep: z.int().min(0).max(1_000_000_000).nullable().default(null),
    dryRun: z.boolean().default(false),
  })
  .refine(({ olderThanMs, keep }) => olderThanMs !== null || keep !== null, 'must say olderThanMs, keep, or both');

export const retryRequest = z.strictObject({
  /** What the agent is told instead of what the ended run was asked. */
  prompt: text(limits.promptBytesMax).nullable().default(null),
  env: environment.default({}),
  envNames: z.array(variable).max(1_000).default([]),
  parentRunId: z.string().max(64).nullable().default(null),
  /** Starts a new session of the agent instead of resuming the old one. */
  fresh: z.boolean().default(false),
  /** Two requests with the same key are one retry. */
  key: word(limits.keyLength).nullable().default(null),
});
export type RetryRequest = z.infer<typeof retryRequest>;

export const acknowledgeRequest = z.strictObject({ how: z.enum(['seen', 'dismissed']) });

/** A report of a run. */
export const reportRequest = z.strictObject({
  /** CLIP_RUN_TOKEN of the run. */
  token: word(limits.nameLength),
  /** Chosen by the sender. Two requests with the same id are one report. */
  id: word(limits.reportIdLength),
  kind: z.enum(reportKinds),
  text: z.string().min(1).max(limits.reportTextLength),
  /** The person or team that can lift a blocker. */
  who: z.string().max(limits.nameLength).nullable().default(null),
});
export const waitQuery = z.strictObject({
  run: oneOrMany(ref),
  for: z.enum(['started', 'quiet', 'ended']).default('ended'),
});

/** `look`: a person reads the answer, so what it lists as ended is not new the next time. */
export const statusQuery = z.strictObject({ look: flag.default(false) });

export const eventsQuery = z.strictObject({
  since: z.coerce.number().int().min(0).default(0),
  follow: flag.default(false),
});

export const logsQuery = z.strictObject({
  stream: z.enum(['stdout', 'stderr']).default('stdout'),
  /** The byte to begin at: the cursor for the next read. */
  offset: z.coerce.number().int().min(0).default(0),
  follow: flag.default(false),
});

export const groupRequest = z.strictObject({
  /** The number of runs at a time. Null for no limit of its own. */
  limit: z.int().min(1).max(10_000).nullable().optional(),
  paused: z.boolean().optional(),
});

/** The limits of this client: CLIP_SUBMITTER as in the environment of its runs. */
export const keeperRequest = z.strictObject({ submitter: text(wireLimits.submitterLength) });
export const queueRequest = z.strictObject({
  held: z.boolean(),
  /** Also stops the live runs of agents. Their tasks continue when the queue is released. */
  stopAgents: z.boolean().default(false),
});
export const stopDaemonRequest = z.strictObject({ cancelRuns: z.boolean().default(false) });
export const refParams = z.strictObject({ run: ref });
export const groupParams = z.strictObject({ group: groupName });
