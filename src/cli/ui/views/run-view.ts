/** One run: its facts and history above, the end of its log below, live. Or its log alone. */
import type { RunView } from '../../../protocol/answers.ts';
import { historyText } from '../../history-words.ts';
import { runFacts } from '../../run-words.ts';
import { clean, elapsedWords, endWords, paint, statusWords } from '../../words.ts';
import type { Canvas, Facts } from '../facts.ts';
import type { Page } from '../state.ts';
import { window, wrapped } from './text.ts';

/** `room` and `length`: lines of the log that can be seen, and that there are. */
export type Viewed = { readonly lines: readonly string[]; readonly room: number; readonly length: number };

const historyShown = 6;
/** Of the page, what the log has at least. */
const logShare = 0.4;
/** Where the values of facts begin. */
const factsIndent = 14;

export function runView(page: Extract<Page, { name: 'run' }>, facts: Facts, canvas: Canvas): Viewed {
  const { columns, rows, look } = canvas;
  const { run: shown, log, trouble } = facts.opened;
  const run = facts.board.runs.get(page.run) ?? (shown?.run.number === page.run ? shown.run : null);
  const title = run === null ? paint(`Run ${page.run}`, 1, look) : titleOf(run, facts.now, canvas);
  const about = shown?.run.number === page.run && run !== null && !page.whole ? aboutLines({ ...shown, run }, canvas) : [];
  const above = [title, ...about.slice(0, Math.max(0, rows - 3 - Math.ceil(rows * logShare))), ''];
  const all = wrappedLog(log ?? [], columns);
  const room = Math.max(1, rows - above.length - 1);
  const scroll = Math.min(page.scroll, Math.max(0, all.length - room));
  const from = Math.max(0, all.length - room - scroll);
  const empty = trouble ?? (log === null ? 'Reading the log…' : 'Nothing was said yet.');
  const body = all.length === 0 ? window([paint(empty, 90, look)], 0, room) : window(all, from, room);
  return { lines: [...above, logTitle({ run, scroll, below: scroll }, canvas), ...body], room, length: all.length };
}

function titleOf(run: RunView, now: number, { look }: Canvas): string {
  const who = run.agentName ?? run.name;
  const parts = [
    paint(`Run ${run.number}`, 1, look),
    statusWords(run, look),
    ...(endWords(run) === '' ? [] : [endWords(run)]),
    elapsedWords(run, now),
    ...(who === null ? [] : [clean(who)]),
    ...(run.taskId === null ? [] : [`T${run.taskId}`]),
  ];
  return parts.join('  ');
}

function aboutLines(shown: NonNullable<Facts['opened']['run']>, { columns, look }: Canvas): string[] {
  // The title says the number and the status already.
  const facts = runFacts(look, shown)
    .split('\n')
    .slice(1)
    .filter((line) => !/^ {2}(?:status|time|id) /.test(line));
  const history = historyText(look, shown.events.slice(-historyShown), false).split('\n');
  const room = wrapped(facts, columns, factsIndent);
  return [...room, '', ...history.map((line) => line)];
}

function logTitle({ run, scroll, below }: { run: RunView | null; scroll: number; below: number }, { look }: Canvas): string {
  const live = run !== null && run.endedAt === null;
  const place = scroll > 0 ? `${below} more below, end follows` : live ? 'live' : '';
  return paint(`Log${place === '' ? '' : ` (${place})`}`, 1, look);
}

const kept = new WeakMap<readonly string[], { columns: number; lines: string[] }>();

/** The same log is drawn many times, and broken into lines once. */
function wrappedLog(log: readonly string[], columns: number): string[] {
  const known = kept.get(log);
  if (known?.columns === columns) return known.lines;
  const lines = wrapped(log, columns);
  kept.set(log, { columns, lines });
  return lines;
}
