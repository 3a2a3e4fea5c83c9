import type { ProcessIdentity } from '../run/run.ts';
import { readStartTime, systemBootId } from './birth.ts';

/** Whether this very process still lives: same boot, same pid, same start time, and not a zombie. */
export function isAliveProcess(identity: ProcessIdentity): boolean {
  // Without a start time (it died before it could be read) nothing can be proved, so nothing is ours.
  if (identity.pid <= 1 || identity.startTime === 0) return false;
  return identity.bootId === systemBootId() && readStartTime(identity.pid) === identity.startTime;
}
