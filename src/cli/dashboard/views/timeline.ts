/**
 * The last hours as a chart: a lane for each agent (more where its runs overlap) and a block for each run. A block is
 * filled with the letter of its verdict, so that it is readable without colors. Lines below the chart list the
 * continuations.
 */
import type { RunView } from '#protocol/answers.ts';
import { endTime, placeRuns, startTime } from '../../format/lanes.ts';
import { clean } from '../../terminal/clean.ts';
import { type Colour, paint } from '../../terminal/style.ts';
import { cutToWidth, measureWidth } from '../../terminal/width.ts';
import type { Canvas, Facts } from '../dashboard-model.ts';
import type { Page } from '../state.ts';
import { window, wrapped } from './lines.ts';
import type { Viewed } from './run.ts';

type Kind = { readonly letter: string; readonly colour: Colour; readonly words: string };
const kinds = {
  running: { letter: '▒', colour: 'blue', words: 'running' },
  completed: { letter: 'C', colour: 'green', words: 'completed' },
  advanced: { letter: 'A', colour: 'green', words: 'advanced' },
  plan_only: { letter: 'P', colour: 'yellow', words: 'plan only' },
  empty_response: { letter: 'E', colour: 'yellow', words: 'empty response' },
  needs_followup: { letter: 'N', colour: 'yellow', words: 'needs follow-up' },
  blocked: { letter: 'B', colour: 'yellow', words: 'blocked' },
  failed: { letter: 'F', colour: 'red', words: 'failed' },
  succeeded: { letter: 'S', colour: 'green', words: 'succeeded' },
  cancelled: { letter: 'x', colour: 'gray', words: 'cancelled' },
} as const satisfies Record<string, Kind>;

function classifyRun(run: RunView): Kind {
  if (run.endedAt === null) return kinds.running;
  if (run.status === 'cancelled') return kinds.cancelled;
  if (run.livenessState !== null) return kinds[run.livenessState];
  return run.status === 'succeeded' ? kinds.succeeded : kinds.failed;
}

const hour = 3_600_000;
const nameWidth = 14;

/** Builds the timeline of the hours that the page shows. */
export function timelineView(page: Extract<Page, { name: 'timeline' }>, facts: Facts, canvas: Canvas): Viewed {
  const { columns, rows, look } = canvas;
  const to = facts.now - page.back * hour;
  const from = to - page.hours * hour;
  const runs = (facts.opened.timeline ?? []).filter(
    (run) => run.startedAt !== null && startTime(run) < to && endTime(run, facts.now) > from,
  );
  const scale = { from, to, cells: Math.max(10, columns - nameWidth - 1), now: facts.now };
  const lanes = buildLanes(runs, facts.now).map((lane) => laneText(lane, scale, canvas));
  const title = paint(`Timeline  ${page.hours} h${page.back === 0 ? '' : `, until ${formatClock(to)}`}`, 'bold', look);
  const legend = wrapped([formatLegend(runs, canvas), ...formatChains(runs)], columns);
  const head = [title, formatAxis(scale, canvas)];
  const room = Math.max(1, rows - head.length - legend.length - 1);
  const empty =
    facts.opened.trouble ??
    (facts.opened.timeline === null
      ? 'Reading the last runs…'
      : `Nothing ran in these ${page.hours} hours. ← looks further back, - shows more.`);
  const body = window(
    lanes.length === 0 ? [paint(empty, 'gray', look)] : lanes,
    Math.min(page.scroll, Math.max(0, lanes.length - room)),
    room,
  );
  const at = Math.min(page.scroll + room, lanes.length);
  return { lines: [...head, ...body, '', ...legend], room, length: lanes.length, at, text: null };
}

type Scale = { readonly from: number; readonly to: number; readonly cells: number; readonly now: number };
type Lane = { readonly name: string; readonly runs: readonly RunView[] };

/** Puts overlapping runs of one agent into separate lanes. Plain commands share lanes of their own. */
function buildLanes(runs: readonly RunView[], now: number): Lane[] {
  const inOrder = [...runs].sort((a, b) => startTime(a) - startTime(b));
  return [...Map.groupBy(inOrder, (run) => run.agentName ?? 'commands')]
    .sort(([a], [b]) => (a === 'commands' ? 1 : b === 'commands' ? -1 : a.localeCompare(b)))
    .flatMap(([name, own]) =>
      [...Map.groupBy(placeRuns(own, now), ({ lane }) => lane).values()].map((placed, index) => ({
        name: index === 0 ? name : '',
        runs: placed.map(({ run }) => run),
      })),
    );
}

function cellAt(at: number, { from, to, cells }: Scale): number {
  return Math.min(Math.max(Math.floor(((at - from) / (to - from)) * cells), 0), cells - 1);
}

/** A cell of a lane. Null is empty. */
type Cell = { readonly letter: string; readonly colour: Colour } | null;

function laneText({ name, runs }: Lane, scale: Scale, { look }: Canvas): string {
  const label = cutToWidth(clean(name), nameWidth - 1);
  const gap = ' '.repeat(nameWidth - measureWidth(label));
  return `${label}${gap}${coloured(buildCells(runs, scale), look)}`.trimEnd();
}

/** Fills the cells of each run, and draws a line from its end to its continuation. */
function buildCells(runs: readonly RunView[], scale: Scale): Cell[] {
  const cells: Cell[] = Array.from({ length: scale.cells }, () => null);
  const ids = new Map(runs.map((run) => [run.id, run]));
  for (const run of runs) {
    const [first, last] = [cellAt(startTime(run), scale), cellAt(endTime(run, scale.now), scale)];
    const before = run.continuationOf === null ? undefined : ids.get(run.continuationOf);
    if (before)
      for (let at = cellAt(endTime(before, scale.now), scale) + 1; at < first; at += 1)
        cells[at] ??= { letter: '─', colour: 'gray' };
    for (let at = first; at <= last; at += 1) cells[at] = classifyRun(run);
  }
  return cells;
}

/** Colors the cells. Neighbors of one color share an escape sequence. */
function coloured(cells: readonly Cell[], look: Canvas['look']): string {
  const colourAt = (at: number): Colour => cells[at]?.colour ?? 'gray';
  let text = '';
  for (let at = 0; at < cells.length; ) {
    let end = at;
    while (end < cells.length && colourAt(end) === colourAt(at)) end += 1;
    const part = cells
      .slice(at, end)
      .map((cell) => cell?.letter ?? ' ')
      .join('');
    text += part.trim() === '' ? part : paint(part, colourAt(at), look);
    at = end;
  }
  return text;
}

/** Formats the axis with local times, as many as fit. */
function formatAxis(scale: Scale, { look }: Canvas): string {
  const step = Math.max(8, Math.floor(scale.cells / 6));
  let line = '';
  for (let cell = 0; cell + 5 <= scale.cells; cell += step) {
    line = `${line.padEnd(cell)}${formatClock(scale.from + ((scale.to - scale.from) * cell) / scale.cells)}`;
  }
  return paint(`${' '.repeat(nameWidth)}${line}`, 'gray', look);
}

function formatClock(at: number): string {
  const date = new Date(at);
  return `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`;
}

/** Formats the legend with only the kinds that occur. */
function formatLegend(runs: readonly RunView[], { look }: Canvas): string {
  const there = [...new Set(runs.map(classifyRun))];
  return there.map(({ letter, colour, words }) => `${paint(letter, colour, look)} ${words}`).join('  ');
}

const chainsShown = 3;

/** Formats chains of continuations: `T7: #3 → #5 → #8`. */
function formatChains(runs: readonly RunView[]): string[] {
  const byId = new Map(runs.map((run) => [run.id, run]));
  const followed = new Set(runs.map(({ continuationOf }) => continuationOf));
  const chains = runs.flatMap((last) => {
    if (followed.has(last.id) || last.continuationOf === null) return [];
    const chain = [last];
    for (
      let at = byId.get(last.continuationOf);
      at && chain.length < 50;
      at = at.continuationOf === null ? undefined : byId.get(at.continuationOf)
    )
      chain.unshift(at);
    return [chain];
  });
  return chains
    .filter((chain) => chain.length > 1)
    .slice(0, chainsShown)
    .map(
      (chain) =>
        `${chain[0]?.taskId ? `T${chain[0].taskId}: ` : ''}${chain.map(({ number }) => `#${number}`).join(' → ')}`,
    );
}
