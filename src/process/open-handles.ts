/** Counts the open handles of this process, which must not grow over time. */
import { readdirSync } from 'node:fs';

export type Handles = {
  /** Files, sockets and pipes; null if unknown. */
  readonly openFiles: number | null;
  /** Timers that keep the process alive. */
  readonly timers: number;
};

/** Returns how many handles are open now. */
export function readHandles(): Handles {
  return {
    openFiles: countOpenFiles(),
    timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name === 'Immediate').length,
  };
}

function countOpenFiles(): number | null {
  try {
    // One entry is the folder that is being read.
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return null;
  }
}
