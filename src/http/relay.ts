/**
 * Relays a body into the log. Lines pass as they arrive. A JSON document of several lines is joined into one, because
 * the log is read by lines. A body is held only while it may still be such a document, and only up to 8 MiB. A larger
 * document passes unchanged.
 */
import { limits } from '#run/limits.ts';
import type { HttpLog } from './log.ts';
import { createDocumentCheck, type Verdict } from './response-document.ts';
import { createLines, objectIn, parsed, type Watch } from './response-lines.ts';

export type Relay = {
  readonly take: (chunk: Uint8Array) => void;
  /** Ends the body, or stops waiting for it. The held part goes to the log, complete or not. */
  readonly end: () => void;
  /** Returns the first line, if it was JSON. */
  readonly first: () => string | null;
};

/** Creates a relay. `known`: a first line that was already written, and is left out. */
export function createRelay(log: HttpLog, { known, ...watch }: Watch & { readonly known: string | null }): Relay {
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

  /** Passes the held bytes on, because they are not a document of several lines. */
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
      // A line break in a JSON document separates two of its tokens and is never inside a text.
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

/** Returns the end of the first line that is not empty. */
function endOfFirst(all: Buffer): number {
  const begin = all.findIndex((byte) => byte === 0x7b || byte === 0x5b);
  return all.indexOf(0x0a, begin) + 1;
}
