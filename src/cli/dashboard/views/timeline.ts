/**
 * The last hours as a chart: a lane for each agent (more where its runs overlap) and a block for each run. A block is
 * filled with the letter of its verdict, so that it is readable without colors. Lines below the chart list the
 * continuations.
 */
import type { RunView } from '#protocol/answers.ts';
import { clean } from '../../terminal/clean.ts';
import { type Colour, paint } from '../../terminal/style.ts';
import { cutToWidth, measureWidth } from '../../terminal/width.ts';
import type { Canvas, Facts } from '../model.ts';
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
  return { lines: [...head, ...body, '', ...legend], room, length: lanes.length };
}

type Scale = { readonly from: number; readonly to: number; readonly cells: number; readonly now: number };
type Lane = { readonly name: string; readonly runs: readonly RunView[] };

const startTime = (run: RunView): number => Date.parse(run.startedAt ?? run.queuedAt);
const endTime = (run: RunView, now: number): number => (run.endedAt === null ? now : Date.parse(run.endedAt));

/** Puts overlapping runs of one agent into separate lanes. Plain commands share lanes of their own. */
function buildLanes(runs: readonly RunView[], now: number): Lane[] {
  const byName = Map.groupBy(
    [...runs].sort((a, b) => startTime(a) - startTime(b)),
    (run) => run.agentName ?? 'commands',
  );
  return [...byName]
    .sort(([a], [b]) => (a === 'commands' ? 1 : b === 'commands' ? -1 : a.localeCompare(b)))
    .flatMap(([name, own]) => {
      const lanes: { until: number; runs: RunView[] }[] = [];
      for (const run of own) {
        const free = lanes.find(({ until }) => until <= startTime(run));
        if (free) free.runs.push(run);
        const lane = free ?? { until: 0, runs: [run] };
        if (!free) lanes.push(lane);
        lane.until = endTime(run, now);
      }
      return lanes.map((lane, index) => ({ name: index === 0 ? name : '', runs: lane.runs }));
    });
}

function cellAt(at: number, { from, to, cells }: Scale): number {
  return Math.min(Math.max(Math.floor(((at - from) / (to - from)) * cells), 0), cells - 1);
}

function laneText({ name, runs }: Lane, scale: Scale, { look }: Canvas): string {
  const cells: (string | null)[] = Array.from({ length: scale.cells }, () => null);
  const colours: Colour[] = Array.from({ length: scale.cells }, () => 'gray');
  const ids = new Map(runs.map((run) => [run.id, run]));
  for (const run of runs) {
    const before = run.continuationOf === null ? undefined : ids.get(run.continuationOf);
    if (before)
      for (let at = cellAt(endTime(before, scale.now), scale) + 1; at < cellAt(startTime(run), scale); at += 1)
        cells[at] ??= '─';
    const { letter, colour } = classifyRun(run);
    for (let at = cellAt(startTime(run), scale); at <= cellAt(endTime(run, scale.now), scale); at += 1) {
      cells[at] = letter;
      colours[at] = colour;
    }
  }
  const label = cutToWidth(clean(name), nameWidth - 1);
  return `${label}${' '.repeat(nameWidth - measureWidth(label))}${coloured(cells, colours, look)}`.trimEnd();
}

/** Colors the cells. Neighbors of one color share an escape sequence. */
function coloured(cells: readonly (string | null)[], colours: readonly Colour[], look: Canvas['look']): string {
  let text = '';
  for (let at = 0; at < cells.length; ) {
    let end = at;
    while (end < cells.length && colours[end] === colours[at]) end += 1;
    const part = cells
      .slice(at, end)
      .map((cell) => cell ?? ' ')
      .join('');
    text += part.trim() === '' ? part : paint(part, colours[at] ?? 'gray', look);
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
