/** The board as the dashboard knows it: each line from the daemon says what has changed of it. */
import type { RunView } from '../../protocol/answers.ts';
import type { BoardLine, BoardParts } from '../../protocol/board.ts';

export type Board = BoardParts & { readonly runs: ReadonlyMap<number, RunView> };

/** Null until all parts have been said once; runs that are on no list any more are forgotten. */
export function withNews(board: Board | null, line: BoardLine): Board | null {
  const { daemon, queue, spentToday, needsYou, live, queued, recent } = { ...board, ...line };
  if (!daemon || !queue || !spentToday || !needsYou || !live || !queued || !recent) return null;
  const known = new Map([...(board?.runs ?? []), ...line.runs.map((run) => [run.number, run] as const)]);
  const runs = new Map([...live, ...queued, ...recent].flatMap((number) => (known.has(number) ? [[number, known.get(number) as RunView]] : [])));
  return { daemon, queue, spentToday, needsYou, live, queued, recent, runs };
}

/** The runs of one of its lists, as they are now. */
export function runsOn(board: Board, list: 'live' | 'queued' | 'recent'): RunView[] {
  return board[list].flatMap((number) => board.runs.get(number) ?? []);
}
