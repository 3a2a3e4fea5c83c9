/** What the views show beside the state: all that was read, as it is now. */
import type { RunView, ShowAnswer } from '../../protocol/answers.ts';
import type { DocumentView, LedgerAnswer, TaskShowAnswer } from '../../protocol/tasks.ts';
import type { Lost } from '../client.ts';
import type { Look } from '../words.ts';
import type { Board } from './board.ts';

/** A daemon that is lost is waited for. */
export type Connection = 'live' | Lost;

export type TaskPage = { readonly shown: TaskShowAnswer; readonly ledger: LedgerAnswer; readonly summary: DocumentView | null };

/** What a page needs beyond the board; null until it has been read. */
export type Opened = {
  readonly run: ShowAnswer | null;
  /** The end of its log, cleaned, a line each. */
  readonly log: readonly string[] | null;
  readonly task: TaskPage | null;
  readonly timeline: readonly RunView[] | null;
  /** Why it could not be read. */
  readonly trouble: string | null;
};
export const nothingOpened: Opened = { run: null, log: null, task: null, timeline: null, trouble: null };

export type Facts = {
  readonly board: Board;
  readonly connection: Connection;
  /** The last thing that a run said; read only for those that are seen. */
  readonly lastLine: (run: RunView) => string | null;
  readonly opened: Opened;
  readonly now: number;
};

export type Size = { readonly columns: number; readonly rows: number };
export type Canvas = { readonly columns: number; readonly rows: number; readonly look: Look };
