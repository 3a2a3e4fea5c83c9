/**
 * A body on its way into the log. Lines pass as they come. One JSON document over many lines is put on
 * one, for the log is read by lines. A body is held only as long as it may still be such a document, and
 * never more than 8 MiB of it: a document that is larger passes as it is.
 */
import { limits } from '../run/limits.ts';
import { createDocumentCheck, type Verdict } from './document.ts';
import { createLines, objectIn, parsed, type Watch } from './lines.ts';
import type { Log } from './log.ts';

export type Relay = {
  readonly take: (chunk: Uint8Array) => void;
  /** No more comes, or nobody waits for it: what is held goes to the log, whole or not. */
  readonly end: () => void;
  /** The first line, if it was JSON. */
  readonly first: () => string | null;
};

/** `known`: a first line that was written before already, and is left out. */
export function createRelay(log: Log, { known, ...watch }: Watch & { readonly known: string | null }): Relay {
  const check = createDocumentCheck();
  const lines = createLines(log, watch);
  let held: Uint8Array[] | null = [];
  let bytes = 0;
  let first: string | null = null;

  function take(chunk: Uint8Array): void {
    if (held === null) {
      lines.take(chunk);
      return;
    }
    held.push(Buffer.from(chunk));
    bytes += chunk.length;
    const verdict = check(chunk);
    if (verdict !== 'open' || bytes > limits.streamLineBytesMax) release(Buffer.concat(held), verdict);
  }

  /** It is no document over many lines. */
  function release(all: Buffer, verdict: Verdict): void {
    held = null;
    const end = verdict === 'line' ? endOfFirst(all) : 0;
    const line = all.subarray(0, end).toString().trim();
    if (parsed(line) !== undefined) first = line;
    if (first === null || first !== known) lines.take(all);
    else {
      see(line);
      lines.take(all.subarray(end));
    }
  }

  function end(): void {
    if (held !== null) {
      const all = Buffer.concat(held);
      held = null;
      const text = all.toString();
      if (parsed(text) === undefined) lines.take(all);
      // A line break within a JSON document stands between two of its parts, never in a text.
      else document(text.trim().replace(/\s*[\r\n]\s*/g, ' '));
    }
    lines.end();
  }

  function document(line: string): void {
    first = line;
    see(line);
    if (line === known) return;
    const before = watch.lineBefore();
    if (before !== null) log.line(before);
    log.line(line);
  }

  function see(line: string): void {
    const object = objectIn(line);
    if (object !== null) watch.onObject(object);
  }

  return { take, end, first: () => first };
}

/** Behind the first line that is not empty. */
function endOfFirst(all: Buffer): number {
  const begin = all.findIndex((byte) => byte === 0x7b || byte === 0x5b);
  return all.indexOf(0x0a, begin) + 1;
}
