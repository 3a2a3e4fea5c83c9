/** An agent: a stored profile of how to run an agent CLI, with adapter, settings and limits. */

import type { ErrorClass, Scope, ToolKind } from './agent-event.ts';
import type { Budget } from './budget.ts';
import type { QuietHours } from './schedule.ts';

export const adapterNames = ['codex', 'claude', 'gemini', 'opencode', 'plain', 'http'] as const;
export type AdapterName = (typeof adapterNames)[number];

/**
 * How much an agent may do without asking. A run is unattended, so whatever needs a confirmation is refused. `ask`: the
 * CLI's own careful mode. `edit`: the agent may change files of its folder. `full`: everything.
 */
export const permissions = ['ask', 'edit', 'full'] as const;
export type Permission = (typeof permissions)[number];

/**
 * The part of an agent that its runs need. Each run keeps its own copy. Values of environment variables are never in
 * it.
 */
export type AgentProfile = {
  readonly id: string;
  readonly name: string;
  readonly adapter: AdapterName;
  /** The program, or the URL for `http`. Null for the adapter's default. */
  readonly command: string | null;
  readonly model: string | null;
  readonly role: string | null;
  readonly args: readonly string[];
  readonly permission: Permission;
  /** How to start and read a CLI that has no adapter of its own. Used with `plain`. */
  readonly mapping: Mapping | null;
};

/** Returns whether the agent's permission has an effect. It has none on a plain command or on an agent behind HTTP. */
export function isRestrained({ adapter, mapping }: Pick<AgentProfile, 'adapter' | 'mapping'>): boolean {
  return adapter !== 'http' && (adapter !== 'plain' || mapping !== null);
}

export type AgentSettings = Omit<AgentProfile, 'id' | 'name'> & {
  /** The name of the mapping when it is one of clip's presets. */
  readonly preset: string | null;
  readonly cwd: string | null;
  readonly envNames: readonly string[];
  /** A file of KEY=VALUE lines. It is read each time a run is admitted. */
  readonly envFile: string | null;
  readonly timeoutMs: number | null;
  readonly silenceMs: number | null;
  readonly graceMs: number | null;
  /** The number of this agent's runs that may run at a time. */
  readonly concurrency: number;
  /** A file that contains {{prompt}}. It is read each time a run is admitted. */
  readonly promptTemplate: string | null;
  readonly leftovers: 'stop' | 'leave' | null;
  /** Whether the agent's runs may share a worktree with other runs. */
  readonly sharesWorktree: boolean;
  /** The interval of the agent's timer. Null for no timer. */
  readonly everyMs: number | null;
  readonly quietHours: QuietHours | null;
  /** The prompt of a timer wake. Without it, the timer only wakes the agent for pending tasks. */
  readonly timerPrompt: string | null;
  /** The budget of each of its runs, in place of the global one. */
  readonly budgetRun: Budget | null;
  /** The budget of all its runs of one day together. */
  readonly budgetDay: Budget | null;
};

/**
 * Returns the owner of an agent's sessions. All agents of one known CLI share its sessions. Session ids of other CLIs
 * and of agents behind HTTP are valid only for the agent itself.
 */
export function sessionOwner({ adapter, id }: AgentProfile): string {
  return adapter === 'plain' || adapter === 'http' ? id : adapter;
}

export type Agent = {
  readonly id: string;
  readonly name: string;
  readonly settings: AgentSettings;
  /** Paused by a person. A reached budget does not set this, and such an agent resumes by itself. */
  readonly paused: boolean;
  readonly createdAt: number;
};

/**
 * An agent CLI described by data: how to start it, and what the fields of its JSON lines mean. Paths are dotted
 * (`message.content`, `choices.0.text`). docs/agents/presets-and-mappings.md has a worked example.
 */
export type Mapping = {
  /** The program, for agents that name none. */
  readonly command: string;
  /**
   * How the prompt is passed. With `file`, {{promptFile}} among the arguments is the path of the file. The prompt is
   * never an argument itself.
   */
  readonly prompt: 'stdin' | 'file';
  /**
   * The first arguments. The command line is: command, `start` or `resume`, permission, model, and the user's own
   * arguments.
   */
  readonly start: CommandPart;
  /** Replaces `start` to resume {{session}}. Null for a CLI that cannot resume. */
  readonly resume: CommandPart | null;
  /** The arguments that name the model. Left out when the agent names no {{model}}. */
  readonly model: CommandPart;
  readonly permission: Readonly<Record<Permission, CommandPart>>;
  /** Variables of the caller's environment that would confuse the CLI. */
  readonly removeEnv: readonly string[];
  readonly politeSignal: 'SIGINT' | null;
  /** Whether a run succeeds only with a result event. Some rule then has a `result`. */
  readonly needsResult: boolean;
  /** How lines that are not JSON are treated: as messages of the agent, or ignored. */
  readonly text: 'words' | 'ignored';
  /** Prefixes of lines that are not JSON and report an error. */
  readonly errorPrefixes: readonly string[];
  /** The error class of an exit code, for runs that nothing else explains. */
  readonly exitCodes: Readonly<Record<string, ErrorClass>>;
  /** The rules of the mapping. Every rule that matches a line is applied, in this order. */
  readonly rules: readonly MappingRule[];
};

export type CommandPart = {
  readonly args?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
};

/** The path of a value. With several paths, the first one that has a value counts. */
export type Field = string | readonly string[];

/**
 * What a value must be: this value, one of these, a text with this prefix, or present (not missing, null, false, 0 or
 * empty).
 */
export type Condition =
  | string
  | number
  | boolean
  | readonly string[]
  | { readonly startsWith: string }
  | { readonly present: boolean };
export type Conditions = Readonly<Record<string, Condition>>;

/** A rule of a mapping. When all conditions of `when` hold for a line, the fields below are read from it. */
export type MappingRule = {
  readonly when: Conditions;
  /** The path of a list in the line. The fields are read from each of its elements for which `where` holds. */
  readonly each?: string | undefined;
  readonly where?: Conditions | undefined;
  readonly session?:
    | {
        readonly id: Field;
        readonly model?: Field | undefined;
        readonly version?: Field | undefined;
        readonly permission?: Field | undefined;
      }
    | undefined;
  /** A message of the agent. With `delta`, it continues the previous message. */
  readonly message?: { readonly text: Field; readonly delta?: boolean | undefined } | undefined;
  /**
   * The start of a tool. Of two with one id, the first counts. `kind` holds for all; `kinds` is looked up by name. The
   * default is `other`.
   */
  readonly tool?:
    | {
        readonly id: Field;
        readonly name?: Field | undefined;
        readonly kind?: ToolKind | undefined;
        readonly kinds?: Readonly<Record<string, ToolKind>> | undefined;
        readonly command?: Field | undefined;
        readonly file?: Field | undefined;
      }
    | undefined;
  /**
   * The end of a tool. The first end of a tool counts. `failed` and `denied`: a field that is present, or true for
   * every match of the rule.
   */
  readonly toolEnd?:
    | {
        readonly id: Field;
        readonly exitCode?: Field | undefined;
        readonly failed?: Field | true | undefined;
        readonly denied?: Field | true | undefined;
      }
    | undefined;
  /**
   * Token counts. A list of fields is added up. Input includes cached input. `session`: totals of the whole session,
   * earlier runs included.
   */
  readonly tokens?:
    | {
        readonly input?: Field | undefined;
        readonly cached?: Field | undefined;
        readonly output?: Field | undefined;
        readonly model?: Field | undefined;
        readonly scope: Scope;
        /** The id of the model call, for counts with scope `call`. A call that is reported twice counts once. */
        readonly id?: Field | undefined;
      }
    | undefined;
  readonly cost?: { readonly usd: Field; readonly scope: Exclude<Scope, 'call'> } | undefined;
  /** An error. The end of the run decides whether the run failed. `status`: an HTTP status. */
  readonly error?: { readonly message: Field; readonly status?: Field | undefined } | undefined;
  readonly retrying?:
    | { readonly attempt?: Field | undefined; readonly of?: Field | undefined; readonly message?: Field | undefined }
    | undefined;
  /**
   * The agent's statement that it is done; the last one counts. `failed`: a field that is present in a failed result,
   * or true.
   */
  readonly result?:
    | {
        readonly failed?: Field | true | undefined;
        readonly message?: Field | undefined;
        readonly status?: Field | undefined;
      }
    | undefined;
};
