/** Documents of tasks: every revision is kept, and nobody overwrites what he has not seen. */
import { and, asc, desc, eq, ne, sql } from 'drizzle-orm';
import { type Actor, type Document, summaryKey } from '../task/task.ts';
import type { Db } from './open.ts';
import { documents } from './schema.ts';
import { actor } from './tasks.ts';

export type DocumentHead = Omit<Document, 'body'> & { readonly bytes: number };

export function createDocumentStore(db: Db) {
  const ofTask = (task: number, key: string) => and(eq(documents.task, task), eq(documents.key, key));

  return {
    /** `revision`: the next one; the caller has compared it with the latest in this transaction. */
    put(document: { task: number; key: string; revision: number; title: string | null; body: string; author: Actor; at: number }): void {
      const { author } = document;
      db.insert(documents)
        .values({ ...document, author: JSON.stringify(author), run: author.kind === 'agent' ? author.run : null })
        .run();
    },

    /** This revision, or the latest; null when there is none. */
    get(task: number, key: string, revision: number | null = null): Document | null {
      const row = db
        .select()
        .from(documents)
        .where(and(ofTask(task, key), revision === null ? undefined : eq(documents.revision, revision)))
        .orderBy(desc(documents.revision))
        .limit(1)
        .get();
      return row ? documentOf(row) : null;
    },

    latestRevision: (task: number, key: string): number =>
      db.select({ latest: sql<number | null>`max(revision)` }).from(documents).where(ofTask(task, key)).get()?.latest ?? 0,

    /** The latest revision of each, without its body. What clip writes itself is left out unless asked for. */
    list(task: number, withSystem: boolean): DocumentHead[] {
      const rows = db
        .select({ ...heads, latest: sql<number>`max(${documents.revision})` })
        .from(documents)
        .where(and(eq(documents.task, task), withSystem ? undefined : ne(documents.key, summaryKey)))
        .groupBy(documents.key)
        .orderBy(asc(documents.key))
        .all();
      return rows.map(({ latest, author, ...head }) => ({ ...head, revision: latest, author: actor.parse(JSON.parse(author)) }));
    },

    /** All revisions, newest first, without their bodies. */
    history(task: number, key: string, most: number): DocumentHead[] {
      const rows = db.select(heads).from(documents).where(ofTask(task, key)).orderBy(desc(documents.revision)).limit(most).all();
      return rows.map(({ author, ...head }) => ({ ...head, author: actor.parse(JSON.parse(author)) }));
    },

    /** Revisions that a run has made on this task; clip's own are nobody's. */
    ofRun(run: number, task: number): { count: number; plan: boolean; lastAt: number | null } {
      const row = db
        .select({ count: sql<number>`count(*)`, plans: sql<number>`coalesce(sum(key = 'plan'), 0)`, lastAt: sql<number | null>`max(at)` })
        .from(documents)
        .where(and(eq(documents.run, run), eq(documents.task, task), ne(documents.key, summaryKey)))
        .get();
      return { count: row?.count ?? 0, plan: (row?.plans ?? 0) > 0, lastAt: row?.lastAt ?? null };
    },
  };
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

function documentOf({ task, key, revision, title, body, author, at }: typeof documents.$inferSelect): Document {
  return { task, key, revision, title, body, author: actor.parse(JSON.parse(author)), at };
}
