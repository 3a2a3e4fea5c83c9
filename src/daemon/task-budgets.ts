/** What budgets have to know of tasks. */
import type { Store } from '../store/store.ts';
import type { TaskBudgets } from './spending.ts';
import type { Supervisor } from './supervisor.ts';

export function taskBudgets({ store, supervisor }: { store: Store; supervisor: Supervisor }): TaskBudgets {
  return {
    taskOf: (run) => supervisor.find(run)?.lineage.taskId ?? null,
    budgetOf: (task) => store.tasks.byNumber(task)?.budget ?? null,
    runsOf: (task) => store.runs.numbersOfTask(task),
  };
}
