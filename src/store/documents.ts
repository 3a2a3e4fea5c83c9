/** Documents of tasks. Every revision is kept, and a write that is based on an outdated revision is refused. */
import { and, asc, desc, eq, ne, type SQL, sql } from 'drizzle-orm';
import { type Document, summaryKey } from '#task/task.ts';
import type { Db } from './open.ts';
import { documents } from './task-schema.ts';
import { actor } from './tasks.ts';
import type { WriteTransaction } from './transaction.ts';

export type DocumentHead = Omit<Document, 'body'> & { readonly bytes: number };

export class DocumentStore {
  readonly #db: Db;
  readonly #ofRun: ReturnType<typeof prepareOfRun>;

  /** Prepares a statement. Throws if the database cannot be used. */
  constructor(db: Db) {
    this.#db = db;
    this.#ofRun = prepareOfRun(db);
  }

  /** Stores a revision. `revision`: the next one. The caller has compared it with the latest in this transaction. */
  put(_tx: WriteTransaction, document: Document): void {
    const { author } = document;
    this.#db
      .insert(documents)
      .values({ ...document, author: JSON.stringify(author), run: author.kind === 'agent' ? author.run : null })
      .run();
  }

  /** Returns this revision, or the latest; null if there is none. */
  get(task: number, key: string, revision: number | null = null): Document | null {
    const row = this.#db
      .select()
      .from(documents)
      .where(and(ofTask(task, key), revision === null ? undefined : eq(documents.revision, revision)))
      .orderBy(desc(documents.revision))
      .limit(1)
      .get();
    return row ? toDocument(row) : null;
  }

  /** Returns the number of the latest revision; 0 if there is none. */
  latestRevision(task: number, key: string): number {
    const latest = sql<number | null>`max(revision)`;
    return this.#db.select({ latest }).from(documents).where(ofTask(task, key)).get()?.latest ?? 0;
  }

  /**
   * Returns the latest revision of each document, without its body. clip's own documents are included only
   * `withSystem`.
   */
  list(task: number, withSystem: boolean): DocumentHead[] {
    const rows = this.#db
      .select({ ...heads, latest: sql<number>`max(${documents.revision})` })
      .from(documents)
      .where(and(eq(documents.task, task), withSystem ? undefined : ne(documents.key, summaryKey)))
      .groupBy(documents.key)
      .orderBy(asc(documents.key))
      .all();
    return rows.map(({ latest, author, ...head }) => ({
      ...head,
      revision: latest,
      author: actor.parse(JSON.parse(author)),
    }));
  }

  /** Returns the revisions, newest first, without their bodies. */
  history(task: number, key: string, most: number): DocumentHead[] {
    const rows = this.#db
      .select(heads)
      .from(documents)
      .where(ofTask(task, key))
      .orderBy(desc(documents.revision))
      .limit(most)
      .all();
    return rows.map(({ author, ...head }) => ({ ...head, author: actor.parse(JSON.parse(author)) }));
  }

  /**
   * Counts the revisions that a run has written on this task, without clip's own documents. `fresh`: those that
   * differ from every earlier revision. `lastAt`: when the newest of these was written.
   */
  ofRun(run: number, task: number): { count: number; fresh: number; freshPlan: boolean; lastAt: number | null } {
    const row = this.#ofRun.get({ run, task });
    return {
      count: row?.count ?? 0,
      fresh: row?.fresh ?? 0,
      freshPlan: (row?.plans ?? 0) > 0,
      lastAt: row?.lastAt ?? null,
    };
  }
}

function prepareOfRun(db: Db) {
  const p = sql.placeholder;
  const fresh = sql`not exists (select 1 from documents as older
    where older.task = ${documents.task} and older.key = ${documents.key}
    and older.revision < ${documents.revision} and older.body = ${documents.body})`;
  return db
    .select({
      count: sql<number>`count(*)`,
      fresh: sql<number>`coalesce(sum(${fresh}), 0)`,
      plans: sql<number>`coalesce(sum(${documents.key} = 'plan' and ${fresh}), 0)`,
      lastAt: sql<number | null>`max(case when ${fresh} then ${documents.at} end)`,
    })
    .from(documents)
    .where(and(eq(documents.run, p('run')), eq(documents.task, p('task')), ne(documents.key, summaryKey)))
    .prepare();
}

function ofTask(task: number, key: string): SQL | undefined {
  return and(eq(documents.task, task), eq(documents.key, key));
}

const heads = {
  task: documents.task,
  key: documents.key,
  revision: documents.revision,
  title: documents.title,
  author: documents.author,
  at: documents.at,
  bytes: sql<number>`length(cast(${documents.body} as blob))`,
};

function toDocument({ task, key, revision, title, body, author, at }: typeof documents.$inferSelect): Document {
  return { task, key, revision, title, body, author: actor.parse(JSON.parse(author)), at };
}
