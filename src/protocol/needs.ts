/** Items that need a person: one sentence on what happened, and one on what to do. */
import { z } from 'zod';

export const needView = z.object({
  /**
   * `task`: blocked, in review, assigned to a person, or idle. `budget`: a limit that is reached. `run`: lost and not
   * retried, an agent's run without a task that did not do its work, or a run that hangs.
   */
  kind: z.enum(['task', 'budget', 'run']),
  task: z.int().nullable(),
  run: z.int().nullable(),
  agent: z.string().nullable(),
  /** The title of the task, or the owner of the limit. */
  title: z.string(),
  status: z.string(),
  /** Since when. Null when unknown. */
  since: z.iso.datetime().nullable(),
  what: z.string(),
  next: z.string(),
});
export type NeedView = z.infer<typeof needView>;
