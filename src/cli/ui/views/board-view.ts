/** The board: what needs you, what runs, what waits, what has ended; one row is chosen. */
import type { RunView } from '../../../protocol/answers.ts';
import { livenessLabel } from '../../ledger-words.ts';
import { agoWords, type Column, clean, commandWords, elapsedWords, endWords, paint, sizeWords, statusWords, table } from '../../words.ts';
import type { Canvas, Facts } from '../facts.ts';
import type { Row } from '../rows.ts';

type RunRow = Extract<Row, { readonly run: RunView }>;

/** How many lines each section has: what cannot be seen is not made into words. */
type Section = { readonly length: number; readonly lines: (from: number, to: number) => string[] };

/** The board, as long as it is; `shown` gives a part of it, `place` says where the chosen row begins and ends. */
export function boardOf(rows: readonly Row[], chosen: Row | null, facts: Facts, canvas: Canvas) {
  const ofRuns = (section: RunRow['section']): RunRow[] => rows.filter((row): row is RunRow => row.section === section);
  const given = { chosen, canvas };
  const [running, queued, recent] = [ofRuns('running'), ofRuns('queued'), ofRuns('recent')];
  // Of a long queue only the next in line are here.
  const all = facts.board.queue.queued;
  const sections = [
    needsSection(rows, chosen, canvas),
    runsSection(running, `Running ${running.length}`, { ...given, columns: runningColumns(facts, canvas) }),
    runsSection(queued, `Queued ${queued.length}${all > queued.length ? ` of ${all}` : ''}`, { ...given, columns: queuedColumns(facts) }),
    runsSection(recent, `Recently ended ${recent.length}`, { ...given, columns: recentColumns(facts, canvas) }),
  ].filter(({ length }) => length > 0);
  return {
    length: sections.reduce((sum, { length }) => sum + length + 1, -1),
    /** First and last line of the chosen row; null when there is none. */
    place(): readonly [number, number] | null {
      const at = chosen === null ? -1 : rows.indexOf(chosen);
      if (at < 0) return null;
      const before = rows.slice(0, at);
      const height = (row: Row) => (row.section === 'needs' ? 2 : 1);
      const begun = new Set(rows.slice(0, at + 1).map(({ section }) => section)).size;
      const first = before.reduce((sum, row) => sum + height(row), 0) + 2 * begun - 1;
      return [first, first + height(chosen as Row) - 1];
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

function needsSection(rows: readonly Row[], chosen: Row | null, { look }: Canvas): Section {
  const needs = rows.filter((row) => row.section === 'needs');
  if (needs.length === 0) return { length: 0, lines: () => [] };
  const lines = [
    paint(`Needs you ${needs.length}`, 33, look),
    ...needs.flatMap((row) => {
      const { task, title, status, what, next } = row.need;
      const name = task === null ? '' : `T${task} `;
      return [`${mark(row, chosen)}${paint(`${name}${clean(title)}`, 1, look)} (${status}): ${clean(what)}`, `    ${paint(clean(next), 36, look)}`];
    }),
  ];
  return { length: lines.length, lines: (from, to) => lines.slice(from, Math.max(from, to)) };
}

const mark = (row: Row, chosen: Row | null): string => (row.key === chosen?.key ? '▸ ' : '  ');

type Shown = { readonly chosen: Row | null; readonly canvas: Canvas; readonly columns: readonly Column<RunRow>[] };

function runsSection(rows: readonly RunRow[], title: string, { chosen, canvas, columns }: Shown): Section {
  if (rows.length === 0) return { length: 0, lines: () => [] };
  const number: Column<RunRow> = { title: '', cell: (row) => `${mark(row, chosen)}#${row.run.number}` };
  return {
    length: rows.length + 1,
    lines(from, to) {
      if (to <= from) return [];
      const seen = rows.slice(Math.max(0, from - 1), to - 1);
      const [heads = '', ...lines] = table(seen, [number, ...columns], { colour: false, width: canvas.columns }).split('\n');
      return from === 0 ? [paint(over(heads, title), 1, canvas.look), ...lines] : lines;
    },
  };
}

/** The title of a section stands in the line of the columns' heads; those it would touch give way. */
function over(heads: string, title: string): string {
  const rest = heads.slice(title.length);
  return `${title}${rest.replace(/^\S+/, (touched) => ' '.repeat(touched.length))}`.trimEnd();
}

const whose = (run: RunView): string => clean(run.agentName ?? run.name ?? '–');
/** Of an agent, the command line is the least that one wants to know. */
const what = (run: RunView): string => clean(run.agentName === null ? commandWords(run.command) : (run.lastMessage ?? run.adapter));

function runningColumns({ lastLine, now }: Facts, { look }: Canvas): Column<RunRow>[] {
  return [
    { title: 'STATUS', cell: ({ run }) => statusWords(run, look) },
    { title: 'WHO', cell: ({ run }) => whose(run), flexible: true },
    { title: 'TASK', cell: ({ run }) => (run.taskId === null ? '–' : `T${run.taskId}`), from: 100 },
    { title: 'TIME', cell: ({ run }) => elapsedWords(run, now), right: true },
    { title: 'CPU', cell: ({ run }) => (run.cpuPercent === null ? '–' : `${Math.round(run.cpuPercent)} %`), right: true, from: 70 },
    { title: 'MEMORY', cell: ({ run }) => sizeWords(run.memoryBytes), right: true, from: 76 },
    { title: 'SILENCE', cell: ({ run }) => endWords(run) || (run.silence ?? '–'), from: 90 },
    { title: 'TOKENS', cell: ({ run }) => tokens(run), right: true, from: 110 },
    { title: 'LAST LINE', cell: ({ run }) => lastLine(run) ?? what(run), flexible: true },
  ];
}

/** Both ways; – where the agent does not tell. */
function tokens({ usage }: RunView): string {
  if (usage === null || usage.inputTokens === null || usage.outputTokens === null) return '–';
  const all = usage.inputTokens + usage.outputTokens;
  return all < 10_000 ? String(all) : `${Math.round(all / 1_000)}k`;
}

function queuedColumns({ now }: Facts): Column<RunRow>[] {
  return [
    { title: 'WHO', cell: ({ run }) => whose(run), flexible: true },
    { title: 'TASK', cell: ({ run }) => (run.taskId === null ? '–' : `T${run.taskId}`), from: 100 },
    { title: 'QUEUED', cell: ({ run }) => agoWords(run.queuedAt, now), right: true, from: 70 },
    { title: 'WAITS FOR', cell: ({ run }) => clean(run.waitingFor ?? 'its turn'), flexible: true },
    { title: 'COMMAND', cell: ({ run }) => what(run), flexible: true, from: 90 },
  ];
}

function recentColumns({ now }: Facts, { look }: Canvas): Column<RunRow>[] {
  return [
    { title: 'STATUS', cell: ({ run }) => statusWords(run, look) },
    { title: 'END', cell: ({ run }) => (run.status === 'succeeded' && run.livenessState !== null ? livenessLabel(run) : endWords(run)), from: 60 },
    { title: 'WHO', cell: ({ run }) => whose(run), flexible: true },
    { title: 'TASK', cell: ({ run }) => (run.taskId === null ? '–' : `T${run.taskId}`), from: 100 },
    { title: 'TIME', cell: ({ run }) => elapsedWords(run, now), right: true, from: 50 },
    { title: 'WHEN', cell: ({ run }) => (run.endedAt === null ? '–' : agoWords(run.endedAt, now)), right: true, from: 90 },
    {
      title: 'LAST WORDS',
      cell: ({ run }) => (run.error === null && run.nextAction === null ? what(run) : clean(run.nextAction ?? run.error ?? '')),
      flexible: true,
    },
  ];
}
