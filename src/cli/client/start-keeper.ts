/**
 * Starts a keeper from this command. Runs have the nice value and the limits of their submitter. A keeper that was
 * started by a shell with stricter ones cannot give them, but a keeper of this command inherits them.
 */
import type { Home } from '#config/home.ts';
import { submitterVariable } from '#launch/submitter.ts';
import type { KeeperWantedAnswer } from '#protocol/answers.ts';
import type { Client } from './client.ts';

/** Starts the keeper that the daemon waits for on `socketName`, for some seconds. Does nothing when none is wanted. */
export async function startKeeperIfWanted(home: Home, socketName: string | null | undefined): Promise<void> {
  // The name comes from the daemon and becomes part of a path, so it is validated.
  if (socketName == null || !/^keeper-[0-9a-f]{8}\.sock$/.test(socketName)) return;
  const umask = process.umask(0o077);
  process.umask(umask);
  // Few commands start a keeper.
  const { launchKeeper } = await import('#launch/launch.ts');
  try {
    launchKeeper(home.folder, socketName, { umask, scope: true });
  } catch {
    // Without it, the runs get what the existing keeper can give. Their history lists what is lacking.
  }
}

/** Asks whether a keeper is wanted, before the first of many runs is sent. */
export async function askForKeeper(
  client: Client,
  home: Home,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const { keeper } = await client.call<KeeperWantedAnswer>('POST', '/v1/keepers', {
    submitter: environment[submitterVariable] ?? '',
  });
  await startKeeperIfWanted(home, keeper);
}
