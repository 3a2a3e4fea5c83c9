/** What may be asked of the daemon. One schema for the daemon, the tests and the slow verbs; times in milliseconds, sizes in bytes. */
import { z } from 'zod';
import { reportKinds } from '../run/agent-report.ts';
import { limits } from '../run/limits.ts';
import { runStatuses } from '../run/run.ts';

const noNul = (text: string) => !text.includes('\0');
export const text = (max: number) => z.string().max(max).refine(noNul, 'must not contain a NUL character');
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
const printable = /^[^\u0000-\u001f\u007f-\u009f]+$/;
export const word = (max: number) => z.string().min(1).max(max).regex(printable, 'must not contain control characters');
export const duration = z.int().min(0).max(limits.durationMsMax);

const name = word(limits.nameLength)
  .refine((value) => !/^\d+$/.test(value), 'must not be all digits: digits are run numbers')
  .refine((value) => !value.startsWith('@') && !value.startsWith('-'), 'must not begin with @ or -');
const groupName = word(limits.nameLength).refine((value) => !value.startsWith('-'), 'must not begin with -');
export const absolutePath = text(4_096).refine((path) => path.startsWith('/'), 'must be an absolute path');
export const variable = z
  .string()
  .min(1)
  .max(1_000)
  .refine((value) => noNul(value) && !value.includes('='), 'must not contain = or NUL');

/** `7` or `T7`. */
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
    .max(limits.commandArgs)
    .refine(([command]) => command !== '', 'must name a command')
    .default([]),
  agent: name.nullable().default(null),
  /** What the agent is asked. Bytes that are no text come in `stdin` instead. */
  prompt: text(limits.promptBytesMax).nullable().default(null),
  /** The task that the run serves. An agent is told of it, and needs no other prompt. */
  task: taskNumber.nullable().default(null),
  cwd: absolutePath,
  /** Nobody chose this folder, it is where the caller stands: an agent's own folder comes first. */
  cwdIsDefault: z.boolean().default(false),
  env: z.record(variable, text(limits.bodyBytesMax)).default({}),
  /** Which of the variables the person gave for this run; shown, where values are not. */
  envNames: z.array(variable).max(1_000).default([]),
  name: name.nullable().default(null),
  group: groupName.nullable().default(null),
  priority: z.int().min(-limits.priorityMax).max(limits.priorityMax).default(0),
  labels: z
    .record(word(limits.nameLength), word(limits.labelLength))
    .refine((labels) => Object.keys(labels).length <= limits.labels, `at most ${limits.labels} labels`)
    .default({}),
  locks: z.array(word(limits.lockLength)).max(limits.locks).default([]),
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
  /** Id of the run from inside which this one is started. */
  parentRunId: z.string().max(64).nullable().default(null),
  retryOfRunId: z.string().max(64).nullable().default(null),
});
export type RunRequest = z.infer<typeof runRequest>;
export type RunRequestInput = z.input<typeof runRequest>;

const ref = z.string().min(1).max(limits.nameLength);
const flag = z.enum(['true', 'false']).transform((value) => value === 'true');
const oneOrMany = <T extends z.ZodType>(item: T) => z.union([item, z.array(item)]).transform((value) => (Array.isArray(value) ? value : [value]));

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
  limit: z.coerce.number().int().min(1).max(limits.pageRunsMax).default(limits.pageRuns),
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

/** At least one of them: without a word nothing is deleted. */
export const pruneRequest = z
  .strictObject({
    /** Only runs that ended so long ago. */
    olderThanMs: duration.nullable().default(null),
    /** All but the newest so many. */
    keep: z.int().min(0).max(1_000_000_000).nullable().default(null),
    dryRun: z.boolean().default(false),
  })
  .refine(({ olderThanMs, keep }) => olderThanMs !== null || keep !== null, 'must say olderThanMs, keep, or both');

export const retryRequest = z.strictObject({
  env: z.record(variable, text(limits.bodyBytesMax)).default({}),
  envNames: z.array(variable).max(1_000).default([]),
  parentRunId: z.string().max(64).nullable().default(null),
  /** Begin a new session of the agent instead of going on with the old one. */
  fresh: z.boolean().default(false),
});
export type RetryRequest = z.infer<typeof retryRequest>;

/** A run says something of itself. */
export const reportRequest = z.strictObject({
  /** CLIP_RUN_TOKEN of the run. */
  token: word(limits.nameLength),
  /** Given by the sender; sent twice, it is one report. */
  id: word(limits.reportIdLength),
  kind: z.enum(reportKinds),
  text: z.string().min(1).max(limits.reportTextLength),
  /** Who can lift a blocker. */
  who: z.string().max(limits.nameLength).nullable().default(null),
});
export const waitQuery = z.strictObject({
  run: oneOrMany(ref),
  for: z.enum(['started', 'quiet', 'ended']).default('ended'),
});

export const eventsQuery = z.strictObject({
  since: z.coerce.number().int().min(0).default(0),
  follow: flag.default(false),
});

export const logsQuery = z.strictObject({
  stream: z.enum(['stdout', 'stderr']).default('stdout'),
  /** Byte to begin at: the cursor for whoever reads on. */
  offset: z.coerce.number().int().min(0).default(0),
  follow: flag.default(false),
});

export const groupRequest = z.strictObject({
  /** Runs at a time; null for no limit of its own. */
  limit: z.int().min(1).max(10_000).nullable().optional(),
  paused: z.boolean().optional(),
});

export const queueRequest = z.strictObject({ held: z.boolean() });
export const stopDaemonRequest = z.strictObject({ cancelRuns: z.boolean().default(false) });
export const refParams = z.strictObject({ run: ref });
export const groupParams = z.strictObject({ group: groupName });
