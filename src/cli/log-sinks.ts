/** Where the bytes of a log go: as they are, cleaned for a terminal, or read and written anew. */
import { StringDecoder } from 'node:string_decoder';
import { isatty } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';
import { unseenInText } from '../run/unseen.ts';
import { say, writeText } from './context.ts';
import { createMask, createReportMask, secretsOf } from './mask.ts';
import type { Renderer } from './rendered/renderer.ts';

export type Sink = {
  readonly pass: (bytes: Buffer) => void;
  /** That is all for now. */
  readonly pause: () => void;
  readonly rest: () => void;
};

/** `raw`: nothing cleaned, nothing masked. */
export function bytesSink(fd: 1 | 2, { raw, env }: { readonly raw: boolean; readonly env: NodeJS.ProcessEnv }): Sink {
  const masks = raw ? [] : [createReportMask(), createMask(secretsOf(env))].filter((mask) => mask !== null);
  const cleaner = isatty(fd) && !raw ? createCleaner() : null;
  const show = (bytes: Buffer) => {
    if (bytes.length > 0) writeText(fd, cleaner ? cleaner.clean(bytes) : bytes);
  };
  return {
    pass: (bytes) => show(masks.reduce<Buffer>((chunk, mask) => mask.pass(chunk), bytes)),
    pause: () => {},
    rest() {
      // What one of them held back goes through those that follow.
      show(masks.reduce<Buffer>((last, mask) => Buffer.concat([mask.pass(last), mask.rest()]), Buffer.alloc(0)));
      if (cleaner) writeText(fd, cleaner.rest());
    },
  };
}

/** `last`: of what is there at the first pause, or at the end, only so many lines. */
export function renderedSink(fd: 1 | 2, renderer: Renderer, last: number | null): Sink {
  let kept: string[] | null = last === null ? null : [];
  const show = (lines: readonly string[]) => {
    if (kept === null) say(fd, lines.map((line) => `${line}\n`).join(''));
    else {
      kept.push(...lines);
      // Cut now and then: shifting a long list for each line takes its time.
      if (kept.length > 2 * (last ?? 0) + 1_000) kept = tail(kept, last ?? 0);
    }
  };
  const release = () => {
    if (kept === null) return;
    const lines = tail(kept, last ?? 0);
    kept = null;
    show(lines);
  };
  return {
    pass: (bytes) => show(renderer.push(bytes)),
    pause() {
      show(renderer.pause());
      release();
    },
    rest() {
      show(renderer.rest());
      release();
    },
  };
}

function tail(lines: string[], count: number): string[] {
  return count === 0 ? [] : lines.slice(-count);
}

/** Takes control sequences out of a stream for a terminal; a sequence cut in two is held back until it is whole. */
function createCleaner() {
  const decoder = new StringDecoder('utf8');
  let held = '';
  const heldMax = 4_096;
  const strip = (text: string) => stripVTControlCharacters(text).replace(/\r\n/g, '\n').replace(unseenInText, '');
  return {
    clean(bytes: Buffer): string {
      const text = held + decoder.write(bytes);
      const begin = text.lastIndexOf('\u001b');
      const open = begin >= 0 && text.length - begin < heldMax && !text.slice(begin).includes('\n') ? begin : text.length;
      held = text.slice(open);
      return strip(text.slice(0, open));
    },
    rest: (): string => strip(held + decoder.end()),
  };
}
