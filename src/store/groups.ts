import { asc, eq } from 'drizzle-orm';
import type { Db } from './open.ts';
import { groups } from './schema.ts';
import type { WriteTransaction } from './transaction.ts';

export type Group = { readonly name: string; readonly limit: number | null; readonly paused: boolean };

export function createGroupStore(db: Db) {
  return {
    list: (): Group[] => db.select().from(groups).orderBy(asc(groups.name)).all().map(toGroup),

    get(name: string): Group | null {
      const row = db.select().from(groups).where(eq(groups.name, name)).get();
      return row ? toGroup(row) : null;
    },

    put(_tx: WriteTransaction, group: Group): void {
      const row = { name: group.name, limit: group.limit, paused: group.paused ? 1 : 0 };
      db.insert(groups).values(row).onConflictDoUpdate({ target: groups.name, set: row }).run();
    },
  };
}

function toGroup(row: typeof groups.$inferSelect): Group {
  return { name: row.name, limit: row.limit, paused: row.paused === 1 };
}
