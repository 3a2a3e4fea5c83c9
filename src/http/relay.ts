/**
 * A body on its way into the log. Lines pass as they come. One JSON document over many lines is put on
 * one, for the log is read by lines. Of a body never more than 8 MiB are held: a document that is larger
 * passes as it is, and so does everything that is no JSON.
 */
import { limits } from '../run/limits.ts';
import type { Log } from './log.ts';

export type Json = Readonly<Record<string, unknown>>;
export type Watch = {
  /** Called for each JSON object that stands on a line. */
  readonly onObject: (object: Json) => void;
  /** A first line that was written before already, and is left out. */
  readonly known: string | null;
};

const lineBreak = 0x0a;

/** Resolves to the first line if it was JSON. */
export async function relay(body: AsyncIterable<Uint8Array>, log: Log, { onObject, known }: Watch): Promise<string | null> {
  const lines = watchLines(onObject);
  let held: Uint8Array[] | null = [];
  let bytes = 0;
  let asked = false;
  let first: string | null = null;
  for await (const chunk of body) {
    if (held === null) {
      lines.see(chunk);
      await log.write(chunk);
      continue;
    }
    held.push(chunk);
    bytes += chunk.length;
    const end = asked ? -1 : endOfLine(held);
    const isDocument = mayBeJson(held) && bytes <= limits.streamLineBytesMax;
    if (isDocument && end < 0) continue;
    const all = Buffer.concat(held);
    const line = isDocument ? all.subarray(0, end).toString().trim() : '';
    asked = true;
    // A whole value on the first line: these are lines. Anything else may still become one document.
    if (isDocument && parsed(line) === undefined) {
      held = [all];
      continue;
    }
    held = null;
    if (isDocument) first = line;
    lines.see(all);
    await log.write(isDocument && line === known ? all.subarray(end + 1) : all);
  }
  if (held !== null && bytes > 0) {
    const text = Buffer.concat(held).toString();
    const document = parsed(text);
    // A line break within a JSON document stands between two of its parts, never in a text.
    const line = document === undefined ? text : text.trim().replace(/\s*[\r\n]\s*/g, ' ');
    if (document !== undefined) first = line;
    lines.see(Buffer.from(line));
    if (first === null) await log.write(line);
    else if (first !== known) await log.line(line);
  }
  lines.end();
  return first;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isSpace = (byte: number) => byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === lineBreak;
const beginOf = (chunk: Uint8Array) => chunk.findIndex((byte) => !isSpace(byte));

function mayBeJson(held: readonly Uint8Array[]): boolean {
  const chunk = held.find((each) => beginOf(each) >= 0);
  if (chunk === undefined) return true;
  const byte = chunk[beginOf(chunk)];
  return byte === 0x7b || byte === 0x5b;
}

/** Where the first line that is not empty ends, counted from the beginning; -1 while it has not. */
function endOfLine(held: readonly Uint8Array[]): number {
  let before = 0;
  let begun = false;
  for (const chunk of held) {
    const begin = begun ? 0 : beginOf(chunk);
    if (begin >= 0) {
      begun = true;
      const end = chunk.indexOf(lineBreak, begin);
      if (end >= 0) return before + end;
    }
    before += chunk.length;
  }
  return -1;
}

/** Looks at each line that begins like an object; one of more than 8 MiB is not looked at, as nobody will read it. */
function watchLines(onObject: (object: Json) => void) {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  let state: 'begin' | 'object' | 'other' = 'begin';

  function take(piece: Uint8Array): void {
    if (state === 'begin') {
      const begin = beginOf(piece);
      if (begin >= 0) state = piece[begin] === 0x7b ? 'object' : 'other';
    }
    if (state !== 'object') return;
    bytes += piece.length;
    if (bytes > limits.streamLineBytesMax) {
      state = 'other';
      parts = [];
      // Copied: the memory of a chunk may be used again for the next one.
    } else parts.push(Buffer.from(piece));
  }

  function end(): void {
    if (state === 'object') {
      const value = parsed(Buffer.concat(parts).toString());
      if (typeof value === 'object' && value !== null) onObject(value as Json);
    }
    parts = [];
    bytes = 0;
    state = 'begin';
  }

  function see(chunk: Uint8Array): void {
    let begin = 0;
    for (let at = chunk.indexOf(lineBreak); at >= 0; at = chunk.indexOf(lineBreak, begin)) {
      take(chunk.subarray(begin, at));
      end();
      begin = at + 1;
    }
    take(chunk.subarray(begin));
  }

  return { see, end };
}
