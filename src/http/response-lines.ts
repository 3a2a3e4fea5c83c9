/**
 * Relays the lines of a body into the log. Text passes as it arrives. A line that begins like an object is held until
 * it is complete, because its content decides which line comes before it. A line above 8 MiB passes unread, because no
 * other reader will parse it.
 */
import { limits } from '#run/limits.ts';
import type { HttpLog } from './agent-log.ts';

export type Json = Readonly<Record<string, unknown>>;
export type Watch = {
  /** Called for each JSON object on a line, before it is written. */
  readonly onObject: (object: Json) => void;
  /** Returns a line of clip's own that must precede the next one, or null. */
  readonly lineBefore: () => string | null;
};

const lineBreak = 0x0a;
const isSpace = (byte: number) => byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === lineBreak;

/** The relay of the lines of one body. */
export class LineRelay {
  readonly #log: HttpLog;
  readonly #watch: Watch;
  #line: 'begin' | 'object' | 'other' = 'begin';
  #held: Uint8Array[] = [];
  #bytes = 0;
  /** Lines that are written together once a chunk is processed. */
  #ready: Uint8Array[] = [];

  constructor(log: HttpLog, watch: Watch) {
    this.#log = log;
    this.#watch = watch;
  }

  /** Takes the next bytes of the body. */
  take(chunk: Uint8Array): void {
    for (let begin = 0; begin < chunk.length; ) {
      const at = chunk.indexOf(lineBreak, begin);
      const next = at < 0 ? chunk.length : at + 1;
      this.#add(chunk.subarray(begin, next));
      if (at >= 0) this.#finish();
      begin = next;
    }
    this.#flush();
  }

  /** Ends the body. An unfinished line counts as a line. */
  end(): void {
    this.#finish();
    this.#flush();
  }

  #add(piece: Uint8Array): void {
    if (this.#line === 'other') {
      this.#ready.push(piece);
      return;
    }
    // The bytes are copied, because the memory of the chunk may be reused.
    this.#held.push(Buffer.from(piece));
    this.#bytes += piece.length;
    if (this.#line === 'begin') {
      const first = piece.find((byte) => !isSpace(byte));
      if (first !== undefined) this.#line = first === 0x7b ? 'object' : 'other';
    }
    if (this.#bytes > limits.streamLineBytesMax) this.#line = 'other';
    if (this.#line === 'other') this.#pass();
  }

  /** Ends the current line. */
  #finish(): void {
    if (this.#line === 'object') {
      const object = objectIn(Buffer.concat(this.#held).toString());
      if (object !== null) this.#watch.onObject(object);
      this.#pass();
    }
    this.#ready.push(...this.#held);
    this.#held = [];
    this.#bytes = 0;
    this.#line = 'begin';
  }

  /** Releases the held bytes, behind the line of clip that precedes them. */
  #pass(): void {
    const before = this.#watch.lineBefore();
    if (before !== null) {
      this.#flush();
      this.#log.line(before);
    }
    this.#ready.push(...this.#held);
    this.#held = [];
  }

  #flush(): void {
    if (this.#ready.length > 0) this.#log.write(Buffer.concat(this.#ready));
    this.#ready = [];
  }
}

/** Parses a JSON object. Returns null for any other text. */
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
