/** What may be asked about agents, and what is answered. */
import { z } from 'zod';
import { adapterNames, permissions } from '../run/agent.ts';
import { limits } from '../run/limits.ts';
import { budgetSchema, quietHoursSchema } from './budget-schemas.ts';
import { absolutePath, duration, text, variable, word } from './requests.ts';

/** The names agents may have; the same as those of runs, since both stand on a command line. */
export const agentName = word(limits.nameLength)
  .refine((value) => !/^\d+$/.test(value), 'must not be all digits')
  .refine((value) => /^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(value), 'must be letters, digits, and . _ - between them');

export const agentRequest = z.strictObject({
  adapter: z.enum(adapterNames).optional(),
  /** A mapping that clip brings along. */
  preset: word(limits.nameLength).nullable().optional(),
  /** How a plain agent is started and read; checked with the names of its fields. */
  mapping: z.unknown().optional(),
  command: text(4_096).min(1).nullable().optional(),
  model: word(limits.labelLength).nullable().optional(),
  role: word(limits.labelLength).nullable().optional(),
  cwd: absolutePath.nullable().optional(),
  args: z.array(text(limits.argumentBytesMax)).max(limits.agentArgs).optional(),
  env: z.record(variable, text(limits.bodyBytesMax)).optional(),
  /** Names of variables to forget. */
  unsetEnv: z.array(variable).max(1_000).optional(),
  envFile: absolutePath.nullable().optional(),
  timeoutMs: duration.nullable().optional(),
  silenceMs: duration
    .refine((value) => value > 0, 'must be longer than nothing')
    .nullable()
    .optional(),
  graceMs: duration.nullable().optional(),
  concurrency: z.int().min(1).max(limits.agentConcurrencyMax).optional(),
  promptTemplate: absolutePath.nullable().optional(),
  leftovers: z.enum(['stop', 'leave']).nullable().optional(),
  permission: z.enum(permissions).optional(),
  sharesWorktree: z.boolean().optional(),
  everyMs: duration
    .refine((value) => value >= limits.timerEveryMsMin, 'must be a second or more')
    .nullable()
    .optional(),
  quietHours: quietHoursSchema.nullable().optional(),
  timerPrompt: text(limits.timerPromptLength)
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
  /** Stop its live runs, too. */
  now: z.boolean().default(false),
});
export const checkRequest = z.strictObject({ env: z.record(variable, text(limits.bodyBytesMax)).default({}) });

const spentView = z.object({
  /** Null when the cost of some run is not known; tokens likewise. */
  costUsd: z.number().nullable(),
  costKnownUsd: z.number(),
  tokens: z.number().nullable(),
  tokensKnown: z.number(),
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
  /** Names only; values are never shown. */
  env: z.array(z.string()),
  envFile: z.string().nullable(),
  timeoutSec: z.number().nullable(),
  silenceSec: z.number().nullable(),
  graceSec: z.number().nullable(),
  concurrency: z.int(),
  promptTemplate: z.string().nullable(),
  leftovers: z.enum(['stop', 'leave']).nullable(),
  permission: z.enum(permissions),
  /** Whether its adapter knows how to hold it to its permission. */
  restrained: z.boolean(),
  sharesWorktree: z.boolean(),
  preset: z.string().nullable(),
  mapped: z.boolean(),
  everySec: z.number().nullable(),
  /** As it is written: 22-7, by the clock on the wall. */
  quietHours: z.string().nullable(),
  timerPrompt: z.string().nullable(),
  budgetRun: budgetSchema.nullable(),
  budgetDay: budgetSchema.nullable(),
  /** What its runs of today have used; living ones among them. */
  today: spentView,
  /** It starts nothing, for whatever reason. */
  paused: z.boolean(),
  /** `budget` ends by itself, when the day is over or the limit is raised; `person` with `clip agent resume`. */
  pausedBy: z.enum(['person', 'budget']).nullable(),
  /** In words, with what to do about it. */
  pausedReason: z.string().nullable(),
  createdAt: z.iso.datetime(),
  liveRuns: z.int(),
});
export type AgentView = z.infer<typeof agentView>;

const schema = z.literal(1);
/** `note`: what to know of its preset before using it. */
export const agentAnswer = z.object({ schema, agent: agentView, note: z.string().nullable().optional() });
export const agentsAnswer = z.object({ schema, agents: z.array(agentView) });
export const pausedAnswer = z.object({ schema, agent: agentView, stopped: z.array(z.int()) });
export const checkAnswer = z.object({
  schema,
  /** What is looked for. */
  program: z.string(),
  /** The program as it was found on the PATH; null when it was not. */
  path: z.string().nullable(),
  /** Null when it does not answer; left out where asking could do something else. */
  version: z.string().nullable().optional(),
  paused: z.boolean(),
  /** Why, and what to do about it. */
  pausedReason: z.string().nullable(),
});
export type CheckAnswer = z.infer<typeof checkAnswer>;
