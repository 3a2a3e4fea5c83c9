/** Collects secret values, which are redacted in everything that clip writes. */

import { heldVariables, roleVariable, runVariables } from '#launch/daemon-environment.ts';
import { readEnvironment } from '#process/run-folder-writer.ts';
import type { Environment } from '#run/run-environment.ts';
import { isSecretName } from '#run/secret.ts';
import type { Store } from '#store/store.ts';
import type { Agents } from './agent-registry.ts';

/** Shorter values would redact ordinary words. */
const lengthMin = 8;

export function createSecrets(deps: {
  agents: Agents;
  store: Store;
  /** The daemon's own environment. */
  environment: Environment;
  /** Secret values of the environments that are kept for automatic runs. */
  kept: () => readonly string[];
}) {
  /** Returns the secret values of this agent's variables, of the daemon, of kept environments, and of a run's submitter. */
  return (agentId: string | null, folder: string | null = null): readonly string[] => {
    const agent = agentId === null ? null : deps.store.agents.byId(agentId);
    let own: Environment = {};
    try {
      own = agent === null ? {} : deps.agents.environmentOf(agent);
    } catch {
      // If the file cannot be read now, the run could not read it either.
    }
    const given = folder === null ? {} : readEnvironment(folder);
    return [...new Set([...[deps.environment, own, given].flatMap(secretValuesIn), ...deps.kept()])];
  };
}

/** Returns the values of variables whose names say that they are secret. */
export function secretValuesIn(environment: Environment): string[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    value.length >= lengthMin && isSecretName(name) && !value.startsWith('/') ? [value] : [],
  );
}

/** Returns an environment without the variables that belong to one run or to the daemon. */
export function withoutOwnVariables(env: NodeJS.ProcessEnv): Environment {
  const ours = new Set([...runVariables, roleVariable, 'CLIP_HOME', 'CLIP_FAILPOINT', 'CLIP_NO_SPAWN']);
  return Object.fromEntries(
    Object.entries(heldVariables(env)).flatMap(([name, value]) =>
      value === undefined || ours.has(name) ? [] : [[name, value]],
    ),
  );
}
