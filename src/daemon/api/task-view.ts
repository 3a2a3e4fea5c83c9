/** Builds the views of tasks, with what the rest of the daemon knows of them. */
import { findAdapter } from '#adapters/registry.ts';
import { viewOfTask } from '#protocol/task-views.ts';
import type { TaskShowAnswer, TaskView } from '#protocol/tasks.ts';
import { doubtAbout } from '#run/budget.ts';
import { isoTime } from '#run/iso-time.ts';
import { isClosed, type Task } from '#task/task.ts';
import { buildProfile } from '../agents/invocation.ts';
import type { ApiContext } from './context.ts';

/** Returns the view of a task, with the limit that it has reached. */
export function viewTask({ store, budgets }: Pick<ApiContext, 'store' | 'budgets'>, task: Task): TaskView {
  return viewOfTask(task, {
    nameOf: (agentId) => store.agents.nameOf(agentId),
    paused: isClosed(task.status) ? null : budgets.mayStart(null, task.number),
  });
}

/** Returns the view of the environment that the task's automatic runs start from. */
export function viewTaskEnvironment(
  { environments }: Pick<ApiContext, 'environments'>,
  task: number,
): TaskShowAnswer['environment'] {
  const keptAt = environments.keptAt({ task });
  return keptAt === null ? { source: 'daemon', keptAt: null } : { source: 'person', keptAt: isoTime(keptAt) };
}

/**
 * Describes what the task's budget cannot enforce in time, because the agent's CLI reports its usage too late. Returns
 * null if there is nothing of this kind.
 */
export function findBudgetNote({ store }: Pick<ApiContext, 'store'>, { budget, assignee }: Task): string | null {
  const agent = assignee?.kind === 'agent' ? store.agents.byId(assignee.agentId) : null;
  if (budget === null || agent === null) return null;
  const doubt = doubtAbout(budget, findAdapter(buildProfile(agent)).tells);
  return doubt === null ? null : `Agent ${agent.name}: ${doubt}.`;
}
