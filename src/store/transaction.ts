import type { Sqlite } from './sqlite.ts';

declare const isOpen: unique symbol;

/**
 * An open transaction of the database. Functions that write take it as their first parameter, so they cannot be
 * called without one. Only this file creates it.
 */
export type WriteTransaction = { readonly [isOpen]: true };

/** Runs the work in one transaction of this connection. The transaction takes the write lock at its beginning. */
export function inTransaction<T>(sqlite: Sqlite, work: (tx: WriteTransaction) => T): T {
  return sqlite.transaction(() => work({} as WriteTransaction)).immediate();
}

/** Runs the work in the open transaction of this connection, or in one of its own. */
export function inAnyTransaction<T>(sqlite: Sqlite, work: (tx: WriteTransaction) => T): T {
  return sqlite.inTransaction ? work({} as WriteTransaction) : inTransaction(sqlite, work);
}
