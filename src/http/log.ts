/** The run's log: what an agent answers goes there as it comes, and our own words on lines of their own. */
import { once } from 'node:events';
import type { Writable } from 'node:stream';

export type Log = {
  readonly write: (bytes: Uint8Array | string) => Promise<void>;
  /** A line of its own, also after a last line without its end. */
  readonly line: (text: string) => Promise<void>;
  /** Bytes so far. */
  readonly size: () => number;
};

export function createLog(out: Writable): Log {
  let size = 0;
  let atStart = true;
  async function write(bytes: Uint8Array | string): Promise<void> {
    if (bytes.length === 0) return;
    size += bytes.length;
    atStart = bytes.at(-1) === (typeof bytes === 'string' ? '\n' : 0x0a);
    // Whoever writes waits: the rest of the body stays with its sender until there is room.
    if (!out.write(bytes)) await once(out, 'drain');
  }
  return { write, line: (text) => write(`${atStart ? '' : '\n'}${text}\n`), size: () => size };
}
