/** Applies a change of a task to its wakes and runs, and starts the next run when a person asks for it. */
import { ClipError } from '#run/errors.ts';
import { isEnded, type Run } from '#run/run.ts';
import type { StoredReport } from '#store/reports.ts';
import type { Store } from '#store/store.ts';
import { spend } from '#task/continuation/continuation-budget.ts';
import { type Actor, isClosed, type Task } from '#task/task.ts';
import type { TaskChange } from '#task/task-transitions.ts';
import { plainPayload, type Wake } from '#task/wake.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { Tasks } from './tasks.ts';
import type { Wakes } from './wakes.ts';

export type TaskReactions = ReturnType<typeof createTaskReactions>;
type ReactedChange = TaskChange['type'] | 'add';
type Asking = { readonly reason: 'issue_assigned' | 'issue_continued'; readonly by: Actor; readonly fresh: boolean };
type ContinueRequest = { readonly agentId: string | null; readonly words: string | null; readonly fresh: boolean };

export function createTaskReactions(deps: {
  store: Store;
  supervisor: Supervisor;
  tasks: () => Tasks;
  wakes: () => Wakes;
  redacted: (text: string, agentId: string) => string;
  autoDone: boolean;
  /** Maximum number of automatic runs in a row. */
  runsMax: number;
  /** Decides again for a skipped task. */
  lookAgain: (task: number) => void;
}) {
  const { store, supervisor } = deps;
  /** True while a continue request is handled, which makes the only wake for the task. */
  let byHand = false;

  /** Applies a change of a task. Called in the same transaction. */
  function followed(before: Task | null, task: Task, change: ReactedChange, by: Actor): void {
    const agentId = task.assignee?.kind === 'agent' ? task.assignee.agentId : null;
    switch (change) {
      case 'add':
      case 'assign':
        if (before !== null && JSON.stringify(before.assignee) === JSON.stringify(task.assignee)) return;
        if (before !== null)
          deps.wakes().drop({ task: task.number }, `T${task.number} was assigned to another agent or person.`);
        if (!byHand && agentId !== null && (task.status === 'todo' || task.status === 'in_progress')) {
          // A new task has all its automatic starts. The limit of runs in a row still stops an agent that keeps creating tasks for itself.
          const may = before === null ? countInARow(by) <= deps.runsMax : maySpend(task, by);
          if (may) wakeOrBlock(task, agentId, { reason: 'issue_assigned', by, fresh: true });
          else deps.tasks().change(task.number, { type: 'block', ...spentByAgents(task) }, { kind: 'clip' });
        }
        return;
      case 'start':
      case 'reopen':
        if (!byHand && agentId !== null && by.kind === 'person' && before?.status !== task.status)
          wakeOrBlock(task, agentId, { reason: 'issue_continued', by, fresh: false });
        return;
      case 'edit':
        // The budget of the task may have been raised.
        return deps.lookAgain(task.number);
      case 'cancel':
        stopRuns(task);
        return deps.wakes().drop({ task: task.number }, `T${task.number} was cancelled.`);
      case 'done':
      case 'review':
      case 'block':
        return deps.wakes().drop({ task: task.number }, `T${task.number} is ${task.status}.`);
      default:
        return;
    }
  }

  /** Returns whether this actor may start a run of the task. Starts by agents are automatic, and spend the same budget. */
  function maySpend(task: Task, by: Actor): boolean {
    if (by.kind !== 'agent') return true;
    if (countInARow(by) > deps.runsMax) return false;
    const budgetLeft = spend(task.budgetLeft);
    if (budgetLeft !== null) deps.tasks().keep(task.number, { budgetLeft });
    return budgetLeft !== null;
  }

  /** Returns the number of automatic runs in a row, including the one that this actor starts; 0 for a person. */
  function countInARow(by: Actor): number {
    if (by.kind !== 'agent') return 0;
    const origin = store.runs.byId(by.runId)?.lineage.origin ?? null;
    return (origin === null ? 0 : (store.wakes.byId(origin.wakeId)?.payload.inARow ?? 0)) + 1;
  }

  /** Wakes the agent, or blocks the task if the agent cannot be started, which nothing else would report. */
  function wakeOrBlock(task: Task, agentId: string, asked: Asking): void {
    const wake = wakeFor(task, agentId, asked);
    if (wake.status !== 'failed') return;
    const blocked = {
      type: 'block',
      reason: `It could not be started: ${wake.error}`,
      next: `Fix that, then: clip continue T${task.number}`,
    } as const;
    deps.tasks().change(task.number, blocked, { kind: 'clip' });
  }

  /** Wakes an agent for a task. A new assignment starts a fresh session; a continuation resumes the last one. */
  function wakeFor(task: Task, agentId: string, { reason, by, fresh }: Asking): Wake {
    return deps.wakes().wake({
      task: task.number,
      agentId,
      source: reason === 'issue_assigned' ? 'assignment' : 'on_demand',
      reason,
      payload: { ...plainPayload, fresh, inARow: countInARow(by) },
      key: null,
      notBefore: null,
      retryOf: null,
      prompt: null,
    });
  }

  /** Stops the agent runs of a canceled task. */
  function stopRuns(task: Task): void {
    for (const run of store.runs.openOfTask(task.number)) {
      if (isEnded(run.state) || run.spec.agent === null) continue;
      supervisor.submit(run.number, { type: 'stop-requested', order: 'cancelled', graceMs: null, now: false });
    }
  }

  /** Starts the next run of a task by hand. The person's words become a comment, so that later runs see them too. */
  function continueTask(number: number, asked: ContinueRequest, by: Actor): { wake: Wake } {
    try {
      return supervisor.together(() => continued(number, asked, by));
    } finally {
      byHand = false;
    }
  }

  function continued(number: number, asked: ContinueRequest, by: Actor): { wake: Wake } {
    const tasks = deps.tasks();
    const before = tasks.get(number);
    const agentId = asked.agentId ?? (before.assignee?.kind === 'agent' ? before.assignee.agentId : null);
    if (agentId === null)
      throw new ClipError(
        'refused',
        `T${number} is assigned to no agent.`,
        `Name one: clip continue T${number} --agent NAME`,
      );
    if (!maySpend(before, by)) {
      const hint = 'Say what is left to do instead, and end: clip report next "…"';
      throw new ClipError('refused', `T${number} has no automatic start left, and an agent gives it none.`, hint);
    }
    byHand = true;
    if (asked.words !== null && asked.words.trim() !== '') tasks.comment(number, { text: asked.words, key: null }, by);
    if (before.assignee?.kind !== 'agent' || before.assignee.agentId !== agentId)
      tasks.change(number, { type: 'assign', assignee: { kind: 'agent', agentId } }, by);
    if (before.status !== 'todo') tasks.change(number, { type: 'start' }, by);
    const wake = wakeFor(before, agentId, { reason: 'issue_continued', by, fresh: asked.fresh });
    if (wake.status === 'failed')
      throw new ClipError('refused', `T${number} cannot be continued: ${wake.error}`, 'Fix that, then try again.');
    return { wake };
  }

  /** Applies a report to its task: `blocked` blocks it, `done` moves it to review. Called in the transaction of the report. */
  function reported(run: Run, { kind, text, who }: StoredReport): void {
    const task = deps.tasks().ofRun(run);
    if (task === null || run.spec.agent === null || isClosed(task.status)) return;
    const by = { kind: 'agent', name: run.spec.agent.name, run: run.number, runId: run.id } as const;
    if (kind === 'blocked') {
      const next = `${who === null ? 'Answer it' : `${who} can lift it`}, then: clip continue T${task.number} "…"`;
      deps.tasks().change(task.number, { type: 'block', reason: deps.redacted(text, run.spec.agent.id), next }, by);
    }
    if (kind === 'done') deps.tasks().change(task.number, { type: deps.autoDone ? 'done' : 'review' }, by);
  }

  return { followed, continueTask, reported };
}

function spentByAgents({ number }: Task): { reason: string; next: string } {
  const reason =
    'Agents gave it to each other until all automatic starts were used up, and no work was kept meanwhile.';
  return { reason, next: `Look at it, then: clip continue T${number}` };
}
