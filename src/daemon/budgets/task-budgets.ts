/** Provides the budgets of tasks. */
import type { Store } from '#store/store.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { TaskBudgets } from './budgets.ts';

export function taskBudgets({ store, supervisor }: { store: Store; supervisor: Supervisor }): TaskBudgets {
  return {
    taskOf: (run) => supervisor.find(run)?.lineage.taskId ?? null,
    budgetOf: (task) => store.tasks.byNumber(task)?.budget ?? null,
  };
}
