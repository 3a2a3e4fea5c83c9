/** What keys act on: the chosen row of the board, or the opened page. Pure. */
import type { RunView } from '#protocol/answers.ts';
import { type DashboardRow, findRow, rowRun, rowTask } from './rows.ts';
import { currentPage, type Scene, type State } from './state.ts';

export type Target = {
  readonly run: number | null;
  /** The run, if the board or the page has it. */
  readonly view: RunView | null;
  readonly task: number | null;
  readonly agent: string | null;
  /** The folder in which the work is done. Null when it is not known. */
  readonly folder: string | null;
  readonly row: DashboardRow | null;
};

/** Returns what the keys act on now. */
export function findTarget(state: State, scene: Scene): Target {
  const page = currentPage(state);
  if (page.name === 'run') return ofRun(page.run, scene, null);
  if (page.name === 'task') return ofTask(page.task, scene);
  if (page.name !== 'board') return nothing;
  const row = findRow(state, scene.rows);
  if (row === null) return nothing;
  if (row.section !== 'needs') return ofRun(row.run.number, scene, row);
  const run = rowRun(row);
  const view = run === null ? null : (scene.runs.get(run) ?? null);
  return { run, view, task: rowTask(row), agent: row.need.agent, folder: view?.cwd ?? null, row };
}

const nothing: Target = { run: null, view: null, task: null, agent: null, folder: null, row: null };

function ofRun(run: number, { runs, run: opened }: Scene, row: DashboardRow | null): Target {
  const view = runs.get(run) ?? (opened?.number === run ? opened : null);
  return {
    run,
    view,
    task: view?.taskId ?? null,
    agent: view?.agentName ?? null,
    folder: view?.cwd ?? null,
    row,
  };
}

function ofTask(task: number, { task: opened }: Scene): Target {
  const known = opened?.number === task ? opened : null;
  const agent = known === null || known.assignee === 'me' ? null : known.assignee;
  return { ...nothing, task, agent, folder: known === null ? null : (known.cwd ?? known.madeIn) };
}
