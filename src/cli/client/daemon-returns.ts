/** Whether a daemon that does not answer will be back soon: its keeper restarts it when it has vanished. */
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Home } from '#config/home.ts';

/** The keeper waits one second before its first attempt, and a daemon takes less than one to listen. */
const comeBackMs = 3_000;
const lookMs = 50;

/**
 * Waits for a daemon that was killed while its keeper lives. Returns false at once when there is no keeper. Returns
 * false after a while when the keeper does not restart the daemon, as after a deliberate stop.
 */
export async function comesBack(home: Home): Promise<boolean> {
  const keepers = keeperSockets(home);
  if (keepers.length === 0) return false;
  const alive = await Promise.all(keepers.map(accepts));
  if (!alive.includes(true)) return false;
  for (const until = Date.now() + comeBackMs; Date.now() < until; ) {
    if (await accepts(home.socket)) return true;
    await sleep(lookMs);
  }
  return false;
}

function keeperSockets({ folder }: Home): string[] {
  try {
    return readdirSync(folder).flatMap((name) => (/^keeper-.*\.sock$/.test(name) ? [join(folder, name)] : []));
  } catch {
    return [];
  }
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
