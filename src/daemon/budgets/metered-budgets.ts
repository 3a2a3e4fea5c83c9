/** The budgets of the home, and the meter that counts what runs use of them. */
import type { Core } from '../core/core.ts';
import type { Output } from '../output/output.ts';
import { type Budgets, createBudgets } from './budgets.ts';
import { taskBudgets } from './task-budgets.ts';
import { createUsageMeter, type UsageMeter } from './usage.ts';

export function createMeteredBudgets(
  { store, supervisor, changeFeed, config, events, now }: Core,
  { logFollower }: Output,
): { budgets: Budgets; usageMeter: UsageMeter } {
  const usageMeter = createUsageMeter({ store, supervisor, logFollower, changeFeed, now });
  const ask = () => events.emit('rules-changed');
  const tasks = taskBudgets({ store, supervisor });
  return { usageMeter, budgets: createBudgets({ store, supervisor, usageMeter, now, config, ask, tasks }) };
}
