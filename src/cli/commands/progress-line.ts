/** A progress line for a long wait. It is rewritten in place, and removed when the wait is over. */
import { isatty } from 'node:tty';
import { beforeSaying, writeText } from '../context.ts';
import { formatDuration } from '../format/format.ts';
import { clean } from '../terminal/clean.ts';
import { cutToWidth } from '../terminal/width.ts';

/** A wait that ends before the first tick shows nothing. */
const tickMs = 1_000;

/** Returns to the beginning of the line and clears it. */
const wipe = '\r\u001b[2K';

/**
 * Starts the line. Shows nothing unless `shown`, or when standard error is not a terminal. Other output replaces the
 * line until the next tick.
 */
export function startProgress(shown: boolean, words: () => string): { readonly end: () => void } {
  if (!shown || !isatty(2)) return { end: () => {} };
  const begun = Date.now();
  let visible = false;
  const clear = () => {
    if (visible) writeText(2, wipe);
    visible = false;
  };
  const draw = () => {
    const line = `${clean(words())}, ${formatWaited(Date.now() - begun)}`;
    // A line as wide as the terminal would wrap, and its rest would stay.
    const room = (process.stderr.columns || 80) - 1;
    writeText(2, `${wipe}${cutToWidth(line, room)}`);
    visible = true;
  };
  const interrupted = () => {
    end();
    // Another listener handles the signal. Without one, Ctrl-C ends the command as usual.
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

/** Formats whole seconds. Tenths would flicker. */
function formatWaited(ms: number): string {
  return formatDuration(Math.max(1, Math.floor(ms / 1_000)) * 1_000).replace('.0 s', ' s');
}
