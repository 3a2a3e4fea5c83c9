import { createAccountStore, createSessionStore } from './accounts.ts';
import { createAgentStore } from './agents.ts';
import { createArchiveStore } from './archives.ts';
import { createCommentStore } from './comments.ts';
import { createDocumentStore } from './documents.ts';
import { createEventStore } from './events.ts';
import { createGroupStore } from './groups.ts';
import { createLedger } from './ledger.ts';
import { readMeta, writeMeta } from './meta.ts';
import { type Opened, openStore } from './open.ts';
import { createReportStore } from './reports.ts';
import { createReserve, type Reserve } from './reserve.ts';
import { createRunStore } from './runs.ts';
import { createSpendingStore } from './spending.ts';
import { createTaskStore } from './tasks.ts';
import { createWakeStore } from './wakes.ts';

export type Store = ReturnType<typeof createStore>;

/** What is to be done around changes. */
type Around = {
  readonly before: () => void;
  /** Hears of every change that could not be recorded. */
  readonly failed: (error: unknown) => void;
};

/** The daemon's store. `transaction` is one commit: all of it is on disk when it returns, or none of it. */
export function createStore(options: Parameters<typeof openStore>[0] & { around?: Around }) {
  const opened = openStore(options);
  return storeOver(opened, options.around ?? { before: () => {}, failed: () => {} }, createReserve(opened.sqlite, options.path));
}

function storeOver({ sqlite, db, close }: Opened, { before, failed }: Around, reserve: Reserve) {
  return {
    runs: createRunStore(db),
    events: createEventStore(db),
    groups: createGroupStore(db),
    agents: createAgentStore(db),
    accounts: createAccountStore(db),
    archives: createArchiveStore(db),
    sessions: createSessionStore(db),
    tasks: createTaskStore(db),
    comments: createCommentStore(db),
    documents: createDocumentStore(db),
    wakes: createWakeStore(db),
    ledger: createLedger(db),
    reports: createReportStore(db),
    spending: createSpendingStore(db),
    reserve,
    transaction: <T>(work: () => T): T => {
      if (!sqlite.inTransaction) before();
      try {
        return sqlite.transaction(work).immediate();
      } catch (error) {
        if (!sqlite.inTransaction) failed(error);
        throw error;
      }
    },
    readMeta: (key: string) => readMeta(db, key),
    writeMeta: (key: string, value: string) => writeMeta(db, key, value),
    close,
  };
}
