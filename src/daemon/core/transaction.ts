/** A transaction of the supervisor, as the functions see it that change runs, tasks and agents. */
import type { FolderIdentity } from '#process/real-folder.ts';
import type { RunEvent } from '#run/events.ts';
import type { Run } from '#run/run.ts';
import type { Transition } from '#run/state-machine.ts';
import type { StoredReport } from '#store/reports.ts';
import type { WriteTransaction } from '#store/transaction.ts';
import type { Actor, Task } from '#task/task.ts';
import type { TaskChange } from '#task/task-transitions.ts';

export type Submission = { readonly number: number; readonly event: RunEvent };
export type SubmitResult = { readonly step: Transition; readonly run: Run };
export type NewRun = Omit<Run, 'number' | 'state'> & {
  /** Earliest start; null for as soon as a slot is free. */
  readonly notBefore: number | null;
  /** Identity of the folder that was created for the run. It is kept in the history. */
  readonly folder: FolderIdentity | null;
};

/** An event in the history of a task, of a run, or of neither. It changes no run. */
export type HistoryEvent = {
  readonly task: number | null;
  readonly run: Pick<Run, 'number' | 'id'> | null;
  readonly type: string;
  readonly data: object;
};

/** A change from which others follow in the same transaction. `before` is null for a new run or task. */
export type Change =
  | { readonly type: 'run'; readonly before: Run | null; readonly next: Run }
  | ({ readonly type: 'task' } & ChangedTask)
  | { readonly type: 'report'; readonly run: Run; readonly report: StoredReport };
export type ChangedTask = {
  readonly before: Task | null;
  readonly next: Task;
  readonly how: TaskChange['type'] | 'add';
  readonly by: Actor;
  /** Whether the change may wake the task's agent. False if the caller wakes it. */
  readonly mayWake: boolean;
};

/** An open transaction. `supervisor.transaction` is the only way to get one. */
export type Tx = WriteTransaction & {
  /** Stores new runs in the queue. */
  readonly admit: (runs: readonly NewRun[]) => Run[];
  /** Applies an event to a run. Returns null if there is no such run. */
  readonly submit: (number: number, event: RunEvent) => SubmitResult | null;
  /** Appends an event to the history. Watchers get it after the commit. */
  readonly record: (event: HistoryEvent) => void;
  /** Applies what follows from a change of a task or from a report. Changes of runs do this by themselves. */
  readonly react: (change: Change) => void;
  /** Registers a callback that undoes a change outside the database if the transaction fails. */
  readonly onRollback: (undo: () => void) => void;
};
