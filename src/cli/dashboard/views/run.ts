/** The page of a run: its facts and history above, the live end of its log below. Or only its log. */
import type { RunView } from '#protocol/answers.ts';
import { formatElapsed, formatEnd, formatStatus } from '../../format/format.ts';
import { historyText } from '../../format/history.ts';
import { runFacts } from '../../format/run.ts';
import { clean } from '../../terminal/clean.ts';
import { paint } from '../../terminal/style.ts';
import { measureWidth } from '../../terminal/width.ts';
import type { Canvas, Facts } from '../dashboard-model.ts';
import { scrollOf } from '../move.ts';
import { markMatches, type SearchableText } from '../search.ts';
import type { Page } from '../state.ts';
import { window, wrapped } from './lines.ts';

/**
 * The lines of a page. `room` and `length`: the visible and the total lines of its scrollable text. `at`: how far it is
 * visible. `text`: what can be searched, or null.
 */
export type Viewed = {
  readonly lines: readonly string[];
  readonly room: number;
  readonly length: number;
  readonly at: number;
  readonly text: SearchableText | null;
};

const historyShown = 6;
/** The minimum share of the page for the log. */
const logShare = 0.4;
/** The column at which the values of facts begin. */
const factsIndent = 14;

/** Builds the page of a run. */
export function runView(page: Extract<Page, { name: 'run' }>, facts: Facts, canvas: Canvas): Viewed {
  const { columns, rows, look } = canvas;
  const { run: shown, log, trouble } = facts.opened;
  const run = facts.board.runs.get(page.run) ?? (shown?.run.number === page.run ? shown.run : null);
  const title = run === null ? paint(`Run ${page.run}`, 'bold', look) : formatTitle(run, facts.now, canvas);
  const about =
    shown?.run.number === page.run && run !== null && !page.whole ? aboutLines({ ...shown, run }, canvas) : [];
  const above = [title, ...about.slice(0, Math.max(0, rows - 3 - Math.ceil(rows * logShare))), ''];
  const { lines: all, starts } = wrappedLog(log ?? [], columns);
  const room = Math.max(1, rows - above.length - 1);
  const scroll = Math.min(scrollOf(page, all.length), Math.max(0, all.length - room));
  const from = Math.max(0, all.length - room - scroll);
  const empty = trouble ?? (log === null ? 'Reading the log…' : 'Nothing was said yet.');
  const body = all.length === 0 ? window([paint(empty, 'gray', look)], 0, room) : window(all, from, room);
  const searchable = log === null ? null : { lines: log, starts, fromEnd: true };
  const marked =
    page.search === null || searchable === null || all.length === 0
      ? body
      : markMatches(body, page.search, { text: searchable, from, look });
  return {
    lines: [...above, logTitle({ run, scroll, below: scroll }, canvas), ...marked],
    room,
    length: all.length,
    at: Math.min(from + room, all.length),
    text: searchable,
  };
}

function formatTitle(run: RunView, now: number, { look }: Canvas): string {
  const who = run.agentName ?? run.name;
  const parts = [
    paint(`Run ${run.number}`, 'bold', look),
    formatStatus(run, look),
    ...(formatEnd(run) === '' ? [] : [formatEnd(run)]),
    formatElapsed(run, now),
    ...(who === null ? [] : [clean(who)]),
    ...(run.taskId === null ? [] : [`T${run.taskId}`]),
  ];
  return parts.join('  ');
}

function aboutLines(shown: NonNullable<Facts['opened']['run']>, { columns, look }: Canvas): string[] {
  // The title has the number and the status already.
  const facts = runFacts(look, shown)
    .split('\n')
    .slice(1)
    .filter((line) => !/^ {2}(?:status|time|id) /.test(line));
  const history = historyText(look, shown.events.slice(-historyShown), false).split('\n');
  const room = wrapped(facts, columns, factsIndent);
  return [...room, '', ...history.map((line) => line)];
}

function logTitle(
  { run, scroll, below }: { run: RunView | null; scroll: number; below: number },
  { look }: Canvas,
): string {
  const live = run !== null && run.endedAt === null;
  const place = scroll > 0 ? `${below} more below, end follows` : live ? 'live' : '';
  return paint(`Log${place === '' ? '' : ` (${place})`}`, 'bold', look);
}

type WrappedLog = { readonly columns: number; readonly lines: string[]; readonly starts: number[] };

const kept = new WeakMap<readonly string[], WrappedLog>();

const tabColumns = 8;

/** Replaces tabs by blanks up to the next tab stop. A frame has no other way to show them. */
function expandTabs(line: string): string {
  if (!line.includes('\t')) return line;
  const [first = '', ...rest] = line.split('\t');
  return rest.reduce(
    (text, part) => `${text}${' '.repeat(tabColumns - (measureWidth(text) % tabColumns))}${part}`,
    first,
  );
}

/** Wraps a log. The same log is drawn many times, so the result is cached. */
function wrappedLog(log: readonly string[], columns: number): WrappedLog {
  const known = kept.get(log);
  if (known?.columns === columns) return known;
  const [lines, starts]: [string[], number[]] = [[], []];
  for (const line of log) {
    starts.push(lines.length);
    lines.push(...wrapped([expandTabs(line)], columns));
  }
  const fresh = { columns, lines, starts };
  kept.set(log, fresh);
  return fresh;
}
