/** The budgets of the home, and the meter that counts what runs use of them. */
import type { Core } from '../core/core.ts';
import type { Output } from '../output/output.ts';
import { Budgets } from './budgets.ts';
import { taskBudgets } from './task-budgets.ts';
import { UsageMeter } from './usage.ts';

export function createMeteredBudgets(
  { store, supervisor, changeFeed, config, events, now }: Core,
  { logFollower }: Output,
): { budgets: Budgets; usageMeter: UsageMeter } {
  const usageMeter = new UsageMeter({ store, supervisor, logFollower, changeFeed, now });
  const ask = () => events.emit('rules-changed');
  const tasks = taskBudgets({ store, supervisor });
  return { usageMeter, budgets: new Budgets({ store, supervisor, usageMeter, now, config, ask, tasks }) };
}
