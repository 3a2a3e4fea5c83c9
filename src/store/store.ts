import { createAgentStore } from './agents.ts';
import { createArchiveStore } from './archived-logs.ts';
import { createCommentStore } from './comments.ts';
import { createDocumentStore } from './documents.ts';
import { createEventStore } from './events.ts';
import { createGroupStore } from './groups.ts';
import { readMeta, writeMeta } from './meta.ts';
import { failFast, type OpenDatabase, openStore } from './open.ts';
import { createReportStore } from './reports.ts';
import { createReserve, type Reserve } from './reserve.ts';
import { createSpendingStore } from './run-usage.ts';
import { createRunStore } from './runs.ts';
import { createAccountStore, createSessionStore } from './stream-states.ts';
import { createTaskStore } from './tasks.ts';
import { inTransaction, type WriteTransaction } from './transaction.ts';
import { createLedger } from './usage-totals.ts';
import { createWakeStore } from './wakes.ts';
import { createWorkspaceStore } from './workspaces.ts';

export type Store = ReturnType<typeof createStore>;

/** Hooks around changes. */
type Around = {
  readonly before: () => void;
  /** Called for every change that could not be recorded. */
  readonly failed: (error: unknown) => void;
};

/** Creates the store of the daemon. `transaction` is one commit: when it returns, all of it is on disk. */
export function createStore(options: Parameters<typeof openStore>[0] & { around?: Around }) {
  const opened = openStore(options);
  return storeOver(
    opened,
    options.around ?? { before: () => {}, failed: () => {} },
    createReserve(opened.sqlite, options.path),
  );
}

function storeOver({ sqlite, db, close }: OpenDatabase, { before, failed }: Around, reserve: Reserve) {
  return {
    runs: createRunStore(db),
    events: createEventStore(db),
    groups: createGroupStore(db),
    agents: createAgentStore(db),
    streamStates: createAccountStore(db),
    archives: createArchiveStore(db),
    sessions: createSessionStore(db),
    tasks: createTaskStore(db),
    comments: createCommentStore(db),
    documents: createDocumentStore(db),
    wakes: createWakeStore(db),
    ledger: createLedger(db),
    reports: createReportStore(db),
    runUsage: createSpendingStore(db),
    workspaces: createWorkspaceStore(db),
    reserve,
    /** Runs the work in one transaction. Throws if one is open already: its `tx` is passed on instead. */
    transaction: <T>(work: (tx: WriteTransaction) => T): T => {
      if (sqlite.inTransaction) throw new Error('A transaction is open already.');
      before();
      try {
        return inTransaction(sqlite, work);
      } catch (error) {
        failed(error);
        throw error;
      }
    },
    readMeta: (key: string) => readMeta(db, key),
    writeMeta: (tx: WriteTransaction, key: string, value: string) => writeMeta(tx, db, key, value),
    failFast: () => failFast(sqlite),
    close,
  };
}
