/** The state of the queue. */
import { z } from 'zod';

/** `slots` and `taken` count commands, `agentSlots` and `agentsTaken` agents. */
export const queueState = z.object({
  held: z.boolean(),
  queued: z.int(),
  slots: z.int(),
  taken: z.int(),
  agentSlots: z.int(),
  agentsTaken: z.int(),
});
export type QueueState = z.infer<typeof queueState>;

/** `stopped`: the runs of agents that are being stopped. */
export const queueAnswer = queueState.extend({ schema: z.literal(1), stopped: z.array(z.int()).optional() });
