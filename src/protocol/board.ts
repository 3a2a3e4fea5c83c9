/** The data of the dashboard: sent whole when it opens, and then in parts as they change. */
import { z } from 'zod';
import { daemonAnswer, runView } from './answers.ts';
import { needView } from './needs.ts';
import { queueState } from './queue.ts';

/** What agents have used today. An unknown cost is null; its known part is in `costKnownUsd`. */
const spentView = z.object({
  runs: z.int(),
  costUsd: z.number().nullable(),
  costKnownUsd: z.number(),
  tokens: z.int().nullable(),
  tokensKnown: z.int(),
});

/** The parts of the board. Numbers refer to runs, in display order. */
const boardParts = z.object({
  daemon: daemonAnswer.pick({
    pid: true,
    version: true,
    startedAt: true,
    home: true,
    memoryBytes: true,
    trouble: true,
  }),
  queue: queueState,
  spentToday: spentView,
  needsYou: z.array(needView),
  live: z.array(z.int()),
  /** The next runs in the queue. `queue.queued` has their total number. */
  queued: z.array(z.int()),
  /** The most recent ends first. */
  recent: z.array(z.int()),
});
export type BoardParts = z.infer<typeof boardParts>;

/** `runs`: runs that are new on the board or have changed. The first line of a stream has all parts. */
export const boardLine = z.union([
  z.object({ type: z.literal('board'), ...boardParts.partial().shape, runs: z.array(runView) }),
  z.object({ type: z.literal('goodbye') }),
]);
export type BoardLine = Extract<z.infer<typeof boardLine>, { type: 'board' }>;
