/** All labelled cases. A case whose verdict is known to be another carries it as `known`. */
import type { LivenessCase } from '../../support/liveness.ts';
import { adversarial } from './liveness-cases/adversarial.ts';
import { blockers } from './liveness-cases/blockers.ts';
import { ends } from './liveness-cases/ends.ts';
import { evidence } from './liveness-cases/evidence.ts';
import { followups } from './liveness-cases/followups.ts';
import { messagesThatDecide } from './liveness-cases/messages-that-decide.ts';
import { messagesToFollowUp } from './liveness-cases/messages-to-follow-up.ts';
import { notBlockers } from './liveness-cases/not-blockers.ts';
import { plans } from './liveness-cases/plans.ts';
import { recorded } from './liveness-cases/recorded.ts';
import { tasks } from './liveness-cases/tasks.ts';

export const all: readonly LivenessCase[] = [
  ...ends,
  ...tasks,
  ...evidence,
  ...blockers,
  ...notBlockers,
  ...plans,
  ...followups,
  ...adversarial,
  ...messagesThatDecide,
  ...messagesToFollowUp,
  ...recorded,
];
