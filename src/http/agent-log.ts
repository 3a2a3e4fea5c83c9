/** Writes the log of the run: the agent's response as it arrives, and clip's own messages on lines of their own. */
import { once } from 'node:events';
import type { Writable } from 'node:stream';

export type HttpLog = {
  /**
   * Writes in the order of the calls. A caller with much data waits for `room`, so the rest of a body stays with its
   * sender.
   */
  readonly write: (bytes: Uint8Array | string) => void;
  /** Writes a line of its own, also after an unfinished line. */
  readonly line: (text: string) => void;
  readonly room: () => Promise<void>;
  /** Returns the bytes written so far. */
  readonly size: () => number;
};

/** Creates the log that is written to a stream. */
export function createLog(out: Writable): HttpLog {
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
