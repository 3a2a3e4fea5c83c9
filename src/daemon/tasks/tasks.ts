/**
 * Tasks. Every change of a task goes through here. The change, its actor, and what follows from it (an agent is
 * woken, pending wakes are dropped) share one transaction.
 */

import { cutText } from '#run/cut-text.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import type { Run } from '#run/run.ts';
import type { Store } from '#store/store.ts';
import { budgetMax } from '#task/continuation/continuation-budget.ts';
import { type Actor, type Assignee, type Comment, type Document, summaryKey, type Task } from '#task/task.ts';
import { changeTask, type TaskChange, type TaskFields } from '#task/task-transitions.ts';
import type { Supervisor } from '../core/supervisor.ts';

export type Tasks = ReturnType<typeof createTasks>;
export type NewTask = TaskFields & {
  readonly madeIn: string;
  readonly assignee: Assignee | null;
  readonly inBacklog: boolean;
};

/** `followed`: applies a change to wakes and runs. Called in the same transaction. */
export function createTasks(deps: {
  store: Store;
  supervisor: Supervisor;
  now: () => number;
  followed: (before: Task | null, task: Task, change: TaskChange['type'] | 'add', by: Actor) => void;
}) {
  const { store, supervisor, now } = deps;

  /** Returns the task with this number. Throws if there is none. */
  function get(number: number): Task {
    const task = store.tasks.byNumber(number);
    if (task) return task;
    throw new ClipError('not_found', `There is no task T${number}.`, 'clip task list shows what there is.');
  }

  /** Adds a task. `inserted` is called inside the transaction, before anything follows from the new task. */
  function add({ inBacklog, ...fields }: NewTask, by: Actor, inserted: (task: number) => void = () => {}): Task {
    return supervisor.together(() => {
      const at = now();
      const task = store.tasks.insert({
        ...fields,
        status: inBacklog ? 'backlog' : 'todo',
        blockedReason: null,
        blockedNext: null,
        checkoutRunId: null,
        executionRunId: null,
        budgetLeft: budgetMax,
        createdAt: at,
        updatedAt: at,
        statusAt: at,
        dismissedAt: null,
      });
      inserted(task.number);
      note(task, 'task-added', { title: task.title, status: task.status, assignee: task.assignee }, by);
      deps.followed(null, task, 'add', by);
      return get(task.number);
    });
  }

  /** Changes a task. Throws if the change makes no sense in its state; does nothing if it is already so. */
  function change(number: number, wanted: TaskChange, by: Actor): Task {
    return supervisor.together(() => {
      const before = get(number);
      const changed = changeTask(before, wanted, { byPerson: by.kind === 'person', at: now() });
      if (changed.kind === 'refused') throw new ClipError('refused', changed.why, changed.hint);
      // Any action of a person restores the automatic starts of the task, even if it changes nothing else.
      const task =
        changed.kind === 'same' ? (by.kind === 'person' ? { ...before, budgetLeft: budgetMax } : before) : changed.task;
      if (task !== before) store.tasks.put(task);
      if (changed.kind === 'changed') note(task, eventOf[wanted.type], buildEventData(before, task, wanted), by);
      deps.followed(before, task, wanted.type, by);
      return get(number);
    });
  }

  /**
   * Updates clip's own fields of a task: the run that holds it, and the automatic starts left. Appends no event,
   * because the run's own event tells it.
   */
  function keep(
    number: number,
    fields: Partial<Pick<Task, 'checkoutRunId' | 'executionRunId' | 'budgetLeft' | 'dismissedAt'>>,
  ): void {
    const task = store.tasks.byNumber(number);
    if (task) store.tasks.put({ ...task, ...fields });
  }

  /** Takes the task off the list of what needs a person, until it changes again. */
  function dismiss(number: number, by: Actor): Task {
    return supervisor.together(() => {
      const task = get(number);
      if (task.dismissedAt === null) {
        keep(number, { dismissedAt: now() });
        note(task, 'task-dismissed', {}, by);
      }
      return get(number);
    });
  }

  /** Adds a comment. Returns null if clip has already made it (same `key`). */
  function comment(
    number: number,
    said: { readonly text: string; readonly key: string | null },
    by: Actor,
  ): Comment | null {
    return supervisor.together(() => {
      const task = get(number);
      const comment = store.comments.add({ task: number, author: by, text: said.text, key: said.key, at: now() });
      if (comment === null) return null;
      if (by.kind === 'person') store.tasks.put({ ...task, budgetLeft: budgetMax, updatedAt: now() });
      note(task, 'task-commented', { comment: comment.id, text: cutText(said.text, limits.errorLength) }, by);
      return comment;
    });
  }

  /**
   * Writes a new revision of a document. `baseRevision`: the revision that its author has seen; 0 for a new document,
   * null to overwrite any. Refused if there is a newer one, so no work is lost.
   */
  function putDocument(
    number: number,
    put: { key: string; title: string | null; body: string; baseRevision: number | null },
    by: Actor,
  ): Document {
    return supervisor.together(() => {
      const task = get(number);
      const { key, body, baseRevision } = put;
      if (key === summaryKey && by.kind !== 'clip')
        throw new ClipError(
          'refused',
          `The document ${key} is written by clip itself.`,
          `Use another key; clip task comment T${number} reaches the next run as well.`,
        );
      const latest = store.documents.get(number, key);
      const revision = latest?.revision ?? 0;
      if (baseRevision !== null && baseRevision !== revision) {
        const seen = baseRevision === 0 ? 'you write it as a new one' : `you have seen revision ${baseRevision}`;
        throw new ClipError(
          'refused',
          `Document ${key} of T${number} is at revision ${revision}, and ${seen}. Nothing was written.`,
          `Read it (clip task doc get T${number} ${key}), then put yours with --base ${revision}.`,
        );
      }
      const document = {
        task: number,
        key,
        title: put.title ?? latest?.title ?? null,
        body,
        author: by,
        at: now(),
        revision: revision + 1,
      };
      store.documents.put(document);
      if (by.kind === 'person') store.tasks.put({ ...task, budgetLeft: budgetMax, updatedAt: now() });
      note(task, 'document-put', { key, revision: document.revision, bytes: Buffer.byteLength(body) }, by);
      return document;
    });
  }

  function note({ number }: Task, type: string, data: object, by: Actor): void {
    const run = by.kind === 'agent' ? { number: by.run, id: by.runId } : null;
    supervisor.note({ task: number, run, type, data: { ...data, by: formatActor(by) } });
  }

  /** Returns the task of a run, or null. */
  const ofRun = ({ lineage }: Run): Task | null =>
    lineage.taskId === null ? null : store.tasks.byNumber(lineage.taskId);

  return { get, add, change, keep, dismiss, comment, putDocument, ofRun };
}

/** Returns `person`, `clip`, or for example `agent coder (run 12)`. */
function formatActor(by: Actor): string {
  return by.kind === 'agent' ? `agent ${by.name} (run ${by.run})` : by.kind;
}

const eventOf: Readonly<Record<TaskChange['type'], string>> = {
  start: 'task-started',
  'picked-up': 'task-picked-up',
  review: 'task-in-review',
  done: 'task-done',
  cancel: 'task-cancelled',
  reopen: 'task-reopened',
  block: 'task-blocked',
  assign: 'task-assigned',
  edit: 'task-edited',
};

function buildEventData(before: Task, after: Task, change: TaskChange): object {
  const status = before.status === after.status ? {} : { from: before.status, status: after.status };
  switch (change.type) {
    case 'block':
      return { ...status, reason: change.reason };
    case 'assign':
      return { ...status, assignee: change.assignee };
    case 'edit':
      return { fields: Object.keys(change.fields) };
    case 'picked-up':
      return { ...status, runId: change.runId };
    default:
      return status;
  }
}
