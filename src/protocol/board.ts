/** What the dashboard shows: sent whole when it opens, and then in parts, as they change. */
import { z } from 'zod';
import { daemonAnswer, queueAnswer, runView } from './answers.ts';
import { needView } from './needs.ts';

/** What agents have used today. A cost that is not known is null; its known part stands beside it. */
const spentView = z.object({ runs: z.int(), costUsd: z.number().nullable(), costKnownUsd: z.number(), tokens: z.int().nullable(), tokensKnown: z.int() });

/** Numbers stand for runs, in the order in which they are shown. */
const boardParts = z.object({
  daemon: daemonAnswer.pick({ pid: true, version: true, startedAt: true, home: true, memoryBytes: true, trouble: true }),
  queue: queueAnswer.omit({ schema: true }),
  spentToday: spentView,
  needsYou: z.array(needView),
  live: z.array(z.int()),
  /** The next in line; `queue.queued` says how many there are. */
  queued: z.array(z.int()),
  /** The newest ends first. */
  recent: z.array(z.int()),
});
export type BoardParts = z.infer<typeof boardParts>;

/** `runs`: those that are new on the board or have changed. The first line of a stream has all parts. */
export const boardLine = z.union([
  z.object({ type: z.literal('board'), ...boardParts.partial().shape, runs: z.array(runView) }),
  z.object({ type: z.literal('goodbye') }),
]);
export type BoardLine = Extract<z.infer<typeof boardLine>, { type: 'board' }>;
