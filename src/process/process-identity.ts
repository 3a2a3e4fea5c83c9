import type { ProcessIdentity } from '#run/leader.ts';
import { pidNamespace, readStartTime, systemBootId } from './process-birth.ts';

/**
 * Returns whether this very process is still alive: same boot, pid namespace, pid and start time, and not a zombie.
 * False is no proof of its death if it cannot be seen from here (`canBeSeen`).
 */
export function isAliveProcess(identity: ProcessIdentity): boolean {
  // Without a start time (the process died before it could be read) the identity cannot be proven.
  if (identity.pid <= 1 || identity.startTime === 0 || !canBeSeen(identity)) return false;
  return identity.bootId === systemBootId() && readStartTime(identity.pid) === identity.startTime;
}

/** Returns false for a process in another pid namespace on this boot, whose pid belongs to another process here. */
export function canBeSeen({ bootId, pidNamespace: theirs }: Pick<ProcessIdentity, 'bootId' | 'pidNamespace'>): boolean {
  return theirs == null || bootId !== systemBootId() || theirs === pidNamespace();
}
