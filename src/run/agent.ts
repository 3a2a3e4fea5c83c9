/** An agent: a named way to run an agent CLI — adapter, settings, limits. */
import type { Budget } from './budget.ts';
import type { ErrorClass, Scope, ToolKind } from './reading.ts';
import type { QuietHours } from './timer.ts';

export const adapterNames = ['codex', 'claude', 'gemini', 'opencode', 'plain', 'http'] as const;
export type AdapterName = (typeof adapterNames)[number];

/**
 * How much an agent may do without asking; nobody is there to be asked, so what needs asking is refused.
 * `ask`: the CLI's own careful mode. `edit`: it may change files of its folder. `full`: everything.
 */
export const permissions = ['ask', 'edit', 'full'] as const;
export type Permission = (typeof permissions)[number];

/** Everything about an agent that a run of it needs; a run keeps its own copy. Values of variables are never in here. */
export type AgentProfile = {
  readonly id: string;
  readonly name: string;
  readonly adapter: AdapterName;
  /** The program (or, for `http`, the URL); null for the adapter's own. */
  readonly command: string | null;
  readonly model: string | null;
  readonly role: string | null;
  readonly args: readonly string[];
  readonly permission: Permission;
  /** How to start and read a CLI that has no adapter of its own; for `plain`. */
  readonly mapping: Mapping | null;
};

/** Whether its permission means anything: a plain command and an agent behind HTTP do what they do. */
export function isRestrained({ adapter, mapping }: Pick<AgentProfile, 'adapter' | 'mapping'>): boolean {
  return adapter !== 'http' && (adapter !== 'plain' || mapping !== null);
}

export type AgentSettings = Omit<AgentProfile, 'id' | 'name'> & {
  /** The name of the mapping, when it is one that clip brings along. */
  readonly preset: string | null;
  readonly cwd: string | null;
  readonly envNames: readonly string[];
  /** A file of KEY=VALUE lines, read whenever a run is admitted. */
  readonly envFile: string | null;
  readonly timeoutMs: number | null;
  readonly silenceMs: number | null;
  readonly graceMs: number | null;
  /** Runs of this agent at a time. */
  readonly concurrency: number;
  /** A file with {{prompt}} in it, read whenever a run is admitted. */
  readonly promptTemplate: string | null;
  readonly leftovers: 'stop' | 'leave' | null;
  /** Its runs may share a worktree with others. */
  readonly sharesWorktree: boolean;
  /** How often it is woken by itself; null for never. */
  readonly everyMs: number | null;
  readonly quietHours: QuietHours | null;
  /** What it is asked then; without it, a timer only wakes it for what waits for it. */
  readonly timerPrompt: string | null;
  /** What each of its runs may use, in the place of the one for all. */
  readonly budgetRun: Budget | null;
  /** What its runs may use in a day together. */
  readonly budgetDay: Budget | null;
};

/**
 * Whose sessions an agent's are. All agents of one known CLI share its sessions; ids of other CLIs and of
 * agents behind HTTP mean something only to the agent itself.
 */
export function sessionOwner({ adapter, id }: AgentProfile): string {
  return adapter === 'plain' || adapter === 'http' ? id : adapter;
}

export type Agent = {
  readonly id: string;
  readonly name: string;
  readonly settings: AgentSettings;
  /** By a person. What its budget stops is not paused: it goes on by itself. */
  readonly paused: boolean;
  readonly createdAt: number;
};

/**
 * An agent CLI described by data: how to start it, and which fields of its JSON lines mean what. Paths
 * are dotted (`message.content`, `choices.0.text`). docs/agents.md has a worked example.
 */
export type Mapping = {
  /** The program, for agents that name none. */
  readonly command: string;
  /** How the prompt reaches it; with `file`, {{promptFile}} among the arguments is the file's path. It is never an argument itself. */
  readonly prompt: 'stdin' | 'file';
  /** The command line is: command, `start` or `resume`, permission, model, and the user's own arguments. */
  readonly start: CommandPart;
  /** In the place of `start`, to go on with {{session}}; null for a CLI that cannot. */
  readonly resume: CommandPart | null;
  /** Left out when the agent names no {{model}}. */
  readonly model: CommandPart;
  readonly permission: Readonly<Record<Permission, CommandPart>>;
  /** Variables of the caller that would confuse it. */
  readonly removeEnv: readonly string[];
  readonly politeSignal: 'SIGINT' | null;
  /** It ends well only when it says so: some rule has a `result`. */
  readonly needsResult: boolean;
  /** Lines that are no JSON: its words, or of no interest. */
  readonly text: 'words' | 'ignored';
  /** Lines that are no JSON and begin like this are errors. */
  readonly errorPrefixes: readonly string[];
  /** What an exit code alone means. */
  readonly exitCodes: Readonly<Record<string, ErrorClass>>;
  /** All rules that fit a line are read, in their order. */
  readonly rules: readonly MappingRule[];
};

export type CommandPart = { readonly args?: readonly string[] | undefined; readonly env?: Readonly<Record<string, string>> | undefined };

/** Where a value is; of several places the first that has one. */
export type Field = string | readonly string[];

/** What a value must be: this, one of these, a text that begins so, or there at all (not missing, null, false, 0 or empty). */
export type Condition = string | number | boolean | readonly string[] | { readonly startsWith: string } | { readonly present: boolean };
export type Conditions = Readonly<Record<string, Condition>>;

/** When all of `when` holds for a line, what stands below is read from it. */
export type MappingRule = {
  readonly when: Conditions;
  /** A list in the line: the rest is read from each of its elements for which `where` holds. */
  readonly each?: string | undefined;
  readonly where?: Conditions | undefined;
  readonly session?:
    | { readonly id: Field; readonly model?: Field | undefined; readonly version?: Field | undefined; readonly permission?: Field | undefined }
    | undefined;
  /** Its words; with `delta`, a continuation of the words before. */
  readonly message?: { readonly text: Field; readonly delta?: boolean | undefined } | undefined;
  /** Begins; of two with one id the first counts. `kind` is the same for all, `kinds` goes by the name; without either it is `other`. */
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
  /** Ends; the first end of a tool counts. `failed` and `denied`: a field that is there, or true for all that the rule fits. */
  readonly toolEnd?:
    | { readonly id: Field; readonly exitCode?: Field | undefined; readonly failed?: Field | true | undefined; readonly denied?: Field | true | undefined }
    | undefined;
  /** Lists of fields are added up here: input counts cached input too. `session`: totals of the whole session, earlier runs included. */
  readonly tokens?:
    | {
        readonly input?: Field | undefined;
        readonly cached?: Field | undefined;
        readonly output?: Field | undefined;
        readonly model?: Field | undefined;
        readonly scope: Scope;
      }
    | undefined;
  readonly cost?: { readonly usd: Field; readonly scope: Scope } | undefined;
  /** Something went wrong; the end decides whether the run did. `status`: an HTTP status. */
  readonly error?: { readonly message: Field; readonly status?: Field | undefined } | undefined;
  readonly retrying?: { readonly attempt?: Field | undefined; readonly of?: Field | undefined; readonly message?: Field | undefined } | undefined;
  /** It says that it is done; the last one counts. `failed`: a field that is there in a bad one, or true. */
  readonly result?: { readonly failed?: Field | true | undefined; readonly message?: Field | undefined; readonly status?: Field | undefined } | undefined;
};
