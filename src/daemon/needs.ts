/** What only a person can move on: one sentence on what happened, one on what to do. */
import type { NeedView } from '../protocol/needs.ts';
import { limits } from '../run/limits.ts';
import { isEnded } from '../run/run.ts';
import type { Store } from '../store/store.ts';
import type { Task } from '../task/task.ts';

export function createNeeds(world: { store: Store }) {
  const { store } = world;

  return (): NeedView[] => {
    return store.tasks.needingPerson(limits.needsShown).map(ofTask);
  };

  function ofTask(task: Task): NeedView {
    const { number, title, status } = task;
    const agent = task.assignee?.kind === 'agent' ? store.agents.nameOf(task.assignee.agentId) : null;
    const run = store.runs.latestOfTask(number, null);
    return {
      task: number,
      run: run?.number ?? null,
      agent,
      title,
      status: task.paused === null ? status : 'paused',
      ...wordsOf(task, run !== null && isEnded(run.state) ? run.number : null),
    };
  }
}

function wordsOf({ number, status, blockedReason, blockedNext, paused }: Task, lastRun: number | null): Pick<NeedView, 'what' | 'next'> {
  if (paused !== null && status !== 'blocked' && status !== 'in_review')
    return { what: paused, next: `Raise the limit: clip task edit T${number} --budget AMOUNT` };
  if (status === 'in_review') {
    const who = lastRun === null ? '' : ` (run ${lastRun})`;
    return {
      what: `The agent says that it is done${who}.`,
      next: `Look at it, then: clip task done T${number}, or clip continue T${number} "what is missing"`,
    };
  }
  return { what: blockedReason ?? 'It is blocked, and nobody said why.', next: blockedNext ?? `Settle it, then: clip continue T${number}` };
}
