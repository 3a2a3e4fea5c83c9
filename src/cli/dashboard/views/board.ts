/** The board: what needs you, what is running, queued and recently ended. One row is chosen. */
import type { RunView } from '#protocol/answers.ts';
import {
  formatAgo,
  formatElapsed,
  formatEnd,
  formatSize,
  formatStatus,
  formatSubject,
  formatTokens,
} from '../../format/format.ts';
import { livenessLabel } from '../../format/ledger.ts';
import { type Column, table } from '../../format/table.ts';
import { clean } from '../../terminal/clean.ts';
import { paint } from '../../terminal/style.ts';
import type { Canvas, Facts } from '../dashboard-model.ts';
import type { DashboardRow } from '../rows.ts';

type RunRow = Extract<DashboardRow, { readonly run: RunView }>;

/** A section and its number of lines. Lines outside of the screen are not formatted. */
type Section = { readonly length: number; readonly lines: (from: number, to: number) => string[] };

/** Builds the board at its full length. `shown` returns a part of it, and `place` the lines of the chosen row. */
export function buildBoard(rows: readonly DashboardRow[], chosen: DashboardRow | null, facts: Facts, canvas: Canvas) {
  const ofRuns = (section: RunRow['section']): RunRow[] => rows.filter((row): row is RunRow => row.section === section);
  const given = { chosen, canvas };
  const [running, queued, recent] = [ofRuns('running'), ofRuns('queued'), ofRuns('recent')];
  // Of a long queue the board has only the first runs.
  const all = facts.board.queue.queued;
  const sections = [
    needsSection(rows, chosen, canvas),
    runsSection(running, `Running ${running.length}`, { ...given, columns: runningColumns(facts, canvas) }),
    runsSection(queued, `Queued ${queued.length}${all > queued.length ? ` of ${all}` : ''}`, {
      ...given,
      columns: queuedColumns(facts),
    }),
    runsSection(recent, `Recently ended ${recent.length}`, { ...given, columns: recentColumns(facts, canvas) }),
  ].filter(({ length }) => length > 0);
  return {
    length: sections.reduce((sum, { length }) => sum + length + 1, -1),
    /** Returns the first and the last line of the chosen row, or null. */
    place(): readonly [number, number] | null {
      const at = chosen === null ? -1 : rows.indexOf(chosen);
      if (at < 0) return null;
      const before = rows.slice(0, at);
      const height = (row: DashboardRow) => (row.section === 'needs' ? 2 : 1);
      const begun = new Set(rows.slice(0, at + 1).map(({ section }) => section)).size;
      const first = before.reduce((sum, row) => sum + height(row), 0) + 2 * begun - 1;
      return [first, first + height(chosen as DashboardRow) - 1];
    },
    shown(from: number, to: number): string[] {
      const lines: string[] = [];
      let at = 0;
      for (const [index, { length, lines: part }] of sections.entries()) {
        if (index > 0 && at >= from && at < to) lines.push('');
        if (index > 0) at += 1;
        lines.push(...part(Math.max(0, from - at), Math.min(length, to - at)));
        at += length;
      }
      return lines;
    },
  };
}

function needsSection(rows: readonly DashboardRow[], chosen: DashboardRow | null, { look }: Canvas): Section {
  const needs = rows.filter((row) => row.section === 'needs');
  if (needs.length === 0) return { length: 0, lines: () => [] };
  const lines = [
    paint(`Needs you ${needs.length}`, 'yellow', look),
    ...needs.flatMap((row) => {
      const { task, title, status, what, next } = row.need;
      const name = task === null ? '' : `T${task} `;
      return [
        `${mark(row, chosen)}${paint(`${name}${clean(title)}`, 'bold', look)} (${status}): ${clean(what)}`,
        `    ${paint(clean(next), 'cyan', look)}`,
      ];
    }),
  ];
  return { length: lines.length, lines: (from, to) => lines.slice(from, Math.max(from, to)) };
}

const mark = (row: DashboardRow, chosen: DashboardRow | null): string => (row.key === chosen?.key ? '▸ ' : '  ');

type BoardContext = {
  readonly chosen: DashboardRow | null;
  readonly canvas: Canvas;
  readonly columns: readonly Column<RunRow>[];
};

function runsSection(rows: readonly RunRow[], title: string, { chosen, canvas, columns }: BoardContext): Section {
  if (rows.length === 0) return { length: 0, lines: () => [] };
  const number: Column<RunRow> = { title: '', cell: (row) => `${mark(row, chosen)}#${row.run.number}` };
  return {
    length: rows.length + 1,
    lines(from, to) {
      if (to <= from) return [];
      const seen = rows.slice(Math.max(0, from - 1), to - 1);
      const [heads = '', ...lines] = table(seen, [number, ...columns], { colour: false, width: canvas.columns }).split(
        '\n',
      );
      return from === 0 ? [paint(over(heads, title), 'bold', canvas.look), ...lines] : lines;
    },
  };
}

/** Puts the title of a section onto the line of the column heads. Heads that overlap with it are dropped. */
function over(heads: string, title: string): string {
  const rest = heads.slice(title.length);
  return `${title}${rest.replace(/^\S+/, (touched) => ' '.repeat(touched.length))}`.trimEnd();
}

const whose = (run: RunView): string => clean(run.agentName ?? run.name ?? '–');
const what = (run: RunView): string => clean(formatSubject(run));

function runningColumns({ lastLine, now }: Facts, { look }: Canvas): Column<RunRow>[] {
  return [
    { title: 'STATUS', cell: ({ run }) => formatStatus(run, look) },
    { title: 'WHO', cell: ({ run }) => whose(run), flexible: true },
    { title: 'TASK', cell: ({ run }) => (run.taskId === null ? '–' : `T${run.taskId}`), from: 100 },
    { title: 'TIME', cell: ({ run }) => formatElapsed(run, now), right: true },
    {
      title: 'CPU',
      cell: ({ run }) => (run.cpuPercent === null ? '–' : `${Math.round(run.cpuPercent)} %`),
      right: true,
      from: 70,
    },
    { title: 'MEMORY', cell: ({ run }) => formatSize(run.memoryBytes), right: true, from: 76 },
    { title: 'SILENCE', cell: ({ run }) => formatEnd(run) || (run.silence ?? '–'), from: 90 },
    { title: 'TOKENS', cell: ({ run }) => tokens(run), right: true, from: 110 },
    { title: 'WHAT', cell: ({ run }) => what(run), flexible: true, from: 116 },
    { title: 'LAST LINE', cell: ({ run }) => lastLine(run) ?? clean(run.lastMessage ?? '–'), flexible: true },
  ];
}

/** Formats input and output tokens together, or – when the agent does not report them. */
function tokens({ usage }: RunView): string {
  if (usage === null || usage.inputTokens === null || usage.outputTokens === null) return '–';
  return formatTokens(usage.inputTokens + usage.outputTokens);
}

function queuedColumns({ now }: Facts): Column<RunRow>[] {
  return [
    { title: 'WHO', cell: ({ run }) => whose(run), flexible: true },
    { title: 'TASK', cell: ({ run }) => (run.taskId === null ? '–' : `T${run.taskId}`), from: 100 },
    { title: 'QUEUED', cell: ({ run }) => formatAgo(run.queuedAt, now), right: true, from: 70 },
    { title: 'WAITS FOR', cell: ({ run }) => clean(run.waitingFor ?? 'its turn'), flexible: true },
    { title: 'WHAT', cell: ({ run }) => what(run), flexible: true, from: 76 },
  ];
}

/** The width from which ended runs show both what was asked and what was said last. */
const wide = 100;

function recentColumns({ now }: Facts, { look, columns }: Canvas): Column<RunRow>[] {
  return [
    { title: 'STATUS', cell: ({ run }) => formatStatus(run, look) },
    {
      title: 'END',
      cell: ({ run }) =>
        run.status === 'succeeded' && run.livenessState !== null ? livenessLabel(run) : formatEnd(run),
      from: 60,
    },
    { title: 'WHO', cell: ({ run }) => whose(run), flexible: true },
    { title: 'TASK', cell: ({ run }) => (run.taskId === null ? '–' : `T${run.taskId}`), from: 100 },
    { title: 'TIME', cell: ({ run }) => formatElapsed(run, now), right: true, from: 50 },
    {
      title: 'WHEN',
      cell: ({ run }) => (run.endedAt === null ? '–' : formatAgo(run.endedAt, now)),
      right: true,
      from: 90,
    },
    {
      title: 'WHAT',
      cell: ({ run }) => what(run),
      flexible: true,
      from: wide,
    },
    {
      title: 'LAST WORDS',
      cell: ({ run }) =>
        clean(
          run.nextAction ??
            run.error ??
            run.lastMessage ??
            (run.agentName === null && columns < wide ? formatSubject(run) : '–'),
        ),
      flexible: true,
    },
  ];
}
