/** What only a person can move on. */
import type { NeedView } from '../protocol/needs.ts';
import { limits } from '../run/limits.ts';
import { isEnded, type Run } from '../run/run.ts';
import type { Store } from '../store/store.ts';
import type { Task } from '../task/task.ts';
import type { Reached, Spending } from './spending.ts';

export function createNeeds(world: { store: Store; spending: Spending; now: () => number }) {
  const { store, spending } = world;

  function ofTask(task: Task): NeedView {
    const { number, title, status } = task;
    const agent = task.assignee?.kind === 'agent' ? store.agents.nameOf(task.assignee.agentId) : null;
    const run = store.runs.latestOfTask(number, null);
    const ended = run !== null && isEnded(run.state) ? run.number : null;
    return { kind: 'task', task: number, run: run?.number ?? null, agent, title, status, ...wordsOf(task, ended) };
  }

  /** The agent, or the task, does nothing more before the day is over or the limit is raised. */
  function ofLimit({ scope, name, words, remedy }: Reached): NeedView {
    const task = scope === 'task' ? Number(name.slice(1)) : null;
    const title = task === null ? (name === '' ? 'all agents' : `agent ${name}`) : (store.tasks.byNumber(task)?.title ?? name);
    return {
      kind: 'budget',
      task,
      run: null,
      agent: scope === 'agent' ? name : null,
      title,
      status: 'budget_paused',
      what: sentence(words),
      next: sentence(remedy),
    };
  }

  /** Lost without a task that would speak for it: it was to be started again, and could not safely be. */
  function ofLost(run: Run): NeedView[] {
    const { number, spec, lineage, state } = run;
    if (!isEnded(state) || state.errorCode !== 'process_lost' || spec.onLoss !== 'retry' || lineage.taskId !== null) return [];
    if (lineage.processLossRetryCount > 0 || store.runs.retryOf(run.id) !== null) return [];
    const title = `run ${number}`;
    const next = `Make sure that nothing of it lives any more (clip show ${number}), then: clip retry ${number}`;
    return [
      { kind: 'run', task: null, run: number, agent: spec.agent?.name ?? null, title, status: 'lost', what: sentence(state.error ?? 'it was lost'), next },
    ];
  }

  return (): NeedView[] => {
    const lost = store.runs
      .page({ statuses: ['failed'], since: world.now() - limits.lostShownMs }, { before: null, limit: limits.needsShown })
      .runs.flatMap(ofLost);
    const overBudget = store.tasks.withBudget().flatMap(({ number }) => spending.reachedFor(null, number) ?? []);
    return [...spending.usedUp(), ...overBudget].map(ofLimit).concat(lost, store.tasks.needingPerson(limits.needsShown).map(ofTask));
  };
}

function wordsOf({ number, status, blockedReason, blockedNext }: Task, lastRun: number | null): Pick<NeedView, 'what' | 'next'> {
  if (status === 'in_review') {
    const who = lastRun === null ? '' : ` (run ${lastRun})`;
    return {
      what: `The agent says that it is done${who}.`,
      next: `Look at it, then: clip task done T${number}, or clip continue T${number} "what is missing"`,
    };
  }
  return { what: blockedReason ?? 'It is blocked, and nobody said why.', next: blockedNext ?? `Settle it, then: clip continue T${number}` };
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}
