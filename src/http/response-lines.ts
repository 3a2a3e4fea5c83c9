/**
 * Relays the lines of a body into the log. Text passes as it arrives. A line that begins like an object is held until
 * it is complete, because its content decides which line comes before it. A line above 8 MiB passes unread, because no
 * other reader will parse it.
 */
import { limits } from '#run/limits.ts';
import type { HttpLog } from './log.ts';

export type Json = Readonly<Record<string, unknown>>;
export type Watch = {
  /** Called for each JSON object on a line, before it is written. */
  readonly onObject: (object: Json) => void;
  /** Returns a line of clip's own that must precede the next one, or null. */
  readonly lineBefore: () => string | null;
};

const lineBreak = 0x0a;
const isSpace = (byte: number) => byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === lineBreak;

export function createLines(log: HttpLog, { onObject, lineBefore }: Watch) {
  let line: 'begin' | 'object' | 'other' = 'begin';
  let held: Uint8Array[] = [];
  let bytes = 0;
  /** Lines that are written together once a chunk is processed. */
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
    // The bytes are copied, because the memory of the chunk may be reused.
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

/** Parses JSON. Returns undefined for any other text. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
