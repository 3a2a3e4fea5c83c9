/** The output of a log: unchanged, cleaned for a terminal, or rendered as text. */
import { isatty } from 'node:tty';
import { printText, writeText } from '../context.ts';
import { collectSecrets, createMask, createReportMask } from '../terminal/mask-secrets.ts';
import { readTextStyle } from '../terminal/style.ts';
import { createTerminalOutput } from './terminal-output.ts';
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
  const colours = readTextStyle('auto', env, { isTTY: true, columns: 0 }).colour;
  const output = isatty(fd) && !raw ? createTerminalOutput({ colours }) : null;
  const show = (bytes: Buffer) => {
    if (bytes.length > 0) writeText(fd, output ? output.pass(bytes) : bytes);
  };
  return {
    pass: (bytes) => show(masks.reduce<Buffer>((chunk, mask) => mask.pass(chunk), bytes)),
    pause() {
      if (output) writeText(fd, output.pause());
    },
    rest() {
      // The bytes that one mask held back pass through the following masks.
      show(masks.reduce<Buffer>((last, mask) => Buffer.concat([mask.pass(last), mask.rest()]), Buffer.alloc(0)));
      if (output) writeText(fd, output.rest());
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
