/** What only a person can move on: one sentence on what happened, one on what to do. */
import { z } from 'zod';

export const needView = z.object({
  /** A task that is blocked or in review, a limit that is reached, a run that was lost and not started again. */
  kind: z.enum(['task', 'budget', 'run']),
  task: z.int().nullable(),
  run: z.int().nullable(),
  agent: z.string().nullable(),
  /** Of the task, or whose limit it is. */
  title: z.string(),
  status: z.string(),
  what: z.string(),
  next: z.string(),
});
export type NeedView = z.infer<typeof needView>;
