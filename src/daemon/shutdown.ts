/** Shutdown of the daemon: on request, or because its home has disappeared. Runs go on. */
import { closeSync, openSync } from 'node:fs';
import type { Store } from '#store/store.ts';
import type { DiskGuard } from './core/disk-guard.ts';
import { describe, type LogFunction } from './core/log.ts';
import type { Keepers } from './processes/keepers.ts';

/** The goodbye needs one turn of the event loop to reach the keepers. */
const goodbyeMs = 20;

export function createShutdown(deps: {
  store: Store;
  keepers: Pick<Keepers, 'goodbye' | 'settled'>;
  diskGuard: Pick<DiskGuard, 'isFull'>;
  /** Stops all timers and watchers. */
  close: () => void;
  closeApi: () => Promise<void>;
  /** Tells keepers that the daemon was stopped on purpose. */
  stoppedMark: string;
  log: LogFunction;
}) {
  const { store, log } = deps;
  let begun = false;

  /** Shuts down on request. The keepers are told not to start the daemon again. */
  async function shutdown(): Promise<void> {
    if (begun) return;
    begun = true;
    deps.close();
    try {
      await deps.keepers.settled();
      await deps.closeApi();
      store.writeMeta('unclean', '0');
      // A stopped (suspended) keeper does not read the goodbye, so the mark tells it.
      closeSync(openSync(deps.stoppedMark, 'w', 0o600));
    } catch (error) {
      log('error', 'shutdown failed', { error: describe(error) });
    } finally {
      leave(0);
    }
  }

  function leave(code: number): void {
    deps.keepers.goodbye();
    // Closing deletes the write-ahead log, and on a full disk the next daemon could not create another one.
    if (!deps.diskGuard.isFull()) store.close();
    log('info', 'daemon exits', { code });
    setTimeout(() => process.exit(code), goodbyeMs);
  }

  return { shutdown, leave };
}
