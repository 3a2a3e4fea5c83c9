/** Formats times, sizes, statuses and tables. External text is cleaned before it reaches a terminal. */
import { stripVTControlCharacters } from 'node:util';
import type { RunView } from '#protocol/answers.ts';
import { unseen, unseenInText } from '#run/control-chars.ts';
import { sizeText } from '#run/format-bytes.ts';
import { keepLinks, knowsLinks } from '../terminal/hyperlinks.ts';

export type TextStyle = {
  readonly colour: boolean;
  readonly width: number | null;
  /** Whether the terminal is known to show links. */
  readonly links?: boolean;
};

/**
 * Returns the text style. Color follows the option, else the terminal and NO_COLOR / FORCE_COLOR. A width is set only
 * on a terminal, so that pipes get everything.
 */
export function readTextStyle(
  choice: string,
  env: NodeJS.ProcessEnv,
  stream: { readonly isTTY: boolean; readonly columns: number },
): TextStyle {
  const automatic = env['NO_COLOR']
    ? false
    : env['FORCE_COLOR']
      ? env['FORCE_COLOR'] !== '0'
      : stream.isTTY === true && env['TERM'] !== 'dumb';
  const colour = choice === 'always' || (choice !== 'never' && automatic);
  return { colour, width: stream.isTTY ? stream.columns || 80 : null, links: knowsLinks(env, stream.isTTY) };
}

const looks: Readonly<Record<RunView['status'], readonly [glyph: string, colour: number]>> = {
  queued: ['◦', 36],
  starting: ['◔', 36],
  running: ['●', 34],
  stopping: ['◌', 33],
  succeeded: ['✓', 32],
  failed: ['✗', 31],
  cancelled: ['⊘', 90],
  timed_out: ['⧖', 31],
};

/** Verdicts on runs that succeeded without doing their work. Their status alone would look like a success. */
const unfinished = new Set<RunView['livenessState']>(['plan_only', 'empty_response', 'needs_followup', 'blocked']);

export function formatStatus(run: Pick<RunView, 'status' | 'livenessState'>, look: TextStyle): string {
  const isUnfinished = run.status === 'succeeded' && unfinished.has(run.livenessState);
  const [glyph, colour] = isUnfinished ? (['◐', 33] as const) : looks[run.status];
  return paint(`${glyph} ${run.status}`, colour, look);
}

/** Formats `retrying, attempt 3 of 10`: the agent itself tries again. */
export function formatRetrying({ retrying }: Pick<RunView, 'retrying'>): string {
  if (retrying === null) return '';
  return retrying.attempt === null
    ? 'retrying'
    : `retrying, attempt ${retrying.attempt}${retrying.of === null ? '' : ` of ${retrying.of}`}`;
}

/** Formats `12.3k in (9k cached), 410 out, $0.0984`, or `at least …` when the usage is a lower bound. */
export function formatUsage(
  usage: Omit<NonNullable<RunView['usage']>, 'partial'> & { readonly partial?: boolean },
  live = false,
): string {
  const words = formatCount(usage);
  return usage.partial ? (live ? `${words} so far` : `at least ${words}`) : words;
}

/** Formats the usage of a run. Returns null for a plain command, and for a run that never started. */
export function formatUsed(run: Pick<RunView, 'usage' | 'agentName' | 'startedAt' | 'endedAt'>): string | null {
  if (run.usage !== null) return formatUsage(run.usage, run.endedAt === null);
  return run.agentName === null || run.startedAt === null || run.endedAt === null
    ? null
    : 'unknown: it told no tokens and no cost';
}

function formatCount(usage: Omit<NonNullable<RunView['usage']>, 'partial'>): string {
  const count = (tokens: number | null) =>
    tokens === null ? '–' : tokens < 10_000 ? String(tokens) : `${Math.round(tokens / 1_000)}k`;
  const cached = usage.cachedInputTokens ? ` (${count(usage.cachedInputTokens)} cached)` : '';
  const cost = usage.costUsd === null ? '' : `, $${usage.costUsd.toFixed(usage.costUsd < 1 ? 4 : 2)}`;
  return `${count(usage.inputTokens)} in${cached}, ${count(usage.outputTokens)} out${cost}`;
}

export function paint(text: string, colour: number, look: TextStyle): string {
  return look.colour ? `\u001b[${colour}m${text}\u001b[0m` : text;
}

/** Removes escape sequences and other control characters. Line breaks become visible. */
export function clean(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\r?\n|[\u2028\u2029]/g, '⏎')
    .replace(unseen, '');
}

/** Cleans a text of several lines, whose line breaks stay. */
export function cleanText(text: string): string {
  return text.split('\n').map(clean).join('\n');
}

/**
 * The last filter before a terminal. Of unsanitized text, only the colors of `paint`, the links of `link`, tabs and
 * line breaks pass.
 */
export function forTerminal(text: string): string {
  return keepLinks(text, colouredText);
}

function colouredText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colors that clip sets itself
  const parts = text.split(/(\u001b\[(?:0|1|3[1-6]|90)m)/);
  return parts
    .map((part, index) => (index % 2 === 1 ? part : stripVTControlCharacters(part).replace(unseenInText, '')))
    .join('');
}

/** Formats a duration: 850 ms, 12.3 s, 4 min 5 s, 3 h 2 min, 5 d 1 h. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1_000;
  // The value is truncated, so that it never reads 60.0 s.
  if (seconds < 60) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function formatAgo(at: string, now: number): string {
  return `${formatDuration(Math.max(0, now - Date.parse(at)))} ago`.replace(/(\d+)\.\d s ago/, '$1 s ago');
}

export function formatSize(bytes: number | null): string {
  return bytes === null ? '–' : sizeText(bytes);
}

/** Formats a command as it would be typed: `a b 'c d'`. */
export function formatCommand(command: readonly string[]): string {
  return command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

/** Formats the end of a run in a few words: `exit 7`, `SIGKILL`, `lost`, `timeout`. */
export function formatEnd(run: RunView): string {
  if (run.endedAt === null) return run.errorCode === 'process_detached' ? 'detached' : formatRetrying(run);
  if (
    run.stopReason !== null &&
    run.stopReason !== run.status &&
    !['completed', 'exit_nonzero', 'signalled', 'adapter_failed'].includes(run.stopReason)
  ) {
    return run.stopReason === 'not_started' ? (run.errorCode ?? 'not_started') : run.stopReason;
  }
  // The verdict says more than exit code 0.
  if (run.status === 'succeeded' && run.livenessState !== null) return run.livenessState;
  // An agent's own reason says more than its exit code, which is 0 for some failures.
  const tells = run.errorCode !== 'adapter_failed' || run.exitCode === 0;
  if (run.agentName !== null && run.errorCode !== null && run.errorCode !== run.status && tells) return run.errorCode;
  if (run.startedAt === null) return 'not started';
  return run.signal ?? (run.exitCode === null ? 'exit not seen' : `exit ${run.exitCode}`);
}

/** Returns whether the end was only found later. `endedAt` is then the time at which it was found. */
export function isEndUnseen({ endedAt, exitKnown }: Pick<RunView, 'endedAt' | 'exitKnown'>): boolean {
  return endedAt !== null && exitKnown === false;
}

export function formatElapsed(run: RunView, now: number): string {
  if (run.startedAt === null) return '–';
  const ms = (run.endedAt === null ? now : Date.parse(run.endedAt)) - Date.parse(run.startedAt);
  // The clock was set back in between.
  if (ms < 0) return '–';
  return isEndUnseen(run) ? `at most ${formatDuration(ms)}` : formatDuration(ms);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Returns the columns of a text on a terminal. Combining marks count zero, and wide characters two. */
export function measureWidth(text: string): number {
  // Most text is plain ASCII, and tables measure many cells.
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const char of stripVTControlCharacters(text).normalize('NFC')) width += widthOfChar(char);
  return width;
}

const firstCombining = 0x300;

function widthOfChar(char: string): number {
  const code = char.codePointAt(0) ?? 0;
  if (code < firstCombining) return 1;
  if (/\p{M}/u.test(char)) return 0;
  const wide =
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd) ||
    // Two regional indicators form one flag, so each of them counts one.
    (/\p{Emoji_Presentation}/u.test(char) && !/\p{Regional_Indicator}/u.test(char));
  return wide ? 2 : 1;
}

export type Column<T> = {
  readonly title: string;
  readonly cell: (row: T) => string;
  readonly right?: boolean;
  /** The terminal width below which the column is dropped. */
  readonly from?: number;
  /** Whether the column is narrowed when the table does not fit. */
  readonly flexible?: boolean;
};

const flexibleMin = 4;

/** Formats a table that fits the terminal. Without a terminal, nothing is cut or left out. */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[], look: TextStyle): string {
  const { width } = look;
  const shown = columns.filter(({ from }) => width === null || from === undefined || width >= from);
  const cells = [shown.map(({ title }) => title), ...rows.map((row) => shown.map(({ cell }) => cell(row)))];
  const widths = shown.map((_, column) =>
    cells.reduce((most, line) => Math.max(most, measureWidth(line[column] ?? '')), 0),
  );
  if (width !== null) shrink(widths, shown, width - 2 * (shown.length - 1));
  const [title = '', ...lines] = cells.map((line) =>
    line
      .map((cell, column) => pad(cell, widths[column] ?? 0, shown[column] as Column<T>, column === shown.length - 1))
      .join('  ')
      .trimEnd(),
  );
  return [paint(title, 1, look), ...lines].join('\n');
}

/** Narrows the widest flexible column until all columns fit. */
function shrink<T>(widths: number[], columns: readonly Column<T>[], room: number): void {
  for (let excess = widths.reduce((sum, each) => sum + each, 0) - room; excess > 0; excess -= 1) {
    const widest = Math.max(...widths.filter((_, column) => columns[column]?.flexible));
    if (widest <= flexibleMin) return;
    widths[widths.findIndex((each, column) => each === widest && columns[column]?.flexible)] = widest - 1;
  }
}

function pad<T>(cell: string, width: number, column: Column<T>, last: boolean): string {
  const text = column.flexible && measureWidth(cell) > width ? cut(cell, width) : cell;
  const gap = ' '.repeat(Math.max(0, width - measureWidth(text)));
  return column.right ? gap + text : last ? text : text + gap;
}

/** Returns as many characters as fit before an ellipsis. */
export function cut(text: string, width: number): string {
  let used = 0;
  let kept = '';
  for (const char of text.normalize('NFC')) {
    used += widthOfChar(char);
    if (used > width - 1) break;
    kept += char;
  }
  return `${kept}…`;
}
