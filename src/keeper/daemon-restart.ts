import { existsSync } from 'node:fs';
import { launchDaemon, stoppedMark, withUmask } from '#launch/launch.ts';
import { complain } from './report-error.ts';

/** Waits between attempts to restart the daemon. After the last one, the next command of the user starts it. */
const waitsMs = [1_000, 2_000, 4_000, 8_000, 16_000];

type RestartDeps = {
  readonly home: string;
  /** The user's umask, which the daemon gets. */
  readonly umask: number;
  readonly isConnected: () => boolean;
  /** The daemon was stopped on purpose, so it is not restarted. */
  readonly onStopped: () => void;
  /** All attempts are made. */
  readonly onGivenUp: () => void;
};

/** Restarts a daemon that vanished, with growing waits, until one connects. */
export class DaemonRestart {
  readonly #deps: RestartDeps;
  #timer: NodeJS.Timeout | null = null;

  constructor(deps: RestartDeps) {
    this.#deps = deps;
  }

  get isPending(): boolean {
    return this.#timer !== null;
  }

  /** Arms the first attempt. */
  begin(): void {
    this.#arm(0);
  }

  /** Takes back the next attempt, because a daemon is connected. */
  cancel(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #arm(attempt: number): void {
    const wait = waitsMs[attempt];
    if (wait === undefined) {
      this.#timer = null;
      return this.#deps.onGivenUp();
    }
    this.#timer = setTimeout(() => this.#restart(attempt), wait);
  }

  #restart(attempt: number): void {
    const { home, umask, isConnected, onStopped } = this.#deps;
    if (isConnected()) return;
    // The goodbye may have been missed: the keeper was suspended, or the daemon left before it was greeted.
    if (existsSync(stoppedMark(home))) {
      this.#timer = null;
      return onStopped();
    }
    try {
      withUmask(umask, () => launchDaemon(home, null));
    } catch (error) {
      complain(new Error(`the daemon cannot be started: ${(error as Error).message}`));
    }
    // Without its home no daemon can start, and further attempts would only keep this process alive.
    this.#arm(existsSync(home) ? attempt + 1 : waitsMs.length);
  }
}
