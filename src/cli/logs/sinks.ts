/** The output of a log: unchanged, cleaned for a terminal, or rendered as text. */
import { StringDecoder } from 'node:string_decoder';
import { isatty } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';
import { unseenInText } from '#run/control-chars.ts';
import { printText, writeText } from '../context.ts';
import { collectSecrets, createMask, createReportMask } from '../terminal/mask-secrets.ts';
import type { Renderer } from './transcript/renderer.ts';

export type Sink = {
  readonly pass: (bytes: Buffer) => void;
  /** No more bytes come for now. */
  readonly pause: () => void;
  readonly rest: () => void;
};

/** Creates a sink for bytes. `raw`: nothing is cleaned or masked. */
export function bytesSink(fd: 1 | 2, { raw, env }: { readonly raw: boolean; readonly env: NodeJS.ProcessEnv }): Sink {
  const masks = raw ? [] : [createReportMask(), createMask(collectSecrets(env))].filter((mask) => mask !== null);
  const cleaner = isatty(fd) && !raw ? createCleaner() : null;
  const show = (bytes: Buffer) => {
    if (bytes.length > 0) writeText(fd, cleaner ? cleaner.clean(bytes) : bytes);
  };
  return {
    pass: (bytes) => show(masks.reduce<Buffer>((chunk, mask) => mask.pass(chunk), bytes)),
    pause: () => {},
    rest() {
      // The bytes that one mask held back pass through the following masks.
      show(masks.reduce<Buffer>((last, mask) => Buffer.concat([mask.pass(last), mask.rest()]), Buffer.alloc(0)));
      if (cleaner) writeText(fd, cleaner.rest());
    },
  };
}

/**
 * Creates a sink for rendered lines. `last`: the number of lines to show of what exists at the first pause, or at the
 * end.
 */
export function renderedSink(fd: 1 | 2, renderer: Renderer, last: number | null): Sink {
  let kept: string[] | null = last === null ? null : [];
  const show = (lines: readonly string[]) => {
    if (kept === null) printText(fd, lines.length === 0 ? '' : `${lines.join('\n')}\n`);
    else {
      kept.push(...lines);
      // The list is cut only now and then, because shifting a long list for each line is slow.
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

/** Removes control sequences for a terminal. A sequence that is split between chunks is held until it is complete. */
function createCleaner() {
  const decoder = new StringDecoder('utf8');
  let held = '';
  const heldMax = 4_096;
  const strip = (text: string) => stripVTControlCharacters(text).replace(/\r\n/g, '\n').replace(unseenInText, '');
  return {
    clean(bytes: Buffer): string {
      const text = held + decoder.write(bytes);
      const begin = text.lastIndexOf('\u001b');
      const open =
        begin >= 0 && text.length - begin < heldMax && !text.slice(begin).includes('\n') ? begin : text.length;
      held = text.slice(open);
      return strip(text.slice(0, open));
    },
    rest: (): string => strip(held + decoder.end()),
  };
}
