/** Comments on tasks. */
import { and, asc, desc, eq, gt, sql } from 'drizzle-orm';
import type { Actor, Comment } from '#task/task.ts';
import type { Db } from './open.ts';
import { comments } from './task-schema.ts';
import { actor } from './tasks.ts';
import type { WriteTransaction } from './transaction.ts';

export class CommentStore {
  readonly #db: Db;
  readonly #ofRun: ReturnType<typeof prepareOfRun>;

  /** Prepares a statement. Throws if the database cannot be used. */
  constructor(db: Db) {
    this.#db = db;
    this.#ofRun = prepareOfRun(db);
  }

  /** Adds a comment. Returns null if one with this key exists. */
  add(
    _tx: WriteTransaction,
    comment: { task: number; author: Actor; text: string; at: number; key: string | null },
  ): Comment | null {
    const { task, author, text, at, key } = comment;
    const row = this.#db
      .insert(comments)
      .values({
        task,
        author: JSON.stringify(author),
        run: author.kind === 'agent' ? author.run : null,
        key,
        text,
        at,
      })
      .onConflictDoNothing()
      .returning()
      .get();
    return row ? toComment(row) : null;
  }

  /** Returns the newest comments, in the order in which they were written. */
  ofTask(task: number, most: number): Comment[] {
    return this.#db
      .select()
      .from(comments)
      .where(eq(comments.task, task))
      .orderBy(desc(comments.id))
      .limit(most)
      .all()
      .map(toComment)
      .reverse();
  }

  /** Returns comments of persons after `at`. */
  byPersonsSince(task: number, at: number, most: number): Comment[] {
    return this.#db
      .select()
      .from(comments)
      .where(
        and(eq(comments.task, task), gt(comments.at, at), sql`json_extract(${comments.author}, '$.kind') = 'person'`),
      )
      .orderBy(asc(comments.id))
      .limit(most)
      .all()
      .map(toComment);
  }

  /** Returns how many comments a run has written on this task, and when it wrote the last one. */
  ofRun(run: number, task: number): { count: number; lastAt: number | null } {
    return this.#ofRun.get({ run, task }) ?? { count: 0, lastAt: null };
  }
}

function prepareOfRun(db: Db) {
  const where = and(eq(comments.run, sql.placeholder('run')), eq(comments.task, sql.placeholder('task')));
  return db
    .select({ count: sql<number>`count(*)`, lastAt: sql<number | null>`max(at)` })
    .from(comments)
    .where(where)
    .prepare();
}

function toComment({ id, task, author, text, at }: typeof comments.$inferSelect): Comment {
  return { id, task, author: actor.parse(JSON.parse(author)), text, at };
}
