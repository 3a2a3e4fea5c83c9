/**
 * Finds the reason of a failure on standard error, for runs that nothing else explains. The line with the reason is
 * often followed by a trace, a hint or a banner, which are skipped.
 */
import { searchedLength } from './error-classes.ts';
import { isObject, jsonIn } from './json.ts';
import { withoutControls } from './strip-controls.ts';

/** The number of lines that are examined, from the end. */
const linesMax = 200;

/** Returns the line that most likely gives the reason, or null. */
export function lastWordsIn(text: string): string | null {
  const lines = text
    .slice(-(linesMax * searchedLength))
    .split(/\r?\n|\r/)
    .map((line) => withoutControls(line.slice(0, searchedLength)).trim())
    .slice(-linesMax);
  const meant = lines.filter((line) => !isNoise(line) && !isHint.test(line));
  const reason = meant.findLast((line) => isError.test(line)) ?? meant.at(-1) ?? null;
  return reason === null ? null : withNext(reason, lines);
}

/** Appends the next line to the head of a Rust panic, which names the place first and the reason in the next line. */
function withNext(reason: string, lines: readonly string[]): string {
  const next = lines[lines.lastIndexOf(reason) + 1];
  return /panicked at .*:$/.test(reason) && next !== undefined && next !== '' ? `${reason} ${next}` : reason;
}

const isError =
  /\b(error|exception|panick?ed|fatal|failed|failure|cannot|can't|could ?n[o']t|unable to|denied|refused|not found|no such|invalid|unknown|unexpected|missing|out of memory|killed|aborted|segmentation fault|timed? out|limit|quota|unauthorized|expired|no messages)\b|^E:|^E\d{3,}|\w(Error|Exception):/i;

/** Hints for further analysis. They may mention errors, but are not the reason. */
const isHint =
  /^(note|hint|help|info|warn(ing)?|debug|trace|deprecat\w+|npm (notice|warn)|\(use `?node --trace|run with|see |for more|visit |to see |try ['`"]|if you |report (this|a bug)|please report|caused by:?$)|a complete log of this run|--trace-(warnings|uncaught|deprecation)|RUST_BACKTRACE/i;

function isNoise(line: string): boolean {
  if (line === '' || !/\p{L}/u.test(line)) return true;
  // Frames of stack traces: JavaScript, Python, Rust and C++, Java, Go.
  if (/^(at |File ".*", line \d+|\d+: (0x)?[0-9a-f]{4,}\b|\d+: .*::|\.\.\. \d+ more|goroutine \d+)/.test(line))
    return true;
  if (
    /^(Node\.js v\d|Traceback \(most recent call last\)|stack backtrace:|node:internal|thrown at:?$|Bun v\d)/i.test(
      line,
    )
  )
    return true;
  if (/^[<-]{2,}.*[->]{2,}$/.test(line) || /^(\S)\1{2,}/.test(line) || /^[\u2500-\u259f╭╰│┌└]/.test(line)) return true;
  // JSON that a log or a tool wrote there.
  return line.startsWith('{') && isObject(jsonIn(line));
}
