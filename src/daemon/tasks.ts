/**
 * Tasks: every change of one goes through here. What it was, who did it, and what follows from it (an agent
 * is woken, waiting wakes are dropped) are one transaction.
 */

import { ClipError } from '../run/errors.ts';
import { limits } from '../run/limits.ts';
import type { Run } from '../run/run.ts';
import type { Store } from '../store/store.ts';
import { changeTask, type TaskChange, type TaskFields } from '../task/change.ts';
import { budgetMax } from '../task/next/continuation-budget.ts';
import { type Actor, type Assignee, type Comment, type Document, summaryKey, type Task } from '../task/task.ts';
import type { Supervisor } from './supervisor.ts';

export type Tasks = ReturnType<typeof createTasks>;
export type NewTask = TaskFields & { readonly madeIn: string; readonly assignee: Assignee | null; readonly inBacklog: boolean };

/** `followed`: what a change by somebody means for wakes and runs; called inside its transaction. */
export function createTasks(world: {
  store: Store;
  supervisor: Supervisor;
  now: () => number;
  followed: (before: Task | null, task: Task, change: TaskChange['type'] | 'add', by: Actor) => void;
}) {
  const { store, supervisor, now } = world;

  /** Throws when there is none with this number. */
  function get(number: number): Task {
    const task = store.tasks.byNumber(number);
    if (task) return task;
    throw new ClipError('not_found', `There is no task T${number}.`, 'clip task list shows what there is.');
  }

  function add({ inBacklog, ...fields }: NewTask, by: Actor): Task {
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
      });
      note(task, 'task-added', { title: task.title, status: task.status, assignee: task.assignee }, by);
      world.followed(null, task, 'add', by);
      return get(task.number);
    });
  }

  /** Something is done to it. Throws when that makes no sense as it is; says nothing when it is so already. */
  function change(number: number, wanted: TaskChange, by: Actor): Task {
    return supervisor.together(() => {
      const before = get(number);
      const changed = changeTask(before, wanted, { byPerson: by.kind === 'person', at: now() });
      if (changed.kind === 'refused') throw new ClipError('refused', changed.why, changed.hint);
      // Whatever a person does gives the task its automatic starts again, also what is so already.
      const task = changed.kind === 'same' ? (by.kind === 'person' ? { ...before, budgetLeft: budgetMax } : before) : changed.task;
      if (task !== before) store.tasks.put(task);
      if (changed.kind === 'changed') note(task, eventOf[wanted.type], dataOf(before, task, wanted), by);
      world.followed(before, task, wanted.type, by);
      return get(number);
    });
  }

  /** What clip itself keeps of a task beside what is done to it: who holds it, what is left of its budget. No event: the run's own says it. */
  function keep(number: number, fields: Partial<Pick<Task, 'checkoutRunId' | 'executionRunId' | 'budgetLeft'>>): void {
    const task = store.tasks.byNumber(number);
    if (task) store.tasks.put({ ...task, ...fields });
  }

  /** Null when clip has said this before (`key`). */
  function comment(number: number, said: { readonly text: string; readonly key: string | null }, by: Actor): Comment | null {
    return supervisor.together(() => {
      const task = get(number);
      const comment = store.comments.add({ task: number, author: by, text: said.text, key: said.key, at: now() });
      if (comment === null) return null;
      if (by.kind === 'person') store.tasks.put({ ...task, budgetLeft: budgetMax, updatedAt: now() });
      note(task, 'task-commented', { comment: comment.id, text: said.text.slice(0, limits.errorLength) }, by);
      return comment;
    });
  }

  /**
   * A new revision of a document. `baseRevision`: what its author had seen, 0 for a new one; null for whoever wants
   * to write over whatever there is. Refused when there is a newer one: nothing of anybody is lost.
   */
  function putDocument(number: number, put: { key: string; title: string | null; body: string; baseRevision: number | null }, by: Actor): Document {
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
      const document = { task: number, key, title: put.title ?? latest?.title ?? null, body, author: by, at: now(), revision: revision + 1 };
      store.documents.put(document);
      if (by.kind === 'person') store.tasks.put({ ...task, budgetLeft: budgetMax, updatedAt: now() });
      note(task, 'document-put', { key, revision: document.revision, bytes: Buffer.byteLength(body) }, by);
      return document;
    });
  }

  function note({ number }: Task, type: string, data: object, by: Actor): void {
    const run = by.kind === 'agent' ? { number: by.run, id: by.runId } : null;
    supervisor.note({ task: number, run, type, data: { ...data, by: actorWords(by) } });
  }

  /** The task of a run, if it serves one that is still there. */
  const ofRun = ({ lineage }: Run): Task | null => (lineage.taskId === null ? null : store.tasks.byNumber(lineage.taskId));

  return { get, add, change, keep, comment, putDocument, ofRun };
}

/** `person`, `clip`, or `agent coder (run 12)`. */
function actorWords(by: Actor): string {
  return by.kind === 'agent' ? `agent ${by.name} (run ${by.run})` : by.kind;
}

const eventOf: Readonly<Record<TaskChange['type'], string>> = {
  start: 'task-started',
  'taken-up': 'task-taken-up',
  review: 'task-in-review',
  done: 'task-done',
  cancel: 'task-cancelled',
  reopen: 'task-reopened',
  block: 'task-blocked',
  assign: 'task-assigned',
  edit: 'task-edited',
};

function dataOf(before: Task, after: Task, change: TaskChange): object {
  const status = before.status === after.status ? {} : { from: before.status, status: after.status };
  switch (change.type) {
    case 'block':
      return { ...status, reason: change.reason };
    case 'assign':
      return { ...status, assignee: change.assignee };
    case 'edit':
      return { fields: Object.keys(change.fields) };
    case 'taken-up':
      return { ...status, runId: change.runId };
    default:
      return status;
  }
}
