/** How things are said: times, sizes, statuses, tables. Everything from outside is cleaned before it reaches a terminal. */
import { stripVTControlCharacters } from 'node:util';
import type { RunView } from '../protocol/answers.ts';
import { sizeText } from '../run/size.ts';
import { unseen, unseenInText } from '../run/unseen.ts';
import { keepLinks, knowsLinks } from './links.ts';

export type Look = {
  readonly colour: boolean;
  readonly width: number | null;
  /** Whether the terminal is known to show links. */
  readonly links?: boolean;
};

/** Colour as asked, else as the terminal and NO_COLOR / FORCE_COLOR say; a width only on a terminal, so that pipes get everything. */
export function lookOf(choice: string, env: NodeJS.ProcessEnv, stream: { readonly isTTY: boolean; readonly columns: number }): Look {
  const automatic = env['NO_COLOR'] ? false : env['FORCE_COLOR'] ? env['FORCE_COLOR'] !== '0' : stream.isTTY === true && env['TERM'] !== 'dumb';
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

export function statusWords(run: Pick<RunView, 'status'>, look: Look): string {
  const [glyph, colour] = looks[run.status];
  return paint(`${glyph} ${run.status}`, colour, look);
}

/** `retrying, attempt 3 of 10`: the agent itself tries again, and that is not the end. */
export function retryingWords({ retrying }: Pick<RunView, 'retrying'>): string {
  if (retrying === null) return '';
  return retrying.attempt === null ? 'retrying' : `retrying, attempt ${retrying.attempt}${retrying.of === null ? '' : ` of ${retrying.of}`}`;
}

/** `12.3k in (9k cached), 410 out, $0.0984`. */
export function usageWords(usage: RunView['usage']): string {
  if (usage === null) return '';
  const count = (tokens: number | null) => (tokens === null ? '–' : tokens < 10_000 ? String(tokens) : `${Math.round(tokens / 1_000)}k`);
  const cached = usage.cachedInputTokens ? ` (${count(usage.cachedInputTokens)} cached)` : '';
  const cost = usage.costUsd === null ? '' : `, $${usage.costUsd.toFixed(usage.costUsd < 1 ? 4 : 2)}`;
  return `${count(usage.inputTokens)} in${cached}, ${count(usage.outputTokens)} out${cost}`;
}

export function paint(text: string, colour: number, look: Look): string {
  return look.colour ? `\u001b[${colour}m${text}\u001b[0m` : text;
}

/** Without escape sequences and other control characters; line breaks become visible. */
export function clean(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\r?\n|[\u2028\u2029]/g, '⏎')
    .replace(unseen, '');
}

/** The same for a text of several lines, whose line breaks stay. */
export function cleanText(text: string): string {
  return text.split('\n').map(clean).join('\n');
}

/** The last door before a terminal: of whatever was not cleaned on its way here, only the colours of `paint`, the links of `link`, tabs and line breaks get through. */
export function forTerminal(text: string): string {
  return keepLinks(text, colouredText);
}

function colouredText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours that we set ourselves
  const parts = text.split(/(\u001b\[(?:0|1|3[1-6]|90)m)/);
  return parts.map((part, index) => (index % 2 === 1 ? part : stripVTControlCharacters(part).replace(unseenInText, ''))).join('');
}

/** 850 ms, 12.3 s, 4 min 5 s, 3 h 2 min, 5 d 1 h. */
export function durationWords(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1_000;
  // Cut, not rounded: nobody wants to read 60.0 s.
  if (seconds < 60) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function agoWords(at: string, now: number): string {
  return `${durationWords(Math.max(0, now - Date.parse(at)))} ago`.replace(/(\d+)\.\d s ago/, '$1 s ago');
}

export function sizeWords(bytes: number | null): string {
  return bytes === null ? '–' : sizeText(bytes);
}

/** `a b 'c d'`: how one would type it. */
export function commandWords(command: readonly string[]): string {
  return command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

/** How it ended, in a few words: `exit 7`, `SIGKILL`, `lost`, `timeout`. */
export function endWords(run: RunView): string {
  if (run.endedAt === null) return run.errorCode === 'process_detached' ? 'detached' : retryingWords(run);
  if (run.stopReason !== null && run.stopReason !== run.status && !['completed', 'exit_nonzero', 'signalled', 'adapter_failed'].includes(run.stopReason)) {
    return run.stopReason === 'not_started' ? (run.errorCode ?? 'not_started') : run.stopReason;
  }
  // Whether it achieved anything says more than that it exited with 0.
  if (run.status === 'succeeded' && run.livenessState !== null) return run.livenessState;
  // An agent's own reason says more than its exit code, which is 0 for some failures.
  const tells = run.errorCode !== 'adapter_failed' || run.exitCode === 0;
  if (run.agentName !== null && run.errorCode !== null && run.errorCode !== run.status && tells) return run.errorCode;
  return run.signal ?? (run.exitCode === null ? 'unknown' : `exit ${run.exitCode}`);
}

export function elapsedWords(run: RunView, now: number): string {
  if (run.startedAt === null) return '–';
  const ms = (run.endedAt === null ? now : Date.parse(run.endedAt)) - Date.parse(run.startedAt);
  // The clock was set back in between: nobody knows.
  return ms < 0 ? '–' : durationWords(ms);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Characters that a terminal shows; combining marks are not counted. Wide ones count two. */
export function widthOf(text: string): number {
  // Most of what is shown is as plain as this, and tables measure a lot.
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
    // Two regional indicators make one flag, so each of them counts one.
    (/\p{Emoji_Presentation}/u.test(char) && !/\p{Regional_Indicator}/u.test(char));
  return wide ? 2 : 1;
}

export type Column<T> = {
  readonly title: string;
  readonly cell: (row: T) => string;
  readonly right?: boolean /** Dropped on terminals narrower than this. */;
  readonly from?: number /** One of those that share what room is left, and are cut when there is too little. */;
  readonly flexible?: boolean;
};

const flexibleMin = 4;

/** A table that fits the terminal; without one, nothing is cut and nothing left out. */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[], look: Look): string {
  const { width } = look;
  const shown = columns.filter(({ from }) => width === null || from === undefined || width >= from);
  const cells = [shown.map(({ title }) => title), ...rows.map((row) => shown.map(({ cell }) => cell(row)))];
  const widths = shown.map((_, column) => cells.reduce((most, line) => Math.max(most, widthOf(line[column] ?? '')), 0));
  if (width !== null) shrink(widths, shown, width - 2 * (shown.length - 1));
  const [title = '', ...lines] = cells.map((line) =>
    line
      .map((cell, column) => pad(cell, widths[column] ?? 0, shown[column] as Column<T>, column === shown.length - 1))
      .join('  ')
      .trimEnd(),
  );
  return [paint(title, 1, look), ...lines].join('\n');
}

/** Takes room from the widest flexible column, until all fit. */
function shrink<T>(widths: number[], columns: readonly Column<T>[], room: number): void {
  for (let excess = widths.reduce((sum, each) => sum + each, 0) - room; excess > 0; excess -= 1) {
    const widest = Math.max(...widths.filter((_, column) => columns[column]?.flexible));
    if (widest <= flexibleMin) return;
    widths[widths.findIndex((each, column) => each === widest && columns[column]?.flexible)] = widest - 1;
  }
}

function pad<T>(cell: string, width: number, column: Column<T>, last: boolean): string {
  const text = column.flexible && widthOf(cell) > width ? cut(cell, width) : cell;
  const gap = ' '.repeat(Math.max(0, width - widthOf(text)));
  return column.right ? gap + text : last ? text : text + gap;
}

/** As many characters as fit before the sign that more was there. */
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
