/**
 * The environment of a run, derived from that of its submitter.
 *
 * A run outlives the shell, hook, script or agent that submitted it, and often works in another folder. Variables that
 * name the submitter's own folder, repository, session or open file descriptors would be wrong in it. The rules below
 * list them; docs/configuration.md shows the same list.
 */

export type Environment = Readonly<Record<string, string>>;

export type EnvironmentRule = {
  /** What the variables name, as the documentation puts it. */
  readonly topic: string;
  /** Names; a final `*` stands for any rest. */
  readonly names: readonly string[];
  /** The rule holds only where one of these variables is set and not empty. */
  readonly onlyWith?: readonly string[];
  /** The rule holds only for a value that contains this text. */
  readonly containing?: string;
  /** The rule holds only for runs of agents. */
  readonly agentsOnly?: true;
};

/**
 * Variables that do not go along with a run. The names of agent CLIs were read off their shell tools: claude 2.1.330,
 * codex 0.169.0, gemini 0.61.0, opencode 1.18.33, qwen 0.24.4, copilot 1.0.102. The names of git are those of
 * `git rev-parse --local-env-vars` and of githooks(5); those of systemd are from systemd.exec(5).
 */
export const environmentRules: readonly EnvironmentRule[] = [
  { topic: "the submitter's folder", names: ['PWD', 'OLDPWD', 'INIT_CWD', '_'] },
  {
    topic: 'the repository of a git hook or git command',
    names: [
      'GIT_DIR',
      'GIT_WORK_TREE',
      'GIT_IMPLICIT_WORK_TREE',
      'GIT_INTERNAL_SUPER_PREFIX',
      'GIT_INDEX_FILE',
      'GIT_PREFIX',
      'GIT_COMMON_DIR',
      'GIT_OBJECT_DIRECTORY',
      'GIT_ALTERNATE_OBJECT_DIRECTORIES',
      'GIT_QUARANTINE_PATH',
      'GIT_GRAFT_FILE',
      'GIT_SHALLOW_FILE',
      'GIT_NAMESPACE',
      'GIT_NO_REPLACE_OBJECTS',
      'GIT_REPLACE_REF_BASE',
      'GIT_CONFIG',
      'GIT_CONFIG_PARAMETERS',
      'GIT_REFLOG_ACTION',
      'GIT_PUSH_OPTION_*',
    ],
  },
  {
    topic: 'the commit that a git hook belongs to',
    names: ['GIT_EDITOR', 'GIT_AUTHOR_DATE', 'GIT_COMMITTER_DATE'],
    onlyWith: ['GIT_DIR', 'GIT_INDEX_FILE', 'GIT_REFLOG_ACTION'],
  },
  {
    topic: 'the author of a commit that git repeats (rebase, cherry-pick, am)',
    names: ['GIT_AUTHOR_NAME', 'GIT_AUTHOR_EMAIL'],
    onlyWith: ['GIT_REFLOG_ACTION'],
  },
  {
    topic: 'the package of an npm, yarn or pnpm script',
    names: [
      'npm_lifecycle_*',
      'npm_package_*',
      'npm_command',
      'npm_execpath',
      'npm_node_execpath',
      'npm_config_local_prefix',
      'PROJECT_CWD',
      'BERRY_BIN_FOLDER',
      'PNPM_SCRIPT_SRC_DIR',
    ],
  },
  {
    topic: 'the systemd service of the submitter',
    names: [
      'NOTIFY_SOCKET',
      'LISTEN_PID',
      'LISTEN_FDS',
      'LISTEN_FDNAMES',
      'WATCHDOG_PID',
      'WATCHDOG_USEC',
      'MAINPID',
      'MANAGERPID',
      'INVOCATION_ID',
      'JOURNAL_STREAM',
      'SYSTEMD_EXEC_PID',
      'MEMORY_PRESSURE_WATCH',
      'MEMORY_PRESSURE_WRITE',
    ],
  },
  {
    topic: 'file descriptors that a run does not inherit',
    names: ['NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE', 'NODE_UNIQUE_ID'],
  },
  {
    topic: 'the job server of a make that calls clip',
    names: ['MAKEFLAGS', 'MFLAGS', 'CARGO_MAKEFLAGS'],
    containing: 'jobserver',
  },
  { topic: "the submitter's terminal", names: ['GPG_TTY', 'SSH_TTY', 'WINDOWID'] },
  {
    topic: "the submitter's terminal multiplexer",
    names: ['TMUX', 'TMUX_PANE', 'STY', 'ZELLIJ', 'ZELLIJ_*'],
    agentsOnly: true,
  },
  {
    topic: 'an outer Claude Code',
    names: [
      'CLAUDECODE',
      'CLAUDE_CODE_CHILD_NOTES_DIR',
      'CLAUDE_CODE_CHILD_SESSION',
      'CLAUDE_CODE_ENTRYPOINT',
      'CLAUDE_CODE_EXECPATH',
      'CLAUDE_CODE_MESSAGING_SOCKET',
      'CLAUDE_CODE_MESSAGING_TOKEN',
      'CLAUDE_CODE_SESSION_ATTENDED',
      'CLAUDE_CODE_SESSION_ID',
      'CLAUDE_CODE_SSE_PORT',
      'CLAUDE_EFFORT',
      'CLAUDE_ENV_FILE',
      'CLAUDE_PID',
      'CLAUDE_PROJECT_DIR',
    ],
  },
  { topic: 'an outer Claude Code', names: ['AI_AGENT', 'GIT_EDITOR'], onlyWith: ['CLAUDECODE'] },
  {
    topic: 'an outer codex',
    names: [
      'CODEX_CI',
      'CODEX_MANAGED_BY_NPM',
      'CODEX_MANAGED_PACKAGE_ROOT',
      'CODEX_SANDBOX',
      'CODEX_SANDBOX_NETWORK_DISABLED',
      'CODEX_SESSION_ID',
      'CODEX_THREAD_ID',
      'CODEX_TOOL_CALL_ID',
      'CODEX_VERSION',
    ],
  },
  {
    topic: 'an outer Gemini CLI',
    names: [
      'GEMINI_CLI',
      'GEMINI_CLI_NO_RELAUNCH',
      'GEMINI_CLI_TRUST_WORKSPACE',
      'GIT_CONFIG_GLOBAL',
      'GIT_CONFIG_SYSTEM',
      'GIT_CONFIG_NOSYSTEM',
    ],
    onlyWith: ['GEMINI_CLI'],
  },
  {
    topic: 'the git settings of an outer Gemini CLI or Copilot CLI',
    names: ['GIT_CONFIG_COUNT', 'GIT_CONFIG_KEY_*', 'GIT_CONFIG_VALUE_*'],
    onlyWith: ['GEMINI_CLI', 'COPILOT_CLI'],
  },
  {
    topic: 'an outer Copilot CLI',
    names: ['COPILOT_CLI', 'COPILOT_AGENT_SESSION_ID', 'COPILOT_CLI_BINARY_VERSION', 'COPILOT_CLI_RESOLVED_DIST_DIR'],
  },
  { topic: 'an outer opencode', names: ['AGENT', 'OPENCODE', 'OPENCODE_PID'], onlyWith: ['OPENCODE'] },
  { topic: 'an outer Qwen Code', names: ['QWEN_CODE', 'QWEN_CODE_*'], onlyWith: ['QWEN_CODE'] },
  { topic: 'an outer Cursor agent', names: ['CURSOR_AGENT', 'CURSOR_TRACE_ID'] },
];

/** The parts of a run's environment. Each part overrides the ones before it. */
export type EnvironmentParts = {
  /** The submitter's environment, or another that a run starts from. */
  readonly base: Environment;
  /** Variables of the agent's own settings. */
  readonly agent: Environment | null;
  /** Variables that were given for this very run. */
  readonly given: Environment;
  /** The run's work folder. */
  readonly cwd: string;
};

/**
 * Returns the environment of a run: the base without what `environmentRules` drop, with PWD set to the run's folder.
 */
export function buildRunEnvironment({ base, agent, given, cwd }: EnvironmentParts): Environment {
  const submitted = Object.fromEntries(Object.entries(base).filter(([name]) => !(name in given)));
  return { ...withoutCallersOwn(submitted, agent !== null), PWD: cwd, ...agent, ...given };
}

/** Returns the environment without the variables that describe its owner's own folder, repository or session. */
function withoutCallersOwn(env: Environment, forAgent: boolean): Environment {
  const kept = Object.entries(env).filter(([name, value]) => {
    const rules = exactRules.get(name) ?? prefixRules.find(([prefix]) => name.startsWith(prefix))?.[1];
    return !rules?.some((rule) => holds(rule, env, forAgent) && value.includes(rule.containing ?? ''));
  });
  return Object.fromEntries(kept);
}

function holds({ onlyWith, agentsOnly }: EnvironmentRule, env: Environment, forAgent: boolean): boolean {
  if (agentsOnly && !forAgent) return false;
  return onlyWith === undefined || onlyWith.some((name) => (env[name] ?? '') !== '');
}

/** The rules by name. Every run of a batch is checked, so a lookup must be cheap. */
const exactRules = new Map<string, EnvironmentRule[]>();
const prefixRules: [prefix: string, rules: EnvironmentRule[]][] = [];
for (const rule of environmentRules) {
  for (const name of rule.names) {
    if (name.endsWith('*')) prefixRules.push([name.slice(0, -1), [rule]]);
    else exactRules.set(name, [...(exactRules.get(name) ?? []), rule]);
  }
}
