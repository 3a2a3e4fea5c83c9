/** A task: a piece of work that runs serve. It is a plain value. Times are milliseconds since the epoch. */
import type { Budget } from '#run/budget.ts';

export const taskStatuses = ['backlog', 'todo', 'in_progress', 'in_review', 'done', 'blocked', 'cancelled'] as const;
export type TaskStatus = (typeof taskStatuses)[number];

/** Kinds of tasks. `plan` and `document` ask for words, so words alone are progress. */
export const taskKinds = ['work', 'plan', 'document'] as const;
export type TaskKind = (typeof taskKinds)[number];

export type Assignee = { readonly kind: 'agent'; readonly agentId: string } | { readonly kind: 'person' };

export type Task = {
  readonly number: number;
  readonly title: string;
  readonly description: string | null;
  readonly acceptance: string | null;
  readonly kind: TaskKind;
  readonly status: TaskStatus;
  readonly priority: number;
  readonly assignee: Assignee | null;
  /** The reason of a blocked task. Null for every other task. */
  readonly blockedReason: string | null;
  /** The action that unblocks it. Null when all that is known is that a person has to look. */
  readonly blockedNext: string | null;
  readonly cwd: string | null;
  /** The folder in which it was created. Its runs work there when neither the task nor its agent names one. */
  readonly madeIn: string;
  /** The run that first took up the task. It stays when that run is lost. */
  readonly checkoutRunId: string | null;
  /** The run that currently holds it. */
  readonly executionRunId: string | null;
  /** Automatic starts that are left before a person is asked. */
  readonly budgetLeft: number;
  /** The budget of all its runs together. Null for none of its own. */
  readonly budget: Budget | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** The last change of its status or its assignee. 0 where an earlier version did not record it. */
  readonly statusAt: number;
  /** When a person dismissed it from the list of items that need attention. Null after any later change. */
  readonly dismissedAt: number | null;
};

/** The author of a change: a person, an agent in one of its runs, or clip itself. */
export type Actor =
  | { readonly kind: 'person' }
  | { readonly kind: 'agent'; readonly name: string; readonly run: number; readonly runId: string }
  | { readonly kind: 'clip' };

export type Comment = {
  readonly id: number;
  readonly task: number;
  readonly author: Actor;
  readonly text: string;
  readonly at: number;
};

/** A revision of a document. The highest number is the current one. */
export type Document = {
  readonly task: number;
  readonly key: string;
  readonly revision: number;
  readonly title: string | null;
  readonly body: string;
  readonly author: Actor;
  readonly at: number;
};

/** The key of the document that clip writes after each run. It is not evidence of work. */
export const summaryKey = 'continuation-summary';

/** Returns whether no more work on the task is expected. */
export function isClosed(status: TaskStatus): boolean {
  return status === 'done' || status === 'cancelled';
}
