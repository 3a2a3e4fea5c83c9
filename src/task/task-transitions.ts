/**
 * The state machine of a task.
 *
 * A task in the *backlog* is not scheduled yet. A *todo* task may be started; it starts as soon as it is assigned to an
 * agent. It is *in_progress* from its first live run, or when a person starts it. It is *in_review* when an agent says
 * that it is done, and *done* when a person agrees. It is *blocked* when only a person can move it on. A *done* or
 * *cancelled* task must be reopened before it can change.
 */
import { budgetMax } from './continuation/continuation-budget.ts';
import { type Assignee, isClosed, type Task, type TaskStatus } from './task.ts';

export type TaskChange =
  | { readonly type: 'start' }
  /** A run of the task is alive. */
  | { readonly type: 'picked-up'; readonly runId: string }
  | { readonly type: 'review' }
  | { readonly type: 'done' }
  | { readonly type: 'cancel' }
  | { readonly type: 'reopen' }
  | { readonly type: 'block'; readonly reason: string; readonly next: string | null }
  | { readonly type: 'assign'; readonly assignee: Assignee | null }
  | { readonly type: 'edit'; readonly fields: Partial<TaskFields> };

/** The fields that a person may set freely. */
export type TaskFields = Pick<Task, 'title' | 'description' | 'acceptance' | 'kind' | 'priority' | 'cwd' | 'budget'>;

export type TaskTransition =
  | { readonly kind: 'changed'; readonly task: Task }
  /** The task has that state already, so nothing is recorded. */
  | { readonly kind: 'same'; readonly why: string }
  | { readonly kind: 'refused'; readonly why: string; readonly hint: string };

/** Applies a change to a task. `byPerson`: every change by a person restores the full budget of automatic starts. */
export function changeTask(
  task: Task,
  change: TaskChange,
  by: { readonly byPerson: boolean; readonly at: number },
): TaskTransition {
  const refused = findRefusal(task, change);
  if (refused) return refused;
  const next = changed(task, change);
  if (next === null) return { kind: 'same', why: `T${task.number} is ${words[task.status]} already.` };
  const moved = next.status !== task.status || next.assignee !== task.assignee || change.type === 'block';
  const given = moved ? { statusAt: by.at, dismissedAt: null } : {};
  const budgetLeft = by.byPerson ? budgetMax : next.budgetLeft;
  return { kind: 'changed', task: { ...next, ...given, budgetLeft, updatedAt: by.at } };
}

const words: Readonly<Record<TaskStatus, string>> = {
  backlog: 'in the backlog',
  todo: 'todo',
  in_progress: 'in progress',
  in_review: 'in review',
  done: 'done',
  blocked: 'blocked',
  cancelled: 'cancelled',
};

function findRefusal({ number, status }: Task, { type }: TaskChange): TaskTransition | null {
  if (!isClosed(status) || type === 'reopen' || type === 'edit') return null;
  if ((type === 'done' && status === 'done') || (type === 'cancel' && status === 'cancelled')) return null;
  return {
    kind: 'refused',
    why: `T${number} is ${words[status]}.`,
    hint: `Open it again first: clip task reopen T${number}`,
  };
}

/** Returns the changed task, or null when nothing changes. */
function changed(task: Task, change: TaskChange): Task | null {
  switch (change.type) {
    case 'edit':
      return { ...task, ...change.fields };
    case 'assign':
      return {
        ...task,
        assignee: change.assignee,
        status: task.status === 'backlog' && change.assignee !== null ? 'todo' : task.status,
      };
    case 'block':
      return { ...task, status: 'blocked', blockedReason: change.reason, blockedNext: change.next };
    case 'picked-up': {
      if (task.status !== 'todo' && task.status !== 'backlog' && task.checkoutRunId !== null) return null;
      const status = task.status === 'todo' || task.status === 'backlog' ? 'in_progress' : task.status;
      return { ...task, status, checkoutRunId: task.checkoutRunId ?? change.runId };
    }
    case 'reopen':
      if (task.status === 'todo') return null;
      return { ...task, status: 'todo', blockedReason: null, blockedNext: null, checkoutRunId: null };
    default: {
      const status = statusAfter[change.type];
      return task.status === status ? null : { ...task, status, blockedReason: null, blockedNext: null };
    }
  }
}

const statusAfter = { start: 'in_progress', review: 'in_review', done: 'done', cancel: 'cancelled' } as const;
