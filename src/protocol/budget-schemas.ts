/** Budgets and quiet hours in requests. */
import { z } from 'zod';
import type { Budget } from '#run/budget.ts';
import { limits } from '#run/limits.ts';
import type { QuietHours } from '#run/schedule.ts';
import { wireLimits } from './wire-limits.ts';

const dayMinutes = 24 * 60;

export const budgetSchema: z.ZodType<Budget> = z
  .strictObject({
    costUsd: z.number().positive().max(wireLimits.budgetUsdMax).nullable().default(null),
    tokens: z.int().min(1).nullable().default(null),
    runs: z.int().min(1).max(wireLimits.budgetRunsMax).nullable().default(null),
    timeMs: z.int().min(1).max(limits.durationMsMax).nullable().default(null),
  })
  .refine((budget) => Object.values(budget).some((limit) => limit !== null), 'must have a limit');

export const quietHoursSchema: z.ZodType<QuietHours> = z
  .strictObject({
    fromMinute: z
      .int()
      .min(0)
      .max(dayMinutes - 1),
    toMinute: z
      .int()
      .min(0)
      .max(dayMinutes - 1),
  })
  .refine(({ fromMinute, toMinute }) => fromMinute !== toMinute, 'must begin and end at different times');
