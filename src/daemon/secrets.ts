/** Values that nobody may read in what clip writes down; and the environment of runs that nobody's shell has started. */

import { roleVariable, runVariables } from '../launch/launch.ts';
import { readEnvironment } from '../process/new-folder.ts';
import { isSecretName } from '../run/secret.ts';
import type { Store } from '../store/store.ts';
import type { Agents } from './agents.ts';

type Environment = Readonly<Record<string, string>>;

/** Shorter values would hide ordinary words as well. */
const lengthMin = 8;

export function createSecrets(world: { agents: Agents; store: Store; environment: Environment }) {
  /** Of this agent's variables, of the daemon's own, and of a run that was started from somebody's shell. */
  return (agentId: string | null, folder: string | null = null): readonly string[] => {
    const agent = agentId === null ? null : world.store.agents.byId(agentId);
    let own: Environment = {};
    try {
      own = agent === null ? {} : world.agents.environmentOf(agent);
    } catch {
      // A file that cannot be read now was not read by the run either.
    }
    const given = folder === null ? {} : readEnvironment(folder);
    const all = [world.environment, own, given].flatMap((each) => Object.entries(each));
    return [...new Set(all.flatMap(([name, value]) => (value.length >= lengthMin && isSecretName(name) && !value.startsWith('/') ? [value] : [])))];
  };
}

/** The daemon's own environment, without what belongs to one run or to the daemon itself. */
export function environmentOfRuns(env: NodeJS.ProcessEnv): Environment {
  const ours = new Set([...runVariables, roleVariable, 'CLIP_HOME', 'CLIP_FAILPOINT', 'CLIP_NO_SPAWN']);
  return Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value === undefined || ours.has(name) ? [] : [[name, value]])));
}
