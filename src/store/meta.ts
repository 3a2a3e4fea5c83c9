/** Single facts about the home. */
import { eq, sql } from 'drizzle-orm';
import type { Db } from './open.ts';
import { meta } from './schema.ts';
import type { WriteTransaction } from './transaction.ts';

/** A stored count of rows, because counting a million rows takes longer than listing twenty. */
export function count(db: Db, key: string) {
  return {
    get: (): number => Number(readMeta(db, key) ?? 0),
    add(_tx: WriteTransaction, by: number): void {
      db.insert(meta)
        .values({ key, value: String(by) })
        .onConflictDoUpdate({
          target: meta.key,
          set: { value: sql`cast(cast(${meta.value} as integer) + ${by} as text)` },
        })
        .run();
    },
  };
}

export function readMeta(db: Db, key: string): string | null {
  return db.select().from(meta).where(eq(meta.key, key)).get()?.value ?? null;
}

export function writeMeta(_tx: WriteTransaction, db: Db, key: string, value: string): void {
  db.insert(meta).values({ key, value }).onConflictDoUpdate({ target: meta.key, set: { value } }).run();
}
