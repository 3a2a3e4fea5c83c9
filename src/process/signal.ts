/** Sending signals. Identity is proved again before each one; what cannot be proved is not signalled. */
import type { Signalled } from '../run/events.ts';
import type { Member } from './family.ts';
import { isAliveProcess } from './identity.ts';

/**
 * Signals each member that is still the process it was. The leader comes first, and its group with it:
 * those who got the signal as members of the group do not get it twice, for many take a second SIGTERM
 * as "at once".
 */
export function signalMembers(members: readonly Member[], signal: NodeJS.Signals): Signalled[] {
  const leader = members.find(({ proof }) => proof === 'leader');
  const group = leader !== undefined && signal !== 'SIGINT' && signalGroup(leader, signal) ? leader.pgid : null;
  return members.map((member) => {
    const inGroup = group !== null && member.pgid === group;
    const sent = inGroup || signalMember(member, signal);
    return {
      pid: member.pid,
      startTime: member.startTime,
      command: member.command,
      signal,
      proof: inGroup && member !== leader ? 'group' : member.proof,
      sent,
    };
  });
}

/** While the leader lives, its pid cannot have become another group's number. */
function signalGroup(leader: Member, signal: NodeJS.Signals): boolean {
  return leader.pgid > 1 && leader.pgid === leader.pid && isOurs(leader) && send(-leader.pgid, signal);
}

function signalMember(member: Member, signal: NodeJS.Signals): boolean {
  return isOurs(member) && send(member.pid, signal);
}

function isOurs(member: Member): boolean {
  return member.pid > 1 && member.pid !== process.pid && isAliveProcess(member);
}

function send(target: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(target, signal);
    return true;
  } catch {
    // It has just gone, or it became another user's: either way it is not ours to end.
    return false;
  }
}
