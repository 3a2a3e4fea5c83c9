/**
 * Tasks. Every change of a task goes through here. What follows from a change (an agent is woken, pending wakes are
 * dropped) happens in its transaction.
 */

import { cutText } from '#run/cut-text.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import type { Run } from '#run/run.ts';
import type { Store } from '#store/store.ts';
import { budgetMax } from '#task/continuation/continuation-budget.ts';
import { type Actor, type Assignee, type Comment, type Document, summaryKey, type Task } from '#task/task.ts';
import { changeTask, type TaskChange, type TaskFields } from '#task/task-transitions.ts';
import type { Tx } from '../core/transaction.ts';

export type NewTask = TaskFields & {
  readonly madeIn: string;
  readonly assignee: Assignee | null;
  readonly inBacklog: boolean;
};
type NewDocument = {
  readonly key: string;
  readonly title: string | null;
  readonly body: string;
  readonly baseRevision: number | null;
};
/** Fields of a task that clip itself keeps. */
type OwnFields = Pick<Task, 'checkoutRunId' | 'executionRunId' | 'budgetLeft' | 'dismissedAt'>;

export class Tasks {
  readonly #store: Store;
  readonly #now: () => number;

  constructor({ store, now }: { store: Store; now: () => number }) {
    this.#store = store;
    this.#now = now;
  }

  /** Returns the task with this number. Throws if there is none. */
  get(number: number): Task {
    const task = this.#store.tasks.byNumber(number);
    if (task) return task;
    throw new ClipError('not_found', `There is no task T${number}.`, 'clip task list shows what there is.');
  }

  /** Returns the task of a run, or null. */
  ofRun({ lineage }: Run): Task | null {
    return lineage.taskId === null ? null : this.#store.tasks.byNumber(lineage.taskId);
  }

  /** Adds a task. `inserted` is called with its number before anything follows from the new task. */
  add(tx: Tx, { inBacklog, ...fields }: NewTask, by: Actor, inserted: (task: number) => void = () => {}): Task {
    const at = this.#now();
    const task = this.#store.tasks.insert(tx, {
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
    record(tx, task, 'task-added', { title: task.title, status: task.status, assignee: task.assignee }, by);
    tx.react({ type: 'task', before: null, next: task, how: 'add', by, mayWake: true });
    return this.get(task.number);
  }

  /**
   * Changes a task. Throws if the change makes no sense in its state; does nothing if it is already so. Any action of
   * a person restores the automatic starts of the task, even if it changes nothing else. `mayWake`: whether the
   * change may wake the task's agent.
   */
  change(tx: Tx, number: number, wanted: TaskChange, by: Actor, { mayWake = true } = {}): Task {
    const before = this.get(number);
    const changed = changeTask(before, wanted, { byPerson: by.kind === 'person', at: this.#now() });
    if (changed.kind === 'refused') throw new ClipError('refused', changed.why, changed.hint);
    const same = by.kind === 'person' ? { ...before, budgetLeft: budgetMax } : before;
    const task = changed.kind === 'same' ? same : changed.task;
    if (task !== before) this.#store.tasks.put(tx, task);
    if (changed.kind === 'changed') record(tx, task, eventOf[wanted.type], buildEventData(before, task, wanted), by);
    tx.react({ type: 'task', before, next: task, how: wanted.type, by, mayWake });
    return this.get(number);
  }

  /**
   * Updates clip's own fields of a task: the run that holds it, and the automatic starts left. Appends no event,
   * because the run's own event tells it.
   */
  keep(tx: Tx, number: number, fields: Partial<OwnFields>): void {
    const task = this.#store.tasks.byNumber(number);
    if (task) this.#store.tasks.put(tx, { ...task, ...fields });
  }

  /** Takes the task off the list of what needs a person, until it changes again. */
  dismiss(tx: Tx, number: number, by: Actor): Task {
    const task = this.get(number);
    if (task.dismissedAt !== null) return task;
    this.keep(tx, number, { dismissedAt: this.#now() });
    record(tx, task, 'task-dismissed', {}, by);
    return this.get(number);
  }

  /** Adds a comment. Returns null if clip has already made it (same `key`). */
  comment(tx: Tx, number: number, { text, key }: { text: string; key: string | null }, by: Actor): Comment | null {
    const task = this.get(number);
    const comment = this.#store.comments.add(tx, { task: number, author: by, text, key, at: this.#now() });
    if (comment === null) return null;
    this.#noteActivity(tx, task, by);
    record(tx, task, 'task-commented', { comment: comment.id, text: cutText(text, limits.errorLength) }, by);
    return comment;
  }

  /**
   * Writes a new revision of a document. `baseRevision`: the revision that its author has seen; 0 for a new document,
   * null to overwrite any. Refused if there is a newer one, so no work is lost.
   */
  putDocument(tx: Tx, number: number, { key, title, body, baseRevision }: NewDocument, by: Actor): Document {
    const task = this.get(number);
    if (key === summaryKey && by.kind !== 'clip')
      throw new ClipError(
        'refused',
        `The document ${key} is written by clip itself.`,
        `Use another key; clip task comment T${number} reaches the next run as well.`,
      );
    const latest = this.#store.documents.get(number, key);
    const before = latest?.revision ?? 0;
    if (baseRevision !== null && baseRevision !== before) throw outdatedBase(number, key, { before, baseRevision });
    const document = {
      task: number,
      key,
      title: title ?? latest?.title ?? null,
      body,
      author: by,
      at: this.#now(),
      revision: before + 1,
    };
    this.#store.documents.put(tx, document);
    this.#noteActivity(tx, task, by);
    record(tx, task, 'document-put', { key, revision: document.revision, bytes: Buffer.byteLength(body) }, by);
    return document;
  }

  /** Restores the automatic starts of the task if a person has done something for it. */
  #noteActivity(tx: Tx, task: Task, by: Actor): void {
    if (by.kind === 'person') this.#store.tasks.put(tx, { ...task, budgetLeft: budgetMax, updatedAt: this.#now() });
  }
}

function record(tx: Tx, { number }: Task, type: string, data: object, by: Actor): void {
  const run = by.kind === 'agent' ? { number: by.run, id: by.runId } : null;
  tx.record({ task: number, run, type, data: { ...data, by: formatActor(by) } });
}

function outdatedBase(
  task: number,
  key: string,
  { before, baseRevision }: { before: number; baseRevision: number },
): ClipError {
  const seen = baseRevision === 0 ? 'you write it as a new one' : `you have seen revision ${baseRevision}`;
  return new ClipError(
    'refused',
    `Document ${key} of T${task} is at revision ${before}, and ${seen}. Nothing was written.`,
    `Read it (clip task doc get T${task} ${key}), then put yours with --base ${before}.`,
  );
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
