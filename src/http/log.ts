/** The run's log: what an agent answers goes there as it comes, and our own words on lines of their own. */
import { once } from 'node:events';
import type { Writable } from 'node:stream';

export type Log = {
  /** In the order of the calls. Whoever writes much waits for room: the rest of a body stays with its sender until then. */
  readonly write: (bytes: Uint8Array | string) => void;
  /** A line of its own, also after a last line without its end. */
  readonly line: (text: string) => void;
  readonly room: () => Promise<void>;
  /** Bytes so far. */
  readonly size: () => number;
};

export function createLog(out: Writable): Log {
  let size = 0;
  let atStart = true;

  function write(bytes: Uint8Array | string): void {
    if (bytes.length === 0) return;
    size += bytes.length;
    atStart = bytes.at(-1) === (typeof bytes === 'string' ? '\n' : 0x0a);
    out.write(bytes);
  }

  async function room(): Promise<void> {
    if (out.writableNeedDrain) await once(out, 'drain');
  }

  return { write, line: (text) => write(`${atStart ? '' : '\n'}${text}\n`), room, size: () => size };
}
