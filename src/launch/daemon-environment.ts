/**
 * The environment of daemons and keepers: that of the shell that started them, without variables that would change
 * their behavior.
 */

import { submitterVariable } from './submitter.ts';

/** Set in the environment of daemons and keepers. Process scans look for the same name (run/run.ts). */
export const roleVariable = 'CLIP_ROLE';

/**
 * Variables that belong to one run. They must be removed before exec: /proc shows the environment that a process was
 * started with, even if it deletes variables later.
 */
export const runVariables: readonly string[] = [
  'CLIP_RUN_ID',
  'CLIP_RUN_TOKEN',
  'CLIP_BIN',
  'CLIP_TASK',
  'CLIP_CONTINUATION',
];

/**
 * Read by glibc when a process starts. With one arena for all threads, a daemon gives back twice as much memory after a
 * busy time. Its own children must not inherit it.
 */
export const arenaVariable = 'MALLOC_ARENA_MAX';

/** The prefix under which variables that Node or glibc would read are carried along. Both ignore the prefixed names. */
const heldPrefix = 'CLIP_HELD_';

/**
 * Returns whether Node or libuv reads this variable. NODE_OPTIONS may open a debugger on a TCP port or load a module
 * into the daemon, NODE_V8_COVERAGE writes files at its end, and UV_THREADPOOL_SIZE changes how many operations run in
 * parallel.
 */
function isOfNode(name: string): boolean {
  return name.startsWith('NODE_') || name.startsWith('UV_');
}

/**
 * Returns the environment for starting a daemon or a keeper. `heldVariables` restores the variables that Node must not
 * see.
 */
export function cleanEnvironment(from: NodeJS.ProcessEnv, role: 'daemon' | 'keeper'): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { [roleVariable]: role, [arenaVariable]: '1' };
  // A keeper that starts a daemon has the variable from here, not from the person.
  const isOwn = (name: string) =>
    name === roleVariable || (name === arenaVariable && from[roleVariable] !== undefined && from[name] === '1');
  for (const [name, value] of Object.entries(from)) {
    if (runVariables.includes(name) || isOwn(name) || name === submitterVariable) continue;
    environment[isOfNode(name) || name === arenaVariable ? `${heldPrefix}${name}` : name] = value;
  }
  return environment;
}

/** Returns the person's environment, with the held variables under their own names again. */
export function heldVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => {
      if (name === arenaVariable) return [];
      return [[name.startsWith(heldPrefix) ? name.slice(heldPrefix.length) : name, value]];
    }),
  );
}

/** Removes what Node reads from the environment of a run whose process is a program of clip. */
export function withoutNodeOptions(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  // Certificates of a proxy are for the connections of that very run.
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isOfNode(name) || name === 'NODE_EXTRA_CA_CERTS'));
}
