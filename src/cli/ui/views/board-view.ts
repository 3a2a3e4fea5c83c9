/** The board: what needs you, what runs, what waits, what has ended; one row is chosen. */
import type { RunView } from '../../../protocol/answers.ts';
import { livenessLabel } from '../../ledger-words.ts';
import { agoWords, type Column, clean, commandWords, elapsedWords, endWords, paint, sizeWords, statusWords, table } from '../../words.ts';
import type { Canvas, Facts } from '../facts.ts';
import type { Row } from '../rows.ts';

/** A line of the board, and the row it belongs to. */
export type BoardLine = { readonly text: string; readonly key: string | null };

type RunRow = Extract<Row, { readonly run: RunView }>;

export function boardLines(rows: readonly Row[], chosen: Row | null, facts: Facts, canvas: Canvas): BoardLine[] {
  const sections = [
    needsSection(rows, chosen, canvas),
    runsSection(
      rows.filter((row): row is RunRow => row.section === 'running'),
      'Running',
      { chosen, facts, canvas, columns: runningColumns(facts, canvas) },
    ),
    runsSection(
      rows.filter((row): row is RunRow => row.section === 'queued'),
      'Queued',
      { chosen, facts, canvas, columns: queuedColumns(facts) },
    ),
    runsSection(
      rows.filter((row): row is RunRow => row.section === 'recent'),
      'Recently ended',
      { chosen, facts, canvas, columns: recentColumns(facts, canvas) },
    ),
  ].filter((section) => section.length > 0);
  return sections.flatMap((section, index) => (index === 0 ? section : [{ text: '', key: null }, ...section]));
}

function needsSection(rows: readonly Row[], chosen: Row | null, { look }: Canvas): BoardLine[] {
  const needs = rows.filter((row) => row.section === 'needs');
  if (needs.length === 0) return [];
  return [
    { text: paint(`Needs you ${needs.length}`, 33, look), key: null },
    ...needs.flatMap((row) => {
      const { task, title, status, what, next } = row.need;
      const name = task === null ? '' : `T${task} `;
      return [
        { text: `${mark(row, chosen)}${paint(`${name}${clean(title)}`, 1, look)} (${status}): ${clean(what)}`, key: row.key },
        { text: `    ${paint(clean(next), 36, look)}`, key: row.key },
      ];
    }),
  ];
}

const mark = (row: Row, chosen: Row | null): string => (row.key === chosen?.key ? '▸ ' : '  ');

type Section = { readonly chosen: Row | null; readonly facts: Facts; readonly canvas: Canvas; readonly columns: readonly Column<RunRow>[] };

function runsSection(rows: readonly RunRow[], title: string, { chosen, canvas, columns }: Section): BoardLine[] {
  if (rows.length === 0) return [];
  const number: Column<RunRow> = { title: '', cell: (row) => `${mark(row, chosen)}#${row.run.number}` };
  const look = { ...canvas.look, width: canvas.columns };
  const [, ...lines] = table(rows, [number, ...columns], look).split('\n');
  const [heads = ''] = table(rows, [number, ...columns], { ...look, colour: false }).split('\n');
  return [
    { text: paint(over(heads, `${title} ${rows.length}`), 1, canvas.look), key: null },
    ...lines.map((text, index) => ({ text, key: rows[index]?.key ?? null })),
  ];
}

/** The title of a section stands in the line of the columns' heads; those it would touch give way. */
function over(heads: string, title: string): string {
  const rest = heads.slice(title.length);
  return `${title}${rest.replace(/^\S+/, (touched) => ' '.repeat(touched.length))}`.trimEnd();
}

const whose = (run: RunView): string => clean(run.agentName ?? run.name ?? '–');
const what = (run: RunView): string => clean(commandWords(run.command));

function runningColumns({ lastLines, now }: Facts, { look }: Canvas): Column<RunRow>[] {
  return [
    { title: 'STATUS', cell: ({ run }) => statusWords(run, look) },
    { title: 'WHO', cell: ({ run }) => whose(run), flexible: true },
    { title: 'TASK', cell: ({ run }) => (run.taskId === null ? '–' : `T${run.taskId}`), from: 100 },
    { title: 'TIME', cell: ({ run }) => elapsedWords(run, now), right: true },
    { title: 'CPU', cell: ({ run }) => (run.cpuPercent === null ? '–' : `${Math.round(run.cpuPercent)} %`), right: true, from: 70 },
    { title: 'MEMORY', cell: ({ run }) => sizeWords(run.memoryBytes), right: true, from: 76 },
    { title: 'SILENCE', cell: ({ run }) => endWords(run) || (run.silence ?? '–'), from: 90 },
    { title: 'TOKENS', cell: ({ run }) => tokens(run), right: true, from: 110 },
    { title: 'LAST LINE', cell: ({ run }) => lastLines.get(run.number) ?? what(run), flexible: true },
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
    { title: 'CAME TO', cell: ({ run }) => (run.agentName === null && run.livenessState === null ? endWords(run) : livenessLabel(run)), from: 60 },
    { title: 'WHO', cell: ({ run }) => whose(run), flexible: true },
    { title: 'TASK', cell: ({ run }) => (run.taskId === null ? '–' : `T${run.taskId}`), from: 100 },
    { title: 'TIME', cell: ({ run }) => elapsedWords(run, now), right: true, from: 50 },
    { title: 'ENDED', cell: ({ run }) => (run.endedAt === null ? '–' : agoWords(run.endedAt, now)), right: true, from: 90 },
    { title: 'COMMAND', cell: ({ run }) => clean(run.nextAction ?? run.error ?? commandWords(run.command)), flexible: true },
  ];
}
