/** Single facts about the home. */
import { eq, sql } from 'drizzle-orm';
import type { Db } from './open.ts';
import { meta } from './schema.ts';
import type { WriteTransaction } from './transaction.ts';

/** A stored count of rows, because counting a million rows takes longer than listing twenty. */
export class StoredCount {
  readonly #db: Db;
  readonly #key: string;

  constructor(db: Db, key: string) {
    this.#db = db;
    this.#key = key;
  }

  /** Returns the count. */
  get(): number {
    return Number(readMeta(this.#db, this.#key) ?? 0);
  }

  /** Adds to the count. `by` may be negative. */
  add(_tx: WriteTransaction, by: number): void {
    const value = sql`cast(cast(${meta.value} as integer) + ${by} as text)`;
    this.#db
      .insert(meta)
      .values({ key: this.#key, value: String(by) })
      .onConflictDoUpdate({ target: meta.key, set: { value } })
      .run();
  }
}

/** Returns the stored fact, or null. */
export function readMeta(db: Db, key: string): string | null {
  return db.select().from(meta).where(eq(meta.key, key)).get()?.value ?? null;
}

/** Stores a fact. An earlier value is replaced. */
export function writeMeta(_tx: WriteTransaction, db: Db, key: string, value: string): void {
  db.insert(meta).values({ key, value }).onConflictDoUpdate({ target: meta.key, set: { value } }).run();
}
