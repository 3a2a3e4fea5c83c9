/** Requests and responses about agents. */
import { z } from 'zod';
import { adapterNames, permissions } from '#run/agent.ts';
import { limits } from '#run/limits.ts';
import { environmentSources } from '#run/run.ts';
import { budgetSchema, quietHoursSchema } from './budget-schemas.ts';
import { absolutePath, duration, environment, text, variable, word } from './requests.ts';
import { wireLimits } from './wire-limits.ts';

/** Names of agents. The rules are those of run names, because both are used on a command line. */
export const agentName = word(limits.nameLength)
  .refine((value) => !/^\d+$/.test(value), 'must not be all digits')
  .refine((value) => /^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(value), 'must be letters, digits, and . _ - between them');

export const agentRequest = z.strictObject({
  adapter: z.enum(adapterNames).optional(),
  /** The name of a preset. */
  preset: word(limits.nameLength).nullable().optional(),
  /** How a plain agent is started and read. It is validated with the names of its fields. */
  mapping: z.unknown().optional(),
  command: text(4_096).min(1).nullable().optional(),
  model: word(wireLimits.labelLength).nullable().optional(),
  role: word(wireLimits.labelLength).nullable().optional(),
  cwd: absolutePath.nullable().optional(),
  args: z.array(text(limits.argumentBytesMax)).max(wireLimits.agentArgs).optional(),
  env: environment.optional(),
  /** Names of variables to remove. */
  unsetEnv: z.array(variable).max(1_000).optional(),
  envFile: absolutePath.nullable().optional(),
  timeoutMs: duration.nullable().optional(),
  silenceMs: duration
    .refine((value) => value > 0, 'must be longer than nothing')
    .nullable()
    .optional(),
  graceMs: duration.nullable().optional(),
  concurrency: z.int().min(1).max(wireLimits.agentConcurrencyMax).optional(),
  promptTemplate: absolutePath.nullable().optional(),
  leftovers: z.enum(['stop', 'leave']).nullable().optional(),
  permission: z.enum(permissions).optional(),
  sharesWorktree: z.boolean().optional(),
  everyMs: duration
    .refine((value) => value >= wireLimits.timerEveryMsMin, 'must be a second or more')
    .nullable()
    .optional(),
  quietHours: quietHoursSchema.nullable().optional(),
  /** The caller's environment, together with `everyMs`. The runs of the timer start from it. */
  timerEnvironment: environment.nullable().optional(),
  timerPrompt: text(wireLimits.timerPromptLength)
    .refine((value) => value.trim() !== '', 'must not be empty')
    .nullable()
    .optional(),
  budgetRun: budgetSchema.nullable().optional(),
  budgetDay: budgetSchema.nullable().optional(),
});
export type AgentRequest = z.infer<typeof agentRequest>;

export const agentParams = z.strictObject({ agent: agentName });
export const pauseRequest = z.strictObject({
  paused: z.boolean(),
  /** Whether live runs of the agent are stopped, too. */
  now: z.boolean().default(false),
});
export const checkRequest = z.strictObject({ env: environment.default({}) });

const told = z.enum(['live', 'end', 'never']);
const spentView = z.object({
  /** Null when the cost of some run is not known. The same holds for tokens. */
  costUsd: z.number().nullable(),
  costKnownUsd: z.number(),
  tokens: z.number().nullable(),
  tokensKnown: z.number(),
  /** Ended runs whose cost, or whose tokens, are not fully known. */
  costUnknownRuns: z.int(),
  tokensUnknownRuns: z.int(),
  runs: z.int(),
  timeMs: z.number(),
});

export const agentView = z.object({
  id: z.string(),
  name: z.string(),
  adapter: z.enum(adapterNames),
  command: z.string().nullable(),
  model: z.string().nullable(),
  role: z.string().nullable(),
  cwd: z.string().nullable(),
  args: z.array(z.string()),
  /** Names only. Values are never shown. */
  env: z.array(z.string()),
  envFile: z.string().nullable(),
  timeoutSec: z.number().nullable(),
  silenceSec: z.number().nullable(),
  graceSec: z.number().nullable(),
  concurrency: z.int(),
  promptTemplate: z.string().nullable(),
  leftovers: z.enum(['stop', 'leave']).nullable(),
  permission: z.enum(permissions),
  /** Whether its adapter can enforce its permission. */
  restrained: z.boolean(),
  sharesWorktree: z.boolean(),
  preset: z.string().nullable(),
  mapped: z.boolean(),
  everySec: z.number().nullable(),
  /** When its timer fires next. Null without a timer, and while it is paused. */
  nextTimerAt: z.iso.datetime().nullable(),
  /** The hours as they are written: 22-7, by the wall clock. */
  quietHours: z.string().nullable(),
  timerPrompt: z.string().nullable(),
  budgetRun: budgetSchema.nullable(),
  budgetDay: budgetSchema.nullable(),
  /** When its CLI reports usage. A limit on usage that is never reported has no effect. */
  tells: z.object({ tokens: told, cost: told }),
  /** What its budgets cannot enforce or have not counted, in words. Null when they are fully effective. */
  budgetDoubt: z.string().nullable(),
  /** The usage of its runs of today, including live ones. */
  today: spentView,
  /** Whether it starts nothing, for any reason. */
  paused: z.boolean(),
  /** `budget` ends by itself when the day is over or the limit is raised. `person` ends with `clip agent resume`. */
  pausedBy: z.enum(['person', 'budget']).nullable(),
  /** The reason in words, with the remedy. */
  pausedReason: z.string().nullable(),
  createdAt: z.iso.datetime(),
  liveRuns: z.int(),
});
export type AgentView = z.infer<typeof agentView>;

const schema = z.literal(1);
/** `note`: what to know about its preset and its budgets before using it. */
export const agentAnswer = z.object({ schema, agent: agentView, note: z.string().nullable().optional() });
export const agentsAnswer = z.object({ schema, agents: z.array(agentView) });
export const pausedAnswer = z.object({ schema, agent: agentView, stopped: z.array(z.int()) });
/**
 * The start of an automatic run. `task`: a task with its own environment, or null for a timer or a future task.
 * `source`: whose environment.
 */
const automaticStart = z.object({
  task: z.int().nullable(),
  source: z.enum(environmentSources),
  /** Whether the agent's program is on the PATH of that environment. */
  found: z.boolean(),
});
export type AutomaticStart = z.infer<typeof automaticStart>;

export const checkAnswer = z.object({
  schema,
  /** The program that was searched. */
  program: z.string(),
  /** The path of the program on the PATH. Null when it was not found. */
  path: z.string().nullable(),
  /** The version. Null when the program does not answer; absent where asking could have a side effect. */
  version: z.string().nullable().optional(),
  /** The value of the setting `task_environment`. */
  taskEnvironment: z.enum(['person', 'daemon']),
  automatic: z.array(automaticStart),
  paused: z.boolean(),
  /** The reason and the remedy. */
  pausedReason: z.string().nullable(),
});
export type CheckAnswer = z.infer<typeof checkAnswer>;
