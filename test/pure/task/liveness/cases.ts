/** All labeled cases. A case whose verdict is known to be wrong has that verdict as `known`. */
import type { LivenessCase } from '../../../support/liveness.ts';
import { adversarial } from './cases/adversarial.ts';
import { blockers } from './cases/blockers.ts';
import { ends } from './cases/ends.ts';
import { evidence } from './cases/evidence.ts';
import { followups } from './cases/followups.ts';
import { messagesThatDecide } from './cases/messages-that-decide.ts';
import { messagesToFollowUp } from './cases/messages-to-follow-up.ts';
import { notBlockers } from './cases/not-blockers.ts';
import { plans } from './cases/plans.ts';
import { recorded } from './cases/recorded.ts';
import { tasks } from './cases/tasks.ts';

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
