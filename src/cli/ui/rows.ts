/** What can be chosen on the board, in the order in which it stands there. */
import type { RunView } from '../../protocol/answers.ts';
import type { NeedView } from '../../protocol/needs.ts';
import { type Board, runsOn } from './board.ts';

export type Row = { readonly key: string } & (
  | { readonly section: 'needs'; readonly need: NeedView }
  | { readonly section: 'running' | 'queued' | 'recent'; readonly run: RunView }
);

/** Those in which every word of the filter occurs. */
export function rowsOf(board: Board, filter: string): Row[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const ofRuns = (section: 'running' | 'queued' | 'recent', runs: readonly RunView[]): Row[] => runs.map((run) => ({ key: `run:${run.number}`, section, run }));
  const all: Row[] = [
    ...board.needsYou.map((need): Row => ({ key: `need:${need.kind}:${need.task ?? need.run ?? need.agent ?? ''}`, section: 'needs', need })),
    ...ofRuns('running', runsOn(board, 'live')),
    ...ofRuns('queued', runsOn(board, 'queued')),
    ...ofRuns('recent', runsOn(board, 'recent')),
  ];
  return words.length === 0 ? all : all.filter((row) => words.every((word) => textOf(row).includes(word)));
}

/** What the filter looks at. */
function textOf(row: Row): string {
  if (row.section === 'needs') {
    const { task, run, agent, title, status, what } = row.need;
    return `${task === null ? '' : `t${task}`} ${run === null ? '' : `#${run}`} ${agent ?? ''} ${title} ${status} ${what}`.toLowerCase();
  }
  const { number, name, status, agentName, taskId, command, group, labels, livenessState, errorCode } = row.run;
  const parts = [`#${number}`, name, status, agentName, taskId === null ? null : `t${taskId}`, ...command, group, livenessState, errorCode];
  const named = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return [...parts, ...named]
    .filter((part) => part !== null)
    .join(' ')
    .toLowerCase();
}

/** The run that a row is about; null where it is about none. */
export function runOf(row: Row | null): number | null {
  return row === null ? null : row.section === 'needs' ? row.need.run : row.run.number;
}

export function taskOf(row: Row | null): number | null {
  return row === null ? null : row.section === 'needs' ? row.need.task : row.run.taskId;
}

/** The chosen row; the first when the chosen one has gone. */
export function rowOf(state: { readonly chosen: string | null }, rows: readonly Row[]): Row | null {
  return rows.find(({ key }) => key === state.chosen) ?? rows[0] ?? null;
}
