/** The lines of streams that answer a batch, a wait and a log. The schema of a board is in board.ts. */
import { z } from 'zod';
import { errorAnswer, runView } from './answers.ts';

export const batchLine = z.union([
  z.object({ line: z.int(), run: runView, existing: z.boolean() }),
  z.object({ line: z.int(), error: errorAnswer.shape.error }),
]);

/** A line of a wait: first the current runs, then each run that reaches the state. `goodbye` when the daemon stops. */
export const waitLine = z.union([
  z.object({ type: z.literal('waiting'), runs: z.array(z.int()) }),
  z.object({ type: z.literal('reached'), run: runView }),
  z.object({ type: z.literal('goodbye') }),
]);

export const logLine = z.object({
  stream: z.enum(['stdout', 'stderr']),
  offset: z.int(),
  next: z.int(),
  data: z.string(),
  encoding: z.literal('base64'),
});
