/** One line on a terminal that says what a long wait waits for. It is rewritten in its place, and gone when the wait is over. */
import { isatty } from 'node:tty';
import { beforeSaying, writeText } from './context.ts';
import { clean, cut, durationWords, widthOf } from './words.ts';

/** A wait that is shorter than the first tick says nothing. */
const tickMs = 1_000;

/** To the beginning of the line, and nothing left in it. */
const wipe = '\r\u001b[2K';

/** Nothing is said unless `shown`, nor where standard error is no terminal. Whatever else is said meanwhile takes the line's place until the next tick. */
export function startProgress(shown: boolean, words: () => string): { readonly end: () => void } {
  if (!shown || !isatty(2)) return { end: () => {} };
  const begun = Date.now();
  let visible = false;
  const clear = () => {
    if (visible) writeText(2, wipe);
    visible = false;
  };
  const draw = () => {
    const line = `${clean(words())}, ${waitedWords(Date.now() - begun)}`;
    // A line as wide as the terminal would break, and its rest would stay.
    const room = (process.stderr.columns || 80) - 1;
    writeText(2, `${wipe}${widthOf(line) > room ? cut(line, room) : line}`);
    visible = true;
  };
  const interrupted = () => {
    end();
    // Whoever else listens decides; without them Ctrl-C ends the command, as it does everywhere.
    if (process.listenerCount('SIGINT') === 0) process.kill(process.pid, 'SIGINT');
  };
  const timer = setInterval(draw, tickMs);
  process.prependOnceListener('SIGINT', interrupted);
  process.once('exit', clear);
  beforeSaying(clear);
  const end = () => {
    clearInterval(timer);
    process.off('SIGINT', interrupted).off('exit', clear);
    beforeSaying(null);
    clear();
  };
  return { end };
}

/** Whole seconds: tenths would only flicker. */
function waitedWords(ms: number): string {
  return durationWords(Math.max(1, Math.floor(ms / 1_000)) * 1_000).replace('.0 s', ' s');
}
