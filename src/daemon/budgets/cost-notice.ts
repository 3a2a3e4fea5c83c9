/** A notice shown once per home, when a task is assigned to an agent and no budget limits its cost. */
import type { Config } from '#config/settings.ts';
import type { Store } from '#store/store.ts';
import { budgetMax } from '#task/continuation/continuation-budget.ts';
import type { Actor, Task } from '#task/task.ts';

export type CostNotice = ReturnType<typeof createCostNotice>;

const saidKey = 'said:no-budget';

export function createCostNotice({
  store,
  config,
}: {
  store: Store;
  config: Pick<Config, 'budget' | 'automatic_runs_max'>;
}) {
  /** Returns what bounds the cost of this task. Null if a budget does, or if the notice was shown before. */
  return (task: Task, by: Actor): string | null => {
    const isStarted = task.status === 'todo' || task.status === 'in_progress';
    if (by.kind !== 'person' || task.assignee?.kind !== 'agent' || !isStarted) return null;
    const agent = store.agents.byId(task.assignee.agentId);
    if (agent === null || task.budget !== null || config.budget.run !== null || config.budget.day !== null) return null;
    if (agent.settings.budgetRun !== null || agent.settings.budgetDay !== null || store.readMeta(saidKey) !== null)
      return null;
    store.transaction((tx) => store.writeMeta(tx, saidKey, '1'));
    return formatNotice({ agent: agent.name, task: task.number, runsMax: config.automatic_runs_max });
  };
}

function formatNotice({ agent, task, runsMax }: { agent: string; task: number; runsMax: number }): string {
  const starts = Math.min(budgetMax, runsMax);
  const bound =
    runsMax === 0
      ? 'clip starts no run of it by itself (automatic_runs_max)'
      : `clip starts at most ${runsMax} run${runsMax === 1 ? '' : 's'} of it in a row by itself (automatic_runs_max), ` +
        `${starts} without progress, and then asks you`;
  const limit = `clip agent edit ${agent} --budget-day 5usd, or clip task edit T${task} --budget 2usd`;
  const what = `No budget limits what T${task} may cost. What bounds it: ${bound}. A single run may use any amount.`;
  return `${what} To limit it: ${limit}. (This is said once.)`;
}
