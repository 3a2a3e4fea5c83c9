import type { Budget } from '../run/budget.ts';

/** A task: a piece of work that runs serve. Like a run it is a plain value; times are milliseconds since the epoch. */

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
  /** What a person must do; only a blocked task has one. */
  readonly blockedReason: string | null;
  readonly cwd: string | null;
  /** The run that took the task up; it stays when that run is lost. */
  readonly checkoutRunId: string | null;
  /** The run that holds it now. */
  readonly executionRunId: string | null;
  /** Automatic starts that are left before a person is asked. */
  readonly budgetLeft: number;
  /** What all its runs together may use; null for no limit of its own. */
  readonly budget: Budget | null;
  /** Why nothing of it starts, although its status would let it; null when nothing holds it. */
  readonly paused: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
};

/** Nothing more is wanted of it. */
export function isClosed(status: TaskStatus): boolean {
  return status === 'done' || status === 'cancelled';
}
