/** Options for rendering a log, and the cleaning of its text. */
import { clean, cleanText } from '../../terminal/clean.ts';
import type { TextStyle } from '../../terminal/style.ts';

export type RenderOptions = {
  readonly look: TextStyle;
  /** The folder whose paths are shown as relative ones. */
  readonly cwd: string | null;
  /** The command that shows folded text. Null where there is none. */
  readonly hint: string | null;
  /** Removes secrets, control sequences, and text that a carriage return has overwritten. */
  readonly words: (text: string) => string;
  readonly oneLine: (text: string) => string;
};

export type RenderContext = {
  readonly look: TextStyle;
  readonly cwd: string | null;
  readonly hint: string | null;
  readonly hide: (text: string) => string;
};

/** Adds the cleaning functions to the options. */
export function resolveRenderOptions({ look, cwd, hint, hide }: RenderContext): RenderOptions {
  const words = (text: string) => cleanText(withoutOverwritten(hide(text)));
  return { look, cwd, hint, words, oneLine: (text) => clean(hide(text)) };
}

/** Keeps the last part of `10 %\r20 %`, as a terminal would show it. */
function withoutOverwritten(text: string): string {
  if (!text.includes('\r')) return text;
  return text
    .replaceAll('\r\n', '\n')
    .split('\n')
    .map((line) => line.replace(/\r+$/, '').split('\r').at(-1) ?? '')
    .join('\n');
}
