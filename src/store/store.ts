/** The store of the daemon: all tables of the database, and the only way to change them. */
import { AgentStore } from './agents.ts';
import { ArchiveStore } from './archived-logs.ts';
import { CommentStore } from './comments.ts';
import { asClipError } from './database-errors.ts';
import { DocumentStore } from './documents.ts';
import { EventStore } from './events.ts';
import { GroupStore } from './groups.ts';
import { readMeta, writeMeta } from './meta.ts';
import { failFast, type OpenDatabase, openStore } from './open.ts';
import { ReportStore } from './reports.ts';
import { Reserve } from './reserve.ts';
import { RunUsageStore } from './run-usage.ts';
import { RunStore } from './runs.ts';
import type { Sqlite } from './sqlite.ts';
import { SessionStore, StreamStateStore } from './stream-states.ts';
import { TaskStore } from './tasks.ts';
import { inAnyTransaction, inTransaction, type WriteTransaction } from './transaction.ts';
import { UsageBooking } from './usage-booking.ts';
import { UsageTotals } from './usage-totals.ts';
import { WakeStore } from './wakes.ts';
import { WorkspaceStore } from './workspaces.ts';

export type Store = {
  readonly runs: RunStore;
  readonly events: EventStore;
  readonly groups: GroupStore;
  readonly agents: AgentStore;
  readonly streamStates: StreamStateStore;
  readonly archives: ArchiveStore;
  readonly sessions: SessionStore;
  readonly tasks: TaskStore;
  readonly comments: CommentStore;
  readonly documents: DocumentStore;
  readonly wakes: WakeStore;
  readonly reports: ReportStore;
  readonly runUsage: RunUsageStore;
  readonly workspaces: WorkspaceStore;
  readonly reserve: Reserve;
  readonly usageTotals: UsageTotals;
  /** Runs the work in one transaction. Throws if one is open already: its `tx` is passed on instead. */
  readonly transaction: <T>(work: (tx: WriteTransaction) => T) => T;
  /** Returns a single fact about the home, or null. */
  readonly readMeta: (key: string) => string | null;
  readonly writeMeta: (tx: WriteTransaction, key: string, value: string) => void;
  /** Makes changes that another program blocks fail at once from now on. */
  readonly failFast: () => void;
  readonly close: () => void;
};

/** Hooks around changes. */
type Around = {
  readonly before: () => void;
  /** Called for every change that could not be recorded. */
  readonly failed: (error: unknown) => void;
};

/**
 * Opens the database and migrates it. Returns the store, whose `transaction` is one commit: when it returns, all of it
 * is on disk. Throws ClipError.
 */
export function createStore(options: Parameters<typeof openStore>[0] & { around?: Around }): Store {
  const opened = openStore(options);
  const around = options.around ?? { before: () => {}, failed: () => {} };
  try {
    const booking = new UsageBooking(opened.sqlite);
    bookDue(opened.sqlite, booking);
    return storeOver(opened, around, booking, new Reserve(opened.sqlite, options.path));
  } catch (error) {
    opened.close();
    throw asClipError(error, options.path);
  }
}

/** Books what another program, or a migration, has left to book. */
function bookDue(sqlite: Sqlite, booking: UsageBooking): void {
  if (booking.isDue()) inAnyTransaction(sqlite, (tx) => booking.settle(tx));
}

function storeOver(
  { sqlite, db, close }: OpenDatabase,
  around: Around,
  booking: UsageBooking,
  reserve: Reserve,
): Store {
  return {
    runs: new RunStore(db),
    events: new EventStore(db),
    groups: new GroupStore(db),
    agents: new AgentStore(db),
    streamStates: new StreamStateStore(db),
    archives: new ArchiveStore(db),
    sessions: new SessionStore(db),
    tasks: new TaskStore(db),
    comments: new CommentStore(db),
    documents: new DocumentStore(db),
    wakes: new WakeStore(db),
    reports: new ReportStore(db),
    runUsage: new RunUsageStore(db),
    workspaces: new WorkspaceStore(db),
    reserve,
    usageTotals: new UsageTotals(sqlite, () => bookDue(sqlite, booking)),
    transaction: (work) => change(sqlite, around, booking, work),
    readMeta: (key) => readMeta(db, key),
    writeMeta: (tx, key, value) => writeMeta(tx, db, key, value),
    failFast: () => failFast(sqlite),
    close,
  };
}

function change<T>(
  sqlite: Sqlite,
  { before, failed }: Around,
  booking: UsageBooking,
  work: (tx: WriteTransaction) => T,
): T {
  if (sqlite.inTransaction) throw new Error('A transaction is open already.');
  before();
  try {
    return inTransaction(sqlite, (tx) => {
      const result = work(tx);
      booking.settle(tx);
      return result;
    });
  } catch (error) {
    failed(error);
    throw error;
  }
}
