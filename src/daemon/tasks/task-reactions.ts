/** Applies a change of a task to its wakes and runs, and starts the next run when a person asks for it. */
import { ClipError } from '#run/errors.ts';
import { isEnded, type Run } from '#run/run.ts';
import type { StoredReport } from '#store/reports.ts';
import type { Store } from '#store/store.ts';
import { spend } from '#task/continuation/continuation-budget.ts';
import { type Actor, isClosed, type Task } from '#task/task.ts';
import { plainPayload, type Wake } from '#task/wake.ts';
import type { ChangedTask, Tx } from '../core/transaction.ts';
import type { Continuation } from './continuation.ts';
import type { Tasks } from './tasks.ts';
import type { Wakes } from './wakes.ts';

type WakeCause = { readonly reason: 'issue_assigned' | 'issue_continued'; readonly by: Actor; readonly fresh: boolean };
type ContinueRequest = { readonly agentId: string | null; readonly words: string | null; readonly fresh: boolean };

type Deps = {
  readonly store: Store;
  readonly tasks: Tasks;
  readonly wakes: Wakes;
  readonly continuation: Pick<Continuation, 'reconsider'>;
  readonly redacted: (text: string, agentId: string) => string;
  readonly autoDone: boolean;
  /** Maximum number of automatic runs in a row. */
  readonly runsMax: number;
};

const clip = { kind: 'clip' } as const;

export class TaskReactions {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Applies what follows from a change of a task. */
  followChange(tx: Tx, changed: ChangedTask): void {
    const { before, next: task, by } = changed;
    switch (changed.how) {
      case 'add':
      case 'assign':
        return this.#followAssignment(tx, changed);
      case 'start':
      case 'reopen':
        if (changed.mayWake && by.kind === 'person' && before?.status !== task.status) this.#wakeAssignee(tx, task, by);
        return;
      case 'edit':
        // The budget of the task may have been raised.
        return this.#deps.continuation.reconsider(tx, task.number);
      case 'cancel':
        this.#stopRuns(tx, task);
        return this.#deps.wakes.drop(tx, { task: task.number }, `T${task.number} was cancelled.`);
      case 'done':
      case 'review':
      case 'block':
        return this.#deps.wakes.drop(tx, { task: task.number }, `T${task.number} is ${task.status}.`);
      case 'picked-up':
        return;
    }
  }

  /** Starts the next run of a task by hand. The person's words become a comment, so that later runs see them too. */
  continueTask(tx: Tx, number: number, request: ContinueRequest, by: Actor): { wake: Wake } {
    const { tasks } = this.#deps;
    const before = tasks.get(number);
    const agentId = request.agentId ?? findAgentId(before);
    if (agentId === null)
      throw new ClipError(
        'refused',
        `T${number} is assigned to no agent.`,
        `Name one: clip continue T${number} --agent NAME`,
      );
    if (!this.#maySpend(tx, before, by)) {
      const hint = 'Say what is left to do instead, and end: clip report next "…"';
      throw new ClipError('refused', `T${number} has no automatic start left, and an agent gives it none.`, hint);
    }
    const words = request.words?.trim() ?? '';
    if (words !== '') tasks.comment(tx, number, { text: request.words ?? '', key: null }, by);
    // The wake below is the only one: the changes themselves wake no agent.
    const mayWake = false;
    if (findAgentId(before) !== agentId)
      tasks.change(tx, number, { type: 'assign', assignee: { kind: 'agent', agentId } }, by, { mayWake });
    if (before.status !== 'todo') tasks.change(tx, number, { type: 'start' }, by, { mayWake });
    const wake = this.#wake(tx, before, agentId, { reason: 'issue_continued', by, fresh: request.fresh });
    if (wake.status === 'failed')
      throw new ClipError('refused', `T${number} cannot be continued: ${wake.error}`, 'Fix that, then try again.');
    return { wake };
  }

  /** Applies a report to its task: `blocked` blocks it, `done` moves it to review. */
  followReport(tx: Tx, run: Run, { kind, text, who }: StoredReport): void {
    const { tasks, redacted, autoDone } = this.#deps;
    const task = tasks.ofRun(run);
    if (task === null || run.spec.agent === null || isClosed(task.status)) return;
    // A person has asked for more since this run began. The report is kept, and the next run decides about the task.
    if (this.#deps.wakes.isAskedFor(task.number)) return;
    const by = { kind: 'agent', name: run.spec.agent.name, run: run.number, runId: run.id } as const;
    if (kind === 'blocked') {
      const next = `${who === null ? 'Answer it' : `${who} can lift it`}, then: clip continue T${task.number} "…"`;
      tasks.change(tx, task.number, { type: 'block', reason: redacted(text, run.spec.agent.id), next }, by);
    }
    if (kind === 'done') tasks.change(tx, task.number, { type: autoDone ? 'done' : 'review' }, by);
  }

  #followAssignment(tx: Tx, { before, next: task, by, mayWake }: ChangedTask): void {
    if (before !== null && JSON.stringify(before.assignee) === JSON.stringify(task.assignee)) return;
    if (before !== null)
      this.#deps.wakes.drop(tx, { task: task.number }, `T${task.number} was assigned to another agent or person.`);
    const agentId = findAgentId(task);
    if (!mayWake || agentId === null || (task.status !== 'todo' && task.status !== 'in_progress')) return;
    // A new task has all its automatic starts. The limit of runs in a row still stops an agent that keeps creating tasks for itself.
    const may = before === null ? this.#countInARow(by) <= this.#deps.runsMax : this.#maySpend(tx, task, by);
    if (may) this.#wakeOrBlock(tx, task, agentId, { reason: 'issue_assigned', by, fresh: true });
    else this.#deps.tasks.change(tx, task.number, { type: 'block', ...spentByAgents(task) }, clip);
  }

  #wakeAssignee(tx: Tx, task: Task, by: Actor): void {
    const agentId = findAgentId(task);
    if (agentId !== null) this.#wakeOrBlock(tx, task, agentId, { reason: 'issue_continued', by, fresh: false });
  }

  /** Returns whether this actor may start a run of the task. Starts by agents are automatic, and spend the same budget. */
  #maySpend(tx: Tx, task: Task, by: Actor): boolean {
    if (by.kind !== 'agent') return true;
    if (this.#countInARow(by) > this.#deps.runsMax) return false;
    const budgetLeft = spend(task.budgetLeft);
    if (budgetLeft !== null) this.#deps.tasks.keep(tx, task.number, { budgetLeft });
    return budgetLeft !== null;
  }

  /** Returns the number of automatic runs in a row, including the one that this actor starts; 0 for a person. */
  #countInARow(by: Actor): number {
    const run = by.kind === 'agent' ? this.#deps.store.runs.byId(by.runId) : null;
    return by.kind === 'agent' ? this.#deps.wakes.countInARow(run) + 1 : 0;
  }

  /** Wakes the agent, or blocks the task if the agent cannot be started, which nothing else would report. */
  #wakeOrBlock(tx: Tx, task: Task, agentId: string, cause: WakeCause): void {
    const wake = this.#wake(tx, task, agentId, cause);
    if (wake.status !== 'failed') return;
    const reason = `It could not be started: ${wake.error}`;
    const next = `Fix that, then: clip continue T${task.number}`;
    this.#deps.tasks.change(tx, task.number, { type: 'block', reason, next }, clip);
  }

  /** Wakes an agent for a task. A new assignment starts a fresh session; a continuation resumes the last one. */
  #wake(tx: Tx, task: Task, agentId: string, { reason, by, fresh }: WakeCause): Wake {
    return this.#deps.wakes.wake(tx, {
      task: task.number,
      agentId,
      source: reason === 'issue_assigned' ? 'assignment' : 'on_demand',
      reason,
      payload: { ...plainPayload, fresh, inARow: this.#countInARow(by) },
      key: null,
      notBefore: null,
      retryOf: null,
      prompt: null,
    });
  }

  /** Stops the agent runs of a canceled task. */
  #stopRuns(tx: Tx, task: Task): void {
    for (const run of this.#deps.store.runs.openOfTask(task.number)) {
      if (isEnded(run.state) || run.spec.agent === null) continue;
      const because = `T${task.number} was cancelled.`;
      tx.submit(run.number, { type: 'stop-requested', order: 'cancelled', because, graceMs: null, now: false });
    }
  }
}

function findAgentId({ assignee }: Task): string | null {
  return assignee?.kind === 'agent' ? assignee.agentId : null;
}

function spentByAgents({ number }: Task): { reason: string; next: string } {
  const reason =
    'Agents gave it to each other until all automatic starts were used up, and no work was kept meanwhile.';
  return { reason, next: `Look at it, then: clip continue T${number}` };
}
