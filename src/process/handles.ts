/** What this process holds open: what must not grow, however long it lives. */
import { readdirSync } from 'node:fs';

export type Handles = {
  /** Files, sockets and pipes; null where the system does not tell. */
  readonly openFiles: number | null;
  /** Timers that keep the process alive. */
  readonly timers: number;
};

export function readHandles(): Handles {
  return { openFiles: countOpenFiles(), timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name === 'Immediate').length };
}

function countOpenFiles(): number | null {
  try {
    // One of them is the folder that is being read.
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return null;
  }
}
