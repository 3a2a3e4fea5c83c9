/** An agent: a named way to run an agent CLI — adapter, settings, limits. */

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

export type AgentSettings = Omit<AgentProfile, 'id' | 'name'> & {
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
};

export type Agent = {
  readonly id: string;
  readonly name: string;
  readonly settings: AgentSettings;
  readonly paused: boolean;
  readonly createdAt: number;
};

/**
 * An agent CLI described by data: how to start it, and which fields of its JSON lines mean what.
 * Paths are dotted (`message.content`). docs/agents.md has a worked example.
 */
export type Mapping = {
  /** Arguments, before the user's own. */
  readonly args: readonly string[];
  /** How the prompt reaches it; `file` and `argument` put it in the place of {{prompt}} among the arguments. */
  readonly prompt: 'stdin' | 'file';
  readonly model: readonly string[];
  readonly resume: readonly string[];
  readonly permission: Readonly<Record<Permission, readonly string[]>>;
  readonly politeSignal: 'SIGINT' | null;
  /** Ends well only with a result. */
  readonly needsResult: boolean;
  readonly rules: readonly MappingRule[];
};

/** When all of `when` holds for a line (or for each element of `each`), the fields below are read. */
export type MappingRule = {
  readonly when: Readonly<Record<string, string | number | boolean>>;
  /** A list in the line: the rest is read from each of its elements that fits `where`. */
  readonly each?: string | undefined;
  readonly where?: Readonly<Record<string, string | number | boolean>> | undefined;
  readonly session?: string | undefined;
  readonly model?: string | undefined;
  readonly message?: string | undefined;
  readonly delta?: boolean | undefined;
  readonly tool?:
    | {
        readonly id: string;
        readonly name: string;
        readonly command?: string | undefined;
        readonly file?: string | undefined;
        readonly writes?: readonly string[] | undefined;
        readonly runs?: readonly string[] | undefined;
      }
    | undefined;
  readonly toolEnd?: { readonly id: string; readonly failed?: string | undefined; readonly exitCode?: string | undefined } | undefined;
  readonly tokens?:
    | { readonly input?: string | undefined; readonly cached?: string | undefined; readonly output?: string | undefined; readonly scope: 'part' | 'session' }
    | undefined;
  readonly cost?: { readonly usd: string; readonly scope: 'part' | 'session' } | undefined;
  readonly error?: { readonly message: string; readonly status?: string | undefined } | undefined;
  readonly retrying?: { readonly attempt: string; readonly of?: string | undefined; readonly message?: string | undefined } | undefined;
  /** `failed`: a field that is true (or not empty) in a bad result; `text`: where its words are. */
  readonly result?: { readonly failed?: string | undefined; readonly text?: string | undefined } | undefined;
};
