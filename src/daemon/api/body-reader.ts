/**
 * Reads request bodies into buffers that grow as data arrives, bounded by the declared length. Kept as chunks of one
 * byte each, a body would take a hundred times as much memory. Small and large bodies have one memory budget each,
 * for all that arrive at the same time. A body waits until memory is free, and a stalled upload is dropped for it.
 * Batches are streamed instead: see routes/batch.ts.
 */
import type { IncomingMessage } from 'node:http';
import { tooMuchIn } from '#protocol/json-size.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { withoutQuote } from './api-errors.ts';

type Body = { readonly bytes: number; since: number; readonly begin: () => void; readonly drop: () => void };

/** The bodies that arrive at the moment. */
export class BodyReader {
  readonly #small: Lane;
  readonly #large: Lane;

  constructor(now: () => number) {
    this.#small = new Lane(now);
    this.#large = new Lane(now);
  }

  /** Returns the parsed JSON. Throws a ClipError for the client. */
  async read(source: IncomingMessage, bytesMax: number): Promise<unknown> {
    const declared = source.headers['content-length'];
    const bytes = declared === undefined ? bytesMax : Number(declared);
    if (bytes > bytesMax) throw tooLarge();
    const lane = bytes <= limits.bodyBytesMax ? this.#small : this.#large;
    return parse(await lane.take(source, bytes));
  }
}

/** Bodies that share one memory budget. */
class Lane {
  readonly #now: () => number;
  readonly #waiting = new Set<Body>();
  readonly #arriving = new Set<Body>();
  #room: number = limits.bodiesBytesMax;
  #timer: NodeJS.Timeout | null = null;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Returns the whole body. Throws if it ends early, is longer than `bytes`, or is dropped for others. */
  take(source: IncomingMessage, bytes: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let kept: Buffer = Buffer.allocUnsafe(0);
      let length = 0;
      const over = (error: Error | null) => {
        source.off('data', more).off('end', end).off('close', gone).off('error', gone);
        this.#leave(body);
        if (error === null) resolve(kept.subarray(0, length));
        else reject(error);
      };
      const more = (chunk: Buffer) => {
        if (length + chunk.length > bytes) return over(tooLarge());
        if (length + chunk.length > kept.length)
          kept = grown(kept, Math.min(bytes, Math.max(2 * kept.length, length + chunk.length, 4_096)));
        chunk.copy(kept, length);
        length += chunk.length;
      };
      const end = () => over(null);
      const gone = () => over(new ClipError('usage', 'The request ended before its body did.'));
      const begin = () => void source.on('data', more).on('end', end);
      const body: Body = { bytes, since: this.#now(), begin, drop: () => over(tooLate()) };
      source.on('close', gone).on('error', gone);
      this.#waiting.add(body);
      this.#look();
    });
  }

  /** Lets waiting bodies arrive while there is memory. Drops a stalled one for those that still wait. */
  #look(): void {
    for (const first of this.#waiting) {
      if (first.bytes <= this.#room || this.#arriving.size === 0) {
        this.#waiting.delete(first);
        this.#arriving.add(first);
        this.#room -= first.bytes;
        first.since = this.#now();
        first.begin();
        continue;
      }
      const [oldest] = this.#arriving;
      const left = oldest === undefined ? 0 : oldest.since + limits.bodyStalledMs - this.#now();
      if (oldest === undefined || left > 0) return this.#later(left);
      oldest.drop();
      return;
    }
  }

  #later(ms: number): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#look();
    }, ms).unref();
  }

  #leave(body: Body): void {
    this.#waiting.delete(body);
    if (this.#arriving.delete(body)) this.#room += body.bytes;
    this.#look();
  }
}

function grown(kept: Buffer, size: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(size);
  kept.copy(larger);
  return larger;
}

function tooLarge(): ClipError {
  return new ClipError(
    'too_large',
    'The request is over the size limit of 1 MiB (input: 16 MiB).',
    'Put what is long into a file: --stdin FILE.',
  );
}

function tooLate(): ClipError {
  return new ClipError(
    'busy',
    'The body of the request did not come in time, and others wait.',
    'Send it again, at once.',
  );
}

const usage = (why: string) =>
  new ClipError('usage', `The body of the request is not right: ${why}.`, 'See /v1/openapi.json.');

function parse(bytes: Buffer): unknown {
  if (bytes.length === 0) throw usage('it is empty');
  if (bytes.length > limits.bodyBytesMax && hasManyValues(bytes)) throw usage('it has too many values');
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw usage(withoutQuote(error as Error));
  }
  const wrong = tooMuchIn(value);
  if (wrong !== null) throw usage(wrong);
  return value;
}

/**
 * Counts values before they are parsed: an empty list takes three bytes on the wire and many times as much in memory.
 */
function hasManyValues(bytes: Buffer): boolean {
  let count = 0;
  let inText = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === 0x22) inText = !inText;
    else if (inText && byte === 0x5c) at += 1;
    else if (!inText && (byte === 0x2c || byte === 0x5b || byte === 0x7b)) count += 1;
  }
  return count > valuesOfLargeMax;
}

/** Limit for large bodies. A legitimate one is one long text and few other values. */
const valuesOfLargeMax = 100_000;
