import { ownTraits, submitterVariable } from '#launch/submitter.ts';

/** Returns the environment of this command, together with its nice value, umask and limits. */
export function collectEnvironment(env: NodeJS.ProcessEnv, own: Record<string, string> = {}): Record<string, string> {
  const all: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined && name !== '') all[name] = value;
  return { ...all, ...own, [submitterVariable]: JSON.stringify(ownTraits()) };
}
