/** What a change of a task means for its wakes and runs, and how a person starts the next run. */
import { ClipError } from '../run/errors.ts';
import { isEnded, type Run } from '../run/run.ts';
import type { StoredReport } from '../store/reports.ts';
import type { Store } from '../store/store.ts';
import type { TaskChange } from '../task/change.ts';
import { startsInARowMax } from '../task/next/continuation.ts';
import { spend } from '../task/next/continuation-budget.ts';
import { type Actor, isClosed, type Task } from '../task/task.ts';
import { plainPayload, type Wake } from '../task/wake.ts';
import type { Supervisor } from './supervisor.ts';
import type { Tasks } from './tasks.ts';
import type { Wakes } from './wakes.ts';

export type Onward = ReturnType<typeof createOnward>;
type Change = TaskChange['type'] | 'add';
type Asking = { readonly reason: 'issue_assigned' | 'issue_continued'; readonly by: Actor; readonly fresh: boolean };
type Asked = { readonly agentId: string | null; readonly words: string | null; readonly fresh: boolean };

export function createOnward(world: {
  store: Store;
  supervisor: Supervisor;
  tasks: () => Tasks;
  wakes: () => Wakes;
  redacted: (text: string, agentId: string) => string;
  autoDone: boolean;
  /** Whether something follows now that could not before. */
  lookAgain: (task: number) => void;
}) {
  const { store, supervisor } = world;
  /** A person continues a task right now: the wake for it is made once, with what was asked. */
  let byHand = false;

  /** Called in the transaction of the change. */
  function followed(before: Task | null, task: Task, change: Change, by: Actor): void {
    const agentId = task.assignee?.kind === 'agent' ? task.assignee.agentId : null;
    switch (change) {
      case 'add':
      case 'assign':
        if (before !== null && JSON.stringify(before.assignee) === JSON.stringify(task.assignee)) return;
        if (before !== null) world.wakes().drop({ task: task.number }, `T${task.number} was assigned to somebody else.`);
        if (!byHand && agentId !== null && (task.status === 'todo' || task.status === 'in_progress')) {
          // A new task has all its starts; but an agent that makes one task after the other for itself comes to an end as well.
          const may = before === null ? inARowOf(by) <= startsInARowMax : maySpend(task, by);
          if (may) wakeOrBlock(task, agentId, { reason: 'issue_assigned', by, fresh: true });
          else world.tasks().change(task.number, { type: 'block', ...spentByAgents(task) }, { kind: 'clip' });
        }
        return;
      case 'start':
      case 'reopen':
        if (!byHand && agentId !== null && by.kind === 'person' && before?.status !== task.status)
          wakeOrBlock(task, agentId, { reason: 'issue_continued', by, fresh: false });
        return;
      case 'edit':
        // More of its budget, perhaps.
        return world.lookAgain(task.number);
      case 'cancel':
        stopRuns(task);
        return world.wakes().drop({ task: task.number }, `T${task.number} was cancelled.`);
      case 'done':
      case 'review':
      case 'block':
        return world.wakes().drop({ task: task.number }, `T${task.number} is ${task.status}.`);
      default:
        return;
    }
  }

  /** What an agent starts on a task it has been given is as automatic as what clip starts, and out of the same budget. */
  function maySpend(task: Task, by: Actor): boolean {
    if (by.kind !== 'agent') return true;
    if (inARowOf(by) > startsInARowMax) return false;
    const budgetLeft = spend(task.budgetLeft);
    if (budgetLeft !== null) world.tasks().keep(task.number, { budgetLeft });
    return budgetLeft !== null;
  }

  /** How many runs in a row nobody has asked for, with the one that this actor starts; 0 for a person's. */
  function inARowOf(by: Actor): number {
    if (by.kind !== 'agent') return 0;
    const origin = store.runs.byId(by.runId)?.lineage.origin ?? null;
    return (origin === null ? 0 : (store.wakes.byId(origin.wakeId)?.payload.inARow ?? 0)) + 1;
  }

  /** An agent that cannot even be started leaves its task to a person: nothing else would say so. */
  function wakeOrBlock(task: Task, agentId: string, asked: Asking): void {
    const wake = wakeFor(task, agentId, asked);
    if (wake.status !== 'failed') return;
    const blocked = { type: 'block', reason: `It could not be started: ${wake.error}`, next: `Mend that, then: clip continue T${task.number}` } as const;
    world.tasks().change(task.number, blocked, { kind: 'clip' });
  }

  /** Whoever is given a task begins with it; whoever goes on remembers. */
  function wakeFor(task: Task, agentId: string, { reason, by, fresh }: Asking): Wake {
    return world.wakes().wake({
      task: task.number,
      agentId,
      source: reason === 'issue_assigned' ? 'assignment' : 'on_demand',
      reason,
      payload: { ...plainPayload, fresh, inARow: inARowOf(by) },
      key: null,
      notBefore: null,
      retryOf: null,
      prompt: null,
    });
  }

  /** Who works on a task that nobody wants any more is stopped. */
  function stopRuns(task: Task): void {
    for (const run of store.runs.openOfTask(task.number)) {
      if (isEnded(run.state) || run.spec.agent === null) continue;
      supervisor.submit(run.number, { type: 'stop-requested', order: 'cancelled', graceMs: null, now: false });
    }
  }

  /** Starts the next run of a task by hand. The person's words become a comment, so that later runs know them as well. */
  function continueTask(number: number, asked: Asked, by: Actor): { wake: Wake } {
    try {
      return supervisor.together(() => continued(number, asked, by));
    } finally {
      byHand = false;
    }
  }

  function continued(number: number, asked: Asked, by: Actor): { wake: Wake } {
    const tasks = world.tasks();
    const before = tasks.get(number);
    const agentId = asked.agentId ?? (before.assignee?.kind === 'agent' ? before.assignee.agentId : null);
    if (agentId === null) throw new ClipError('refused', `T${number} is assigned to no agent.`, `Name one: clip continue T${number} --agent NAME`);
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
    if (wake.status === 'failed') throw new ClipError('refused', `T${number} cannot be continued: ${wake.error}`, 'Mend that, then try again.');
    return { wake };
  }

  /** What an agent says of its task moves it: blocked, or to a person who looks at it. Called in the transaction of the report. */
  function reported(run: Run, { kind, text, who }: StoredReport): void {
    const task = world.tasks().ofRun(run);
    if (task === null || run.spec.agent === null || isClosed(task.status)) return;
    const by = { kind: 'agent', name: run.spec.agent.name, run: run.number, runId: run.id } as const;
    if (kind === 'blocked') {
      const next = `${who === null ? 'Answer it' : `${who} can lift it`}, then: clip continue T${task.number} "…"`;
      world.tasks().change(task.number, { type: 'block', reason: world.redacted(text, run.spec.agent.id), next }, by);
    }
    if (kind === 'done') world.tasks().change(task.number, { type: world.autoDone ? 'done' : 'review' }, by);
  }

  return { followed, continueTask, reported };
}

function spentByAgents({ number }: Task): { reason: string; next: string } {
  const reason = 'Agents gave it to each other until all automatic starts were used up, and no work was kept meanwhile.';
  return { reason, next: `Look at it, then: clip continue T${number}` };
}
