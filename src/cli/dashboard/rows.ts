/** The selectable rows of the board, in display order. */
import type { RunView } from '#protocol/answers.ts';
import type { NeedView } from '#protocol/needs.ts';
import { type Board, runsOn } from './board.ts';

export type DashboardRow = { readonly key: string } & (
  | { readonly section: 'needs'; readonly need: NeedView }
  | { readonly section: 'running' | 'queued' | 'recent'; readonly run: RunView }
);

/** Returns the rows that contain every word of the filter. */
export function buildRows(board: Board, filter: string): DashboardRow[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const ofRuns = (section: 'running' | 'queued' | 'recent', runs: readonly RunView[]): DashboardRow[] =>
    runs.map((run) => ({ key: `run:${run.number}`, section, run }));
  const all: DashboardRow[] = [
    ...board.needsYou.map(
      (need): DashboardRow => ({
        key: `need:${need.kind}:${need.task ?? need.run ?? need.agent ?? ''}`,
        section: 'needs',
        need,
      }),
    ),
    ...ofRuns('running', runsOn(board, 'live')),
    ...ofRuns('queued', runsOn(board, 'queued')),
    ...ofRuns('recent', runsOn(board, 'recent')),
  ];
  return words.length === 0 ? all : all.filter((row) => words.every((word) => rowText(row).includes(word)));
}

/** Returns the text that the filter searches. */
function rowText(row: DashboardRow): string {
  if (row.section === 'needs') {
    const { task, run, agent, title, status, what } = row.need;
    const numbers = [task === null ? '' : `t${task}`, run === null ? '' : `#${run}`];
    return [...numbers, agent ?? '', title, status, what].join(' ').toLowerCase();
  }
  const { number, name, status, agentName, taskId, command, group, labels, livenessState, errorCode } = row.run;
  const parts = [
    `#${number}`,
    name,
    status,
    agentName,
    taskId === null ? null : `t${taskId}`,
    ...command,
    group,
    livenessState,
    errorCode,
  ];
  const named = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return [...parts, ...named]
    .filter((part) => part !== null)
    .join(' ')
    .toLowerCase();
}

/** Returns the run of a row, or null. */
export function rowRun(row: DashboardRow | null): number | null {
  return row === null ? null : row.section === 'needs' ? row.need.run : row.run.number;
}

/** Returns the task of a row, or null. */
export function rowTask(row: DashboardRow | null): number | null {
  return row === null ? null : row.section === 'needs' ? row.need.task : row.run.taskId;
}

/** Returns the chosen row. When it has gone, the row at its place is chosen, so that the next key acts nearby. */
export function findRow(
  { chosen, place }: { readonly chosen: string | null; readonly place: number },
  rows: readonly DashboardRow[],
): DashboardRow | null {
  if (chosen === null) return rows[0] ?? null;
  return rows.find(({ key }) => key === chosen) ?? rows[Math.min(place, rows.length - 1)] ?? null;
}
