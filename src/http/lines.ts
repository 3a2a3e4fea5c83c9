/**
 * The lines of a body on their way into the log. Text passes as it comes. A line that begins like an
 * object is held until it is whole, for what it says decides what stands before it; one of more than
 * 8 MiB passes unread, as nobody else will read it either.
 */
import { limits } from '../run/limits.ts';
import type { Log } from './log.ts';

export type Json = Readonly<Record<string, unknown>>;
export type Watch = {
  /** Called for each JSON object that stands on a line, before it is written. */
  readonly onObject: (object: Json) => void;
  /** A line of our own that must stand before what is written next. */
  readonly lineBefore: () => string | null;
};

const lineBreak = 0x0a;
const isSpace = (byte: number) => byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === lineBreak;

export function createLines(log: Log, { onObject, lineBefore }: Watch) {
  let line: 'begin' | 'object' | 'other' = 'begin';
  let held: Uint8Array[] = [];
  let bytes = 0;
  /** Written at once, when a chunk has been looked at: not each line by itself. */
  let ready: Uint8Array[] = [];

  function take(chunk: Uint8Array): void {
    for (let begin = 0; begin < chunk.length; ) {
      const at = chunk.indexOf(lineBreak, begin);
      const next = at < 0 ? chunk.length : at + 1;
      add(chunk.subarray(begin, next));
      if (at >= 0) finish();
      begin = next;
    }
    flush();
  }

  function end(): void {
    finish();
    flush();
  }

  function add(piece: Uint8Array): void {
    if (line === 'other') {
      ready.push(piece);
      return;
    }
    // Copied: the memory of a chunk may be used again for the next one.
    held.push(Buffer.from(piece));
    bytes += piece.length;
    if (line === 'begin') {
      const first = piece.find((byte) => !isSpace(byte));
      if (first !== undefined) line = first === 0x7b ? 'object' : 'other';
    }
    if (bytes > limits.streamLineBytesMax) line = 'other';
    if (line === 'other') pass();
  }

  function finish(): void {
    if (line === 'object') {
      const object = objectIn(Buffer.concat(held).toString());
      if (object !== null) onObject(object);
      pass();
    }
    ready.push(...held);
    held = [];
    bytes = 0;
    line = 'begin';
  }

  function pass(): void {
    const before = lineBefore();
    if (before !== null) {
      flush();
      log.line(before);
    }
    ready.push(...held);
    held = [];
  }

  function flush(): void {
    if (ready.length > 0) log.write(Buffer.concat(ready));
    ready = [];
  }

  return { take, end };
}

export function objectIn(text: string): Json | null {
  const value = parsed(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

/** Undefined for what is no JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
