import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Task, TaskStatus } from '#task/task.ts';
import { taskStatuses } from '#task/task.ts';
import { changeTask, type TaskChange, type TaskTransition } from '#task/task-transitions.ts';
import { noon } from '../../support/runs.ts';
import { aTaskOf } from '../../support/tasks.ts';

const block: TaskChange = { type: 'block', reason: 'No key.', next: 'Get one.' };
const coder = { kind: 'agent', agentId: 'agent1' } as const;

const byClip = (task: Task, change: TaskChange): TaskTransition =>
  changeTask(task, change, { byPerson: false, at: noon });
const byPerson = (task: Task, change: TaskChange): TaskTransition =>
  changeTask(task, change, { byPerson: true, at: noon });

/** Returns the outcome in one word: the new status, `same`, or `refused`. */
function outcomeOf(changed: TaskTransition): string {
  return changed.kind === 'changed' ? changed.task.status : changed.kind;
}

function taskAfter(changed: TaskTransition): Task {
  if (changed.kind !== 'changed') throw new Error(`It is ${changed.kind}.`);
  return changed.task;
}

const columns = ['start', 'picked-up', 'review', 'block', 'done', 'cancel', 'reopen'] as const;
type Row = Record<(typeof columns)[number], string>;

const table: Record<TaskStatus, Row> = {
  backlog: {
    start: 'in_progress',
    'picked-up': 'in_progress',
    review: 'in_review',
    block: 'blocked',
    done: 'done',
    cancel: 'cancelled',
    reopen: 'todo',
  },
  todo: {
    start: 'in_progress',
    'picked-up': 'in_progress',
    review: 'in_review',
    block: 'blocked',
    done: 'done',
    cancel: 'cancelled',
    reopen: 'same',
  },
  in_progress: {
    start: 'same',
    'picked-up': 'same',
    review: 'in_review',
    block: 'blocked',
    done: 'done',
    cancel: 'cancelled',
    reopen: 'todo',
  },
  in_review: {
    start: 'in_progress',
    'picked-up': 'same',
    review: 'same',
    block: 'blocked',
    done: 'done',
    cancel: 'cancelled',
    reopen: 'todo',
  },
  blocked: {
    start: 'in_progress',
    'picked-up': 'same',
    review: 'in_review',
    block: 'blocked',
    done: 'done',
    cancel: 'cancelled',
    reopen: 'todo',
  },
  done: {
    start: 'refused',
    'picked-up': 'refused',
    review: 'refused',
    block: 'refused',
    done: 'same',
    cancel: 'refused',
    reopen: 'todo',
  },
  cancelled: {
    start: 'refused',
    'picked-up': 'refused',
    review: 'refused',
    block: 'refused',
    done: 'refused',
    cancel: 'same',
    reopen: 'todo',
  },
};

function changeOf(type: (typeof columns)[number]): TaskChange {
  if (type === 'block') return block;
  return type === 'picked-up' ? { type, runId: 'id43' } : { type };
}

describe('a task', () => {
  it.each(taskStatuses)('that is %s changes as in the table', (status) => {
    const task = aTaskOf({ status });
    const row = Object.fromEntries(columns.map((column) => [column, outcomeOf(byClip(task, changeOf(column)))]));
    expect(row).toEqual(table[status]);
  });

  it('in the backlog becomes todo when it is assigned, and keeps its status otherwise', () => {
    const backlog = aTaskOf({ status: 'backlog', assignee: null });
    expect(outcomeOf(byPerson(backlog, { type: 'assign', assignee: coder }))).toBe('todo');
    expect(outcomeOf(byPerson(backlog, { type: 'assign', assignee: null }))).toBe('backlog');
    expect(outcomeOf(byPerson(aTaskOf({ status: 'blocked' }), { type: 'assign', assignee: coder }))).toBe('blocked');
  });

  it('keeps the first run that started it, until it is reopened', () => {
    const first = taskAfter(
      byClip(aTaskOf({ status: 'todo', checkoutRunId: null }), { type: 'picked-up', runId: 'id1' }),
    );
    expect(first.checkoutRunId).toBe('id1');
    expect(outcomeOf(byClip(first, { type: 'picked-up', runId: 'id2' }))).toBe('same');
    expect(taskAfter(byPerson(first, { type: 'reopen' })).checkoutRunId).toBeNull();
  });

  it('that a person has started without a run is still started by its first run', () => {
    const started = aTaskOf({ status: 'in_progress', checkoutRunId: null });
    expect(taskAfter(byClip(started, { type: 'picked-up', runId: 'id1' }))).toMatchObject({
      status: 'in_progress',
      checkoutRunId: 'id1',
    });
  });

  it('has a reason only while it is blocked', () => {
    const blocked = taskAfter(byClip(aTaskOf(), block));
    expect(blocked).toMatchObject({ status: 'blocked', blockedReason: 'No key.', blockedNext: 'Get one.' });
    for (const type of ['start', 'review', 'done', 'cancel', 'reopen'] as const)
      expect(taskAfter(byPerson(blocked, { type }))).toMatchObject({ blockedReason: null, blockedNext: null });
  });

  it('that is blocked once more, for another reason, needs a person again', () => {
    const dismissed = aTaskOf({ status: 'blocked', statusAt: noon - 2, dismissedAt: noon - 1 });
    expect(taskAfter(byClip(dismissed, block))).toMatchObject({ statusAt: noon, dismissedAt: null });
    const edited = byPerson(dismissed, { type: 'edit', fields: { title: 'Fix the lexer' } });
    expect(taskAfter(edited)).toMatchObject({ statusAt: noon - 2, dismissedAt: noon - 1 });
  });

  it('that is closed refuses changes with the way to reopen it, but may be edited', () => {
    const done = aTaskOf({ status: 'done' });
    expect(byPerson(done, { type: 'start' })).toEqual({
      kind: 'refused',
      why: 'T7 is done.',
      hint: 'Open it again first: clip task reopen T7',
    });
    expect(taskAfter(byPerson(done, { type: 'edit', fields: { title: 'Another' } })).title).toBe('Another');
  });
});

const anyChange: fc.Arbitrary<TaskChange> = fc.oneof(
  fc.constantFrom(...columns).map(changeOf),
  fc.constantFrom({ kind: 'person' } as const, coder, null).map((assignee) => ({ type: 'assign', assignee }) as const),
  fc.constant({ type: 'edit', fields: { priority: 3 } } as const),
);

/** Applies all these changes to a task, one after the other. A refused change has no effect. */
function applyAll(
  task: Task,
  changes: readonly { readonly change: TaskChange; readonly person: boolean }[],
  seen: (before: Task, after: Task, person: boolean) => void,
): void {
  let current = task;
  for (const { change, person } of changes) {
    const changed = changeTask(current, change, { byPerson: person, at: noon });
    if (changed.kind !== 'changed') continue;
    seen(current, changed.task, person);
    current = changed.task;
  }
}

const life = fc.array(fc.record({ change: anyChange, person: fc.boolean() }), { maxLength: 12 });

describe('a task after arbitrary changes', () => {
  it('has a reason of a block only when it is blocked', () => {
    fc.assert(
      fc.property(life, (changes) => {
        applyAll(aTaskOf({ status: 'todo' }), changes, (_, { status, blockedReason, blockedNext }) => {
          expect(blockedReason !== null).toBe(status === 'blocked');
          if (status !== 'blocked') expect(blockedNext).toBeNull();
        });
      }),
    );
  });

  it('gets its whole start budget from a person only', () => {
    fc.assert(
      fc.property(life, fc.integer({ min: 0, max: 3 }), (changes, budgetLeft) => {
        applyAll(aTaskOf({ status: 'todo', budgetLeft }), changes, (before, after, person) => {
          expect(after.budgetLeft).toBe(person ? 3 : before.budgetLeft);
        });
      }),
    );
  });
});
