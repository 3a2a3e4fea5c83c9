/** How a log is shown, and what is done to every word of it before. */
import { clean, cleanText, type Look } from '../words.ts';

export type Manner = {
  readonly look: Look;
  /** Paths below it are shown without it. */
  readonly cwd: string | null;
  /** How to see what was folded away; null where nobody can ask. */
  readonly hint: string | null;
  /** Without secrets, control sequences, and what a carriage return has written over. */
  readonly words: (text: string) => string;
  readonly oneLine: (text: string) => string;
};

export type Shown = { readonly look: Look; readonly cwd: string | null; readonly hint: string | null; readonly hide: (text: string) => string };

export function mannerOf({ look, cwd, hint, hide }: Shown): Manner {
  const words = (text: string) => cleanText(withoutOverwritten(hide(text))).replaceAll('\t', '    ');
  return { look, cwd, hint, words, oneLine: (text) => clean(hide(text)) };
}

/** `10 %\r20 %`: a terminal would show the last. */
function withoutOverwritten(text: string): string {
  if (!text.includes('\r')) return text;
  return text
    .replaceAll('\r\n', '\n')
    .split('\n')
    .map((line) => line.replace(/\r+$/, '').split('\r').at(-1) ?? '')
    .join('\n');
}
