/** Groups of runs. */
import { asc, eq } from 'drizzle-orm';
import type { Db } from './open.ts';
import { groups } from './schema.ts';
import type { WriteTransaction } from './transaction.ts';

export type Group = { readonly name: string; readonly limit: number | null; readonly paused: boolean };

export class GroupStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Returns all groups, by name. */
  list(): Group[] {
    return this.#db.select().from(groups).orderBy(asc(groups.name)).all().map(toGroup);
  }

  /** Returns the group with this name, or null. */
  get(name: string): Group | null {
    const row = this.#db.select().from(groups).where(eq(groups.name, name)).get();
    return row ? toGroup(row) : null;
  }

  /** Removes a group. Its runs keep its name, and nothing bounds them any more. */
  remove(_tx: WriteTransaction, name: string): void {
    this.#db.delete(groups).where(eq(groups.name, name)).run();
  }

  /** Stores a group. Its earlier settings are replaced. */
  put(_tx: WriteTransaction, group: Group): void {
    const row = { name: group.name, limit: group.limit, paused: group.paused ? 1 : 0 };
    this.#db.insert(groups).values(row).onConflictDoUpdate({ target: groups.name, set: row }).run();
  }
}

function toGroup(row: typeof groups.$inferSelect): Group {
  return { name: row.name, limit: row.limit, paused: row.paused === 1 };
}
