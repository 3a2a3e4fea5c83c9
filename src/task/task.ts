/** A task: a piece of work that runs serve. Like a run it is a plain value; times are milliseconds since the epoch. */
import type { Budget } from '../run/budget.ts';

export const taskStatuses = ['backlog', 'todo', 'in_progress', 'in_review', 'done', 'blocked', 'cancelled'] as const;
export type TaskStatus = (typeof taskStatuses)[number];

/** `plan` and `document`: words are what is asked for, so words alone are progress. */
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
  /** What stands in the way; only a blocked task has one. */
  readonly blockedReason: string | null;
  /** What moves it on, where more is known than that a person has to look. */
  readonly blockedNext: string | null;
  readonly cwd: string | null;
  /** The folder it was made in: where its runs work when neither it nor its agent names one. */
  readonly madeIn: string;
  /** The run that took the task up; it stays when that run is lost. */
  readonly checkoutRunId: string | null;
  /** The run that holds it now. */
  readonly executionRunId: string | null;
  /** Automatic starts that are left before a person is asked. */
  readonly budgetLeft: number;
  /** What all its runs together may use; null for no limit of its own. */
  readonly budget: Budget | null;
  readonly createdAt: number;
  readonly updatedAt: number;
};

/** Who did something: a person, an agent in one of its runs, or clip by itself. */
export type Actor =
  | { readonly kind: 'person' }
  | { readonly kind: 'agent'; readonly name: string; readonly run: number; readonly runId: string }
  | { readonly kind: 'clip' };

export type Comment = { readonly id: number; readonly task: number; readonly author: Actor; readonly text: string; readonly at: number };

/** A revision of a document; the one with the highest number is what it says now. */
export type Document = {
  readonly task: number;
  readonly key: string;
  readonly revision: number;
  readonly title: string | null;
  readonly body: string;
  readonly author: Actor;
  readonly at: number;
};

/** Written by clip itself after each run; no evidence of anybody's work. */
export const summaryKey = 'continuation-summary';

/** Nothing more is wanted of it. */
export function isClosed(status: TaskStatus): boolean {
  return status === 'done' || status === 'cancelled';
}
