/**
 * Checks once per second, while runs are alive, whether the daemon is heard from and whether this process was
 * suspended.
 */
import type { Deadline } from './deadline.ts';

const beatMs = 1_000;
/** A daemon pings every two seconds. After this time without a message it is suspended or hangs. */
const silentMs = 6_000;
/** A beat that is this late means that the keeper was suspended, and most likely its runs too. */
const sleptMs = 5_000;

/**
 * Returns a heartbeat over the deadlines of the live runs. It beats from the first call of `watch` while there are any.
 */
export function createHeartbeat({ deadlines }: { readonly deadlines: () => readonly Deadline[] }) {
  let timer: NodeJS.Timeout | null = null;
  let heardAt = 0;
  let pings = false;
  let dueAt = 0;
  let slept = 0;
  let wasSilent = false;

  function beat(): void {
    timer = null;
    const lateMs = performance.now() - dueAt;
    if (lateMs >= sleptMs) {
      slept += lateMs;
      // Messages of the daemon from that time are read after this turn of the event loop.
      heardAt = performance.now();
      for (const deadline of deadlines()) deadline.postpone(lateMs);
    }
    const silent = isSilent();
    if (silent && !wasSilent) for (const deadline of deadlines()) deadline.arm();
    wasSilent = silent;
    watch();
  }

  /** Arms the heartbeat while there are runs. */
  function watch(): void {
    if (timer !== null || deadlines().length === 0) return;
    dueAt = performance.now() + beatMs;
    timer = setTimeout(beat, beatMs);
  }

  /** Returns whether the daemon is silent. Always false for a daemon that does not ping. */
  function isSilent(): boolean {
    return pings && performance.now() - heardAt >= silentMs;
  }

  return {
    watch,
    isSilent,
    greeted(daemonPings: boolean): void {
      pings = daemonPings;
      heardAt = performance.now();
    },
    heard(): void {
      heardAt = performance.now();
    },
    sleptMs: () => Math.round(slept),
  };
}
