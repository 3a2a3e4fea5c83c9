/** How the daemon leaves: on purpose, or because its home has gone. Its runs go on. */
import type { Store } from '../store/store.ts';
import type { Keepers } from './keepers.ts';
import { describe, type Log } from './log.ts';
import type { Room } from './room.ts';

/** The goodbye needs one turn of the loop to reach the keepers. */
const goodbyeMs = 20;

export function createLeaving(world: {
  store: Store;
  keepers: Pick<Keepers, 'goodbye' | 'settled'>;
  room: Pick<Room, 'isFull'>;
  /** Everything that would go on by itself. */
  close: () => void;
  closeApi: () => Promise<void>;
  log: Log;
}) {
  const { store, log } = world;
  let begun = false;

  /** On purpose: the keepers know that nobody should start us again. */
  async function shutdown(): Promise<void> {
    if (begun) return;
    begun = true;
    world.close();
    try {
      await world.keepers.settled();
      await world.closeApi();
      store.writeMeta('unclean', '0');
    } catch (error) {
      log('error', 'the daemon could not leave cleanly', { error: describe(error) });
    } finally {
      leave(0);
    }
  }

  function leave(code: number): void {
    world.keepers.goodbye();
    // Closed, the log of changes would be deleted, and on a full disk the next daemon could not make another.
    if (!world.room.isFull()) store.close();
    log('info', 'the daemon leaves', { code });
    setTimeout(() => process.exit(code), goodbyeMs);
  }

  return { shutdown, leave };
}
