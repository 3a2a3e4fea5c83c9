/**
 * The schema of config.toml: each key once, with type, default and description. The list of settings, the errors and
 * the documentation are generated from it.
 */
import { availableParallelism } from 'node:os';
import { z } from 'zod';

/** A program and its arguments. No shell parses it. */
const argv = z
  .array(z.string().regex(/^[^\0]*$/))
  .min(1)
  .max(100)
  .refine(([program]) => program !== '', 'the program has no name')
  .nullable()
  .default(null);

const amount = z.string().nullable().default(null);

/** All keys of the configuration with their limits and defaults. */
export const schema = z.strictObject({
  max_runs: z
    .int()
    .min(1)
    .max(10_000)
    .default(Math.max(2, Math.floor(availableParallelism() / 2)))
    .meta({
      description:
        'how many commands run at once; they are taken to need a core each, and half of the cores stay yours',
      kind: 'a whole number',
      standard: 'half the cores, at least 2',
    }),
  max_agents: z.int().min(1).max(10_000).default(8).meta({
    description:
      'how many agents run at once, all together; they mostly wait for their provider, and take about 0.5 GB each',
    kind: 'a whole number',
  }),
  after_crash: z.enum(['continue', 'hold']).default('continue').meta({
    description: 'what queued runs do after the daemon died: go on, or wait for `clip queue release`',
    kind: '"continue" or "hold"',
  }),
  log_level: z
    .enum(['error', 'warn', 'info', 'debug'])
    .default('info')
    .meta({
      description:
        'which lines `daemon.log` has; `debug` has each decision with its reason ' +
        '(`CLIP_LOG` in the environment of the daemon overrides it)',
      kind: '"error", "warn", "info" or "debug"',
    }),
  leftovers_keep: z
    .array(z.string())
    .default(['tmux', 'tmux: server', 'screen', 'ssh-agent', 'gpg-agent', 'dbus-daemon'])
    .meta({ description: 'programs that are listed among leftovers, and never stopped', kind: 'a list of names' }),
  containment: z.enum(['auto', 'mark']).default('auto').meta({
    description:
      'how runs are held together: in control groups where the system lets clip make them, or by their marks',
    kind: '"auto" or "mark"',
  }),
  continuation_attempts: z.int().min(0).max(100).default(2).meta({
    description: 'how often a run that only planned, or said nothing, is told to act',
    kind: 'a whole number',
  }),
  automatic_runs_max: z.int().min(0).max(1_000).default(5).meta({
    description: 'how many runs of a task are started in a row without you; after that you are asked',
    kind: 'a whole number',
  }),
  task_environment: z
    .enum(['person', 'daemon'])
    .default('person')
    .meta({
      description:
        'whose environment automatic runs start from: ' +
        'that of the person who assigned or last continued the task (or set the timer), or the daemon’s',
      kind: '"person" or "daemon"',
    }),
  auto_done: z
    .boolean()
    .default(false)
    .meta({ description: '`clip report done` closes a task; else it waits for your review', kind: 'true or false' }),
  notifications: z.boolean().default(false).meta({
    description: 'show on the desktop what needs you, and which runs without a task failed',
    kind: 'true or false',
  }),
  /**
   * Amounts in the format of `clip agent edit --budget-day`. They stay text, because this folder must not import the
   * parser.
   */
  budget: z
    .strictObject({
      run: amount.meta({
        description: 'what each run of an agent may use that has no limit of its own',
        kind: 'an amount, like "5usd"',
      }),
      day: amount.meta({
        description: 'what the runs of all agents may use in a day together',
        kind: 'an amount, like "20usd,12h"',
      }),
    })
    .prefault({}),
  logs: z
    .strictObject({
      compress_after_min: z
        .number()
        .min(0)
        .max(525_600)
        .default(60)
        .meta({ description: 'minutes after its end until the logs of a run are compressed', kind: 'a number' }),
      keep_days: z
        .number()
        .min(0)
        .max(36_500)
        .default(90)
        .meta({ description: 'days after its end until they are removed; 0: never', kind: 'a number' }),
      size_max_gb: z
        .number()
        .min(0)
        .max(1_000_000)
        .default(5)
        .meta({ description: 'GiB that all of them may take, the oldest go first; 0: no limit', kind: 'a number' }),
    })
    .prefault({}),
  /** Programs that the daemon runs on events. docs/configuration.md describes their input. */
  hooks: z
    .strictObject({
      needs_you: argv.meta({
        description: 'run when something waits for you: a blocked task, one in review, a used up budget, a lost run',
        kind: 'a command',
      }),
      failed: argv.meta({ description: 'run when a run has failed or timed out', kind: 'a command' }),
      exhausted: argv.meta({
        description: 'run when a task has been continued as often as it may be',
        kind: 'a command',
      }),
      budget_reached: argv.meta({ description: 'run when a run was stopped by a budget', kind: 'a command' }),
      queue_empty: argv.meta({ description: 'run when the last run has ended and none waits', kind: 'a command' }),
    })
    .prefault({}),
});

export type Config = z.infer<typeof schema>;

export type SettingDefinition = {
  /** The full name, for example `budget.day`. */
  readonly key: string;
  readonly says: string;
  readonly kind: string;
  readonly standard: unknown;
  /** A description of a default that depends on the machine. Null for every other default. */
  readonly standardWords: string | null;
  /** Validates a given value. Returns what is wrong in words, or null. */
  readonly wrongWith: (value: unknown) => string | null;
};

type Shape = Readonly<Record<string, z.core.$ZodType>>;

/** All settings, in the order of the documentation. */
export const settings: readonly SettingDefinition[] = settingsIn(schema.shape, '');

function settingsIn(shape: Shape, prefix: string): SettingDefinition[] {
  return Object.entries(shape).flatMap(([name, type]) => {
    const key = `${prefix}${name}`;
    if (type instanceof z.ZodPrefault && type.unwrap() instanceof z.ZodObject)
      return settingsIn((type.unwrap() as z.ZodObject).shape, `${key}.`);
    return [defineSetting(key, type as z.ZodType)];
  });
}

function defineSetting(key: string, type: z.ZodType): SettingDefinition {
  const { description = '', kind, standard } = type.meta() ?? {};
  return {
    key,
    says: description,
    kind: String(kind),
    standard: type.parse(undefined),
    standardWords: typeof standard === 'string' ? standard : null,
    wrongWith: (value) => {
      const issue = type.safeParse(value).error?.issues[0];
      return issue === undefined ? null : formatIssue(issue);
    },
  };
}

/** Describes what is wrong with a value. Bounds of numbers are reworded, other messages are those of the schema. */
export function formatIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'too_small' && issue.origin !== 'string') return `at least ${issue.minimum}`;
  if (issue.code === 'too_big' && issue.origin !== 'string') return `at most ${issue.maximum}`;
  return issue.code === 'invalid_type' ? `expected ${issue.expected}` : issue.message;
}
