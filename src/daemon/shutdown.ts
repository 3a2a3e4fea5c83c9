/** Shutdown of the daemon: on request, or because its home has disappeared. Runs go on. */
import { closeSync, openSync } from 'node:fs';
import { stoppedMark } from '#launch/launch.ts';
import type { Core } from './core/core.ts';
import { describe } from './core/log.ts';
import type { Keepers } from './processes/keepers.ts';

/** The goodbye needs one turn of the event loop to reach the keepers. */
const goodbyeMs = 20;

type Closeable = { readonly close: () => unknown };

export class Shutdown {
  readonly #core: Core;
  readonly #keepers: Pick<Keepers, 'goodbye'>;
  readonly #ready = Promise.withResolvers<readonly Closeable[]>();
  #begun = false;

  constructor(core: Core, keepers: Pick<Keepers, 'goodbye'>) {
    this.#core = core;
    this.#keepers = keepers;
  }

  /** Marks the startup as complete. A shutdown closes these in reverse order. */
  arm(parts: readonly Closeable[]): void {
    this.#ready.resolve(parts.toReversed());
  }

  /**
   * Shuts down on request. A request that arrives during startup is deferred until startup is complete. The keepers
   * are told not to start the daemon again.
   */
  readonly request = async (): Promise<void> => {
    if (this.#begun) return;
    this.#begun = true;
    const { store, home, log } = this.#core;
    try {
      const parts = await this.#ready.promise;
      for (const part of parts) await part.close();
      // A stopped (suspended) keeper does not read the goodbye, so the mark tells it.
      closeSync(openSync(stoppedMark(home.folder), 'w', 0o600));
      store.transaction((tx) => store.writeMeta(tx, 'unclean', '0'));
    } catch (error) {
      log('error', 'shutdown failed', { error: describe(error) });
    } finally {
      this.exit(0);
    }
  };

  /** Ends the process with this exit code, as soon as the goodbye has reached the keepers. */
  exit(code: number): void {
    const { store, diskGuard, logOf, options } = this.#core;
    this.#keepers.goodbye();
    setTimeout(() => {
      logOf('shutdown')('info', 'daemon exits', { code });
      // Closing deletes the write-ahead log, and on a full disk the next daemon could not create another one.
      if (!diskGuard.isFull()) store.close();
      options.process.exit(code);
    }, goodbyeMs);
  }
}
