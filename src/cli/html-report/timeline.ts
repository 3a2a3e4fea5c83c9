/**
 * The timeline of a report: a row for each agent, a block for each run, and a line from each run to its continuation.
 */
import type { RunView } from '#protocol/answers.ts';
import { formatDuration } from '../format/format.ts';
import { type PlacedRun, placeRuns } from '../format/lanes.ts';
import { livenessLabel } from '../format/ledger.ts';
import { cutToWidth } from '../terminal/width.ts';
import { type Html, html, nothing } from './html.ts';
import { classifyMood, formatTime } from './report-model.ts';
import { buildScale, type Scale } from './time-scale.ts';

type Row = {
  readonly name: string;
  readonly blocks: readonly PlacedRun[];
  readonly lanes: number;
  readonly top: number;
};

const width = 1_000;
const left = 130;
const laneHeight = 26;
const head = 30;
const widthMin = 4;
/** The number of lanes for parallel runs of one agent. Further runs share the last one. */
const lanesMax = 8;
/** Below this duration, labels have seconds, because minutes would repeat. */
const secondsBelowMs = 600_000;
/** The width from which a block has room for its number. */
const numberMin = 24;

/** Renders the timeline of runs, or a sentence when none has started. */
export function timeline(runs: readonly RunView[], madeAt: string): Html {
  const rows = buildRows(runs, Date.parse(madeAt));
  const blocks = rows.flatMap((row) => row.blocks);
  const last = rows.at(-1);
  if (last === undefined) return html`<p class="soft">Nothing has run yet.</p>`;
  const scale = buildScale(blocks, left, width - left - 10);
  const height = last.top + last.lanes * laneHeight + 12;
  const lanes = rows.map(renderLane);
  const pauses = scale.pauses.map(({ from, to, x }) => pause(x, height, formatDuration(to - from)));
  const shown = rows.flatMap(({ blocks: each, top }) => each.map((block) => renderBlock(block, top, scale)));
  return html`<div class="wide"><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="When each agent worked">
${labels(blocks, scale)}${lanes}${pauses}
${shown}${chains(rows, scale)}</svg></div>${legend(runs)}`;
}

function buildRows(runs: readonly RunView[], now: number): Row[] {
  const byAgent = new Map<string, RunView[]>();
  for (const run of [...runs].reverse()) {
    if (run.startedAt === null) continue;
    const name = run.agentName ?? 'commands';
    byAgent.set(name, [...(byAgent.get(name) ?? []), run]);
  }
  let top = head;
  return [...byAgent].map(([name, all]) => {
    const blocks = placeRuns(all, now, lanesMax);
    const lanes = Math.max(...blocks.map(({ lane }) => lane)) + 1;
    const row = { name, blocks, lanes, top };
    top += lanes * laneHeight + 8;
    return row;
  });
}

function renderLane({ name, lanes, top }: Row): Html {
  const [columns, height] = [width - left - 10, lanes * laneHeight];
  return html`<rect class="lane" x="${left}" y="${top}" width="${columns}" height="${height}" rx="4"/>
<text x="0" y="${top + 17}">${cutToWidth(name, 17)}</text>`;
}

function place({ from, to, lane }: PlacedRun, top: number, scale: Scale) {
  const x = scale.x(from);
  return {
    x: round(x),
    y: top + lane * laneHeight + 3,
    columns: round(Math.max(widthMin, scale.x(to) - x)),
    rows: laneHeight - 6,
  };
}

function renderBlock(block: PlacedRun, top: number, scale: Scale): Html {
  const { run, from, to } = block;
  const { x, y, columns, rows } = place(block, top, scale);
  const number =
    columns < numberMin ? nothing : html`<text class="number" x="${x + 5}" y="${y + 14}">${run.number}</text>`;
  const who = `Run ${run.number}, ${run.agentName ?? run.command.join(' ')}`;
  const when = `${formatDuration(to - from)}, from ${formatTime(run.startedAt ?? '')}`;
  const title = html`<title>${`${who}: ${livenessLabel(run)}, ${run.status}, ${when}`}</title>`;
  const bar = html`<rect class="block" x="${x}" y="${y}" width="${columns}" height="${rows}" rx="3"/>`;
  return html`<a href="#run-${run.number}"><g class="${classifyMood(run)}">${title}${bar}${number}</g></a>
`;
}

/** Draws lines from the end of a run to the beginning of its continuation. */
function chains(rows: readonly Row[], scale: Scale): Html[] {
  const placed = new Map(
    rows.flatMap(({ blocks, top }) => blocks.map((block) => [block.run.id, place(block, top, scale)] as const)),
  );
  return rows.flatMap(({ blocks }) =>
    blocks.flatMap(({ run }) => {
      const [before, after] = [placed.get(run.continuationOf ?? run.retryOfRunId ?? ''), placed.get(run.id)];
      if (before === undefined || after === undefined) return [];
      const [x1, y1, x2, y2] = [
        round(before.x + before.columns),
        before.y + before.rows,
        after.x,
        after.y + after.rows,
      ];
      const down = Math.max(y1, y2) + 7;
      return [html`<path class="chain" d="M${x1} ${y1} C${x1} ${down} ${x2} ${down} ${x2} ${y2}"/>`];
    }),
  );
}

function pause(x: number, height: number, words: string): Html {
  const title = html`<title>${words} without a run</title>`;
  return html`<line class="gap" x1="${round(x)}" y1="${head - 6}" x2="${round(x)}" y2="${height}">${title}</line>`;
}

/** Returns a time label for the beginning of each block, as far as there is room. */
function labels(blocks: readonly PlacedRun[], scale: Scale): Html[] {
  const begins = [...blocks].sort((a, b) => a.from - b.from);
  const shown: Html[] = [];
  const short = Math.max(...blocks.map(({ to }) => to)) - Math.min(...blocks.map(({ from }) => from)) < secondsBelowMs;
  let free = 0;
  let day = '';
  for (const { from } of begins) {
    const x = scale.x(from);
    if (x < free) continue;
    const at = new Date(from).toISOString();
    const words = `${at.slice(0, 10) === day ? '' : `${at.slice(5, 10)} `}${at.slice(11, short ? 19 : 16)}`;
    day = at.slice(0, 10);
    free = x + 110;
    if (x < width - 90) shown.push(html`<text class="soft" x="${round(x)}" y="16">${words}</text>`);
  }
  return shown;
}

function legend(runs: readonly RunView[]): Html {
  const words = new Map(
    runs.filter(({ startedAt }) => startedAt !== null).map((run) => [livenessLabel(run), classifyMood(run)]),
  );
  const verdicts = [...words].map(([label, mood]) => html`<span class="verdict ${mood}">${label}</span>`);
  const signs = 'times in UTC; lines lead from a run to the one that took it up; dashed: a long pause';
  return html`<p class="legend">${verdicts}<span class="soft">${signs}</span></p>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
