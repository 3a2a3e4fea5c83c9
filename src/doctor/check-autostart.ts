/** Checks whether the unit that starts the daemon at login still works. */
import { bootStatus } from '#launch/autostart.ts';
import { type Check, ok } from './check.ts';

/** Checks whether the daemon is started at login, by a unit whose programs exist. */
export async function checkBoot(env: NodeJS.ProcessEnv): Promise<Check> {
  const status = await bootStatus(env);
  if (status === null || !status.installed)
    return { name: 'boot', state: 'absent', says: 'the daemon is not started at login (clip boot enable)', todo: null };
  const { unit, missing, enabled, node } = status;
  if (missing !== null)
    return {
      name: 'boot',
      state: 'broken',
      says: `${unit} names ${missing}, which is not there`,
      todo: 'Write it again: clip boot enable',
    };
  if (enabled === false)
    return {
      name: 'boot',
      state: 'warning',
      says: `${unit} is there, but not enabled`,
      todo: 'clip boot enable, or clip boot disable',
    };
  return ok('boot', `${unit}, ${node}`);
}
