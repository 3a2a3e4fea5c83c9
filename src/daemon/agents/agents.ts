/** The agents of the home, with their variables and their secrets. */
import type { Run } from '#run/run.ts';
import { redact } from '#task/redact/redact.ts';
import type { Core } from '../core/core.ts';
import { Agents } from './agent-registry.ts';
import { KeptEnvironments } from './kept-environments.ts';
import { createRunTokens, type RunTokens } from './run-tokens.ts';
import { createSecrets, withoutOwnVariables } from './secrets.ts';

export type AgentServices = {
  readonly agents: Agents;
  readonly environments: KeptEnvironments;
  readonly tokens: RunTokens;
  /** The environment of the daemon, without variables of its own. */
  readonly environment: Readonly<Record<string, string>>;
  /** Returns values that must not be stored: of the variables of the daemon, of this agent, and of kept environments. */
  readonly secretsOf: (agentId: string | null) => readonly string[];
  /** Returns values that must not be stored of this run, including variables given for it alone. */
  readonly secretsOfRun: (run: Run) => readonly string[];
  /** Returns the text without secrets. */
  readonly redacted: (text: string, agentId: string | null) => string;
};

export function createAgentServices(core: Core): AgentServices {
  const { store, supervisor, home, config, now, folderOf } = core;
  const rulesChanged = () => core.events.emit('rules-changed');
  const agents = new Agents({ store, supervisor, folder: home.agents, now, rulesChanged });
  const environment = withoutOwnVariables(process.env);
  const environments = new KeptEnvironments({
    folder: home.environments,
    store,
    supervisor,
    changeFeed: core.changeFeed,
    daemon: environment,
    daemonOnly: config.task_environment === 'daemon',
    agents,
    folderOf,
    log: core.logOf('kept-environments'),
  });
  const secrets = createSecrets({ agents, store, environment, kept: () => environments.secretValues() });
  return {
    agents,
    environments,
    tokens: createRunTokens(store),
    environment,
    secretsOf: secrets,
    secretsOfRun: (run) => secrets(run.spec.agent?.id ?? null, folderOf(run)),
    redacted: (text, agentId) => redact(text, secrets(agentId)),
  };
}
