/** The data that views show beside the state. */
import type { RunView, ShowAnswer } from '#protocol/answers.ts';
import type { DocumentView, LedgerAnswer, TaskShowAnswer } from '#protocol/tasks.ts';
import type { Lost } from '../client/client.ts';
import type { TextStyle } from '../terminal/style.ts';
import type { Board } from './board.ts';

/** The state of the connection. A lost daemon is awaited. */
export type Connection = 'live' | Lost;

export type TaskPage = {
  readonly shown: TaskShowAnswer;
  readonly ledger: LedgerAnswer;
  readonly summary: DocumentView | null;
};

/** The data of an opened page beyond the board. Null until it has been read. */
export type OpenedRun = {
  readonly run: ShowAnswer | null;
  /** The end of its log, cleaned, one entry per line. */
  readonly log: readonly string[] | null;
  readonly task: TaskPage | null;
  readonly timeline: readonly RunView[] | null;
  /** Why it could not be read. */
  readonly trouble: string | null;
};
/** The data of a page that was not read yet. */
export const nothingOpened: OpenedRun = { run: null, log: null, task: null, timeline: null, trouble: null };

export type Facts = {
  readonly board: Board;
  readonly connection: Connection;
  /** Returns the last line of a run's output. It is read only for visible runs. */
  readonly lastLine: (run: RunView) => string | null;
  readonly opened: OpenedRun;
  readonly now: number;
};

export type Size = { readonly columns: number; readonly rows: number };
export type Canvas = { readonly columns: number; readonly rows: number; readonly look: TextStyle };
