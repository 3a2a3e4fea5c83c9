/** Sends signals. The identity of a process is verified before each one, and an unverified process is not signaled. */
import type { Signalled } from '#run/events.ts';
import { killGroup } from './cgroup.ts';
import { readStat } from './process-birth.ts';
import { isAliveProcess } from './process-identity.ts';
import type { Member } from './run-processes.ts';

/**
 * Signals each member whose identity still matches. The leader comes first, together with its group. Members of the
 * group do not get the signal twice, because many programs take a second SIGTERM as "at once". With `cgroup`, SIGKILL
 * goes to the whole control group, which no fork can escape.
 */
export function signalMembers(
  members: readonly Member[],
  signal: NodeJS.Signals,
  cgroup: string | null = null,
): Signalled[] {
  const killed = signal === 'SIGKILL' && cgroup !== null && killGroup(cgroup);
  const leader = members.find(({ proof }) => proof === 'leader');
  const group =
    !killed && leader !== undefined && signal !== 'SIGINT' && signalGroup(leader, signal) ? leader.pgid : null;
  return members.map((member) => {
    const inGroup = group !== null && member.pgid === group;
    const byKernel = killed && isCounted(member);
    const sent = inGroup || byKernel || signalMember(member, signal);
    // A stopped program could not react and would use up its whole grace period.
    if (sent && signal !== 'SIGKILL') wakeIfStopped(member);
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

/** Returns whether a member is in the control group: the leader was started there, and others were found there. */
function isCounted({ proof }: Member): boolean {
  return proof === 'leader' || proof === 'cgroup';
}

/** Stops a member (SIGSTOP), so it can start nothing more until it is killed. */
export function freezeMember(member: Member): void {
  signalMember(member, 'SIGSTOP');
}

/** Signals the group of the leader. While the leader is alive, its pid cannot be the number of another group. */
function signalGroup(leader: Member, signal: NodeJS.Signals): boolean {
  return leader.pgid > 1 && leader.pgid === leader.pid && isOurs(leader) && send(-leader.pgid, signal);
}

function signalMember(member: Member, signal: NodeJS.Signals): boolean {
  return isOurs(member) && send(member.pid, signal);
}

function wakeIfStopped(member: Member): void {
  if (readStat(member.pid)?.state === 'T') signalMember(member, 'SIGCONT');
}

function isOurs(member: Member): boolean {
  return member.pid > 1 && member.pid !== process.pid && isAliveProcess(member);
}

function send(target: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(target, signal);
    return true;
  } catch {
    // The process has just ended or became another user's, so it cannot be signaled.
    return false;
  }
}
