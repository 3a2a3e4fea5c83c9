/** Sending signals. Identity is proved again before each one; what cannot be proved is not signalled. */
import type { Signalled } from '../run/events.ts';
import type { Member } from './family.ts';
import { isAliveProcess } from './identity.ts';

/** Signals each member that is still the process it was; the leader's whole group at once, when the leader proves the group. */
export function signalMembers(members: readonly Member[], signal: NodeJS.Signals): Signalled[] {
  return members.map((member) => {
    const sent = signalMember(member, signal);
    return { pid: member.pid, startTime: member.startTime, signal, proof: member.proof, sent };
  });
}

function signalMember(member: Member, signal: NodeJS.Signals): boolean {
  if (member.pid <= 1 || member.pid === process.pid || !isAliveProcess(member)) return false;
  // While the leader lives its pid cannot have become another group's number.
  const groupIsOurs = member.proof === 'leader' && member.pgid === member.pid && member.pgid > 1;
  if (groupIsOurs && signal !== 'SIGINT' && send(-member.pgid, signal)) return true;
  return send(member.pid, signal);
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
