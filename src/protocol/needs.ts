/** What only a person can move on. */
import { z } from 'zod';

/** One sentence on what happened, one on what moves it on. */
export const needView = z.object({
  task: z.int().nullable(),
  run: z.int().nullable(),
  agent: z.string().nullable(),
  title: z.string(),
  status: z.string(),
  what: z.string(),
  next: z.string(),
});
export type NeedView = z.infer<typeof needView>;
