/** The board of the dashboard. Each line from the daemon is a change of it. */
import type { RunView } from '#protocol/answers.ts';
import type { BoardLine, BoardParts } from '#protocol/board.ts';

export type Board = BoardParts & { readonly runs: ReadonlyMap<number, RunView> };

/** Returns the board after a line, or null until all parts were received once. Runs that are on no list are dropped. */
export function withNews(board: Board | null, line: BoardLine): Board | null {
  const { daemon, queue, spentToday, needsYou, live, queued, recent } = { ...board, ...line };
  if (!daemon || !queue || !spentToday || !needsYou || !live || !queued || !recent) return null;
  const known = new Map([...(board?.runs ?? []), ...line.runs.map((run) => [run.number, run] as const)]);
  const runs = new Map(
    [...live, ...queued, ...recent].flatMap((number) =>
      known.has(number) ? [[number, known.get(number) as RunView]] : [],
    ),
  );
  return { daemon, queue, spentToday, needsYou, live, queued, recent, runs };
}

/** Returns the runs of one list. */
export function runsOn(board: Board, list: 'live' | 'queued' | 'recent'): RunView[] {
  return board[list].flatMap((number) => board.runs.get(number) ?? []);
}
