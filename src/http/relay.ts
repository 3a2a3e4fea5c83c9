/**
 * Relays a body into the log. Lines pass as they arrive. A JSON document of several lines is joined into one, because
 * the log is read by lines. A body is held only while it may still be such a document, and only up to 8 MiB. A larger
 * document passes unchanged.
 */
import { limits } from '#run/limits.ts';
import type { HttpLog } from './agent-log.ts';
import { DocumentCheck, type Verdict } from './response-document.ts';
import { LineRelay, objectIn, parsed, type Watch } from './response-lines.ts';

/** `known`: a first line that was already written, and is left out. */
export type RelayWatch = Watch & { readonly known: string | null };

/** The relay of one body. */
export class Relay {
  readonly #log: HttpLog;
  readonly #watch: RelayWatch;
  readonly #check = new DocumentCheck();
  readonly #lines: LineRelay;
  #held: Uint8Array[] | null = [];
  #bytes = 0;
  #first: string | null = null;

  constructor(log: HttpLog, watch: RelayWatch) {
    this.#log = log;
    this.#watch = watch;
    this.#lines = new LineRelay(log, watch);
  }

  /** The first line, if it was JSON. */
  get first(): string | null {
    return this.#first;
  }

  /** Takes the next bytes of the body. */
  take(chunk: Uint8Array): void {
    if (this.#held === null) {
      this.#lines.take(chunk);
      return;
    }
    this.#held.push(Buffer.from(chunk));
    this.#bytes += chunk.length;
    const verdict = this.#check.take(chunk);
    if (verdict !== 'open' || this.#bytes > limits.streamLineBytesMax)
      this.#release(Buffer.concat(this.#held), verdict);
  }

  /** Ends the body, or stops waiting for it. The held part goes to the log, complete or not. */
  end(): void {
    if (this.#held !== null) {
      const all = Buffer.concat(this.#held);
      this.#held = null;
      const text = all.toString();
      if (parsed(text) === undefined) this.#lines.take(all);
      // A line break in a JSON document separates two of its tokens and is never inside a text.
      else this.#writeDocument(text.trim().replace(/\s*[\r\n]\s*/g, ' '));
    }
    this.#lines.end();
  }

  /** Passes the held bytes on, because they are not a document of several lines. */
  #release(all: Buffer, verdict: Verdict): void {
    this.#held = null;
    const end = verdict === 'line' ? endOfFirst(all) : 0;
    const line = all.subarray(0, end).toString().trim();
    if (parsed(line) !== undefined) this.#first = line;
    if (this.#first === null || this.#first !== this.#watch.known) this.#lines.take(all);
    else {
      this.#see(line);
      this.#lines.take(all.subarray(end));
    }
  }

  #writeDocument(line: string): void {
    this.#first = line;
    this.#see(line);
    if (line === this.#watch.known) return;
    const before = this.#watch.lineBefore();
    if (before !== null) this.#log.line(before);
    this.#log.line(line);
  }

  #see(line: string): void {
    const object = objectIn(line);
    if (object !== null) this.#watch.onObject(object);
  }
}

/** Returns the end of the first line that is not empty. */
function endOfFirst(all: Buffer): number {
  const begin = all.findIndex((byte) => byte === 0x7b || byte === 0x5b);
  return all.indexOf(0x0a, begin) + 1;
}
