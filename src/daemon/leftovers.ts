/** Ends what outlives the leader of a run, and keeps account of it. */

import type { Member } from '../process/family.ts';
import { isAliveProcess } from '../process/identity.ts';
import { signalMembers } from '../process/signal.ts';
import { limits } from '../run/limits.ts';
import type { Leader, LeakedProcess } from '../run/run.ts';
import type { Sweeper } from './sweeper.ts';

export type Family = { readonly runId: string; readonly leader: Leader | null };
export type Ways = {
  /** Only list them. */
  readonly leave: boolean;
  /** When to stop asking and kill; milliseconds since the epoch. */
  readonly killAt: number;
  /** Names of programs that are listed but not stopped, with what they started. */
  readonly keep: readonly string[];
};

/**
 * Sweeps until two passes in a row find nothing that should end. Everything found is asked once with
 * SIGTERM and killed after `killAt`. Returns what was found, each with whether it has ended.
 */
export async function endLeftovers(sweeper: Sweeper, now: () => number, family: Family, ways: Ways): Promise<LeakedProcess[]> {
  const seen = new Map<string, Member>();
  const asked = new Set<string>();
  for (let clean = 0, kills = 0, passes = 0; clean < 2 && kills < limits.killsMax; passes += 1) {
    const { members } = await sweeper.find(family.runId, family.leader);
    for (const member of members) seen.set(keyOf(member), member);
    if (ways.leave) break;
    const kept = keptAmong(members, ways.keep);
    const doomed = members.filter((member) => !kept.has(member.pid));
    clean = doomed.length === 0 ? clean + 1 : 0;
    if (doomed.length === 0) continue;
    if (now() >= ways.killAt) {
      signalMembers(doomed, 'SIGKILL');
      kills += 1;
    } else {
      signalMembers(
        doomed.filter((member) => !asked.has(keyOf(member))),
        'SIGTERM',
      );
      for (const member of doomed) asked.add(keyOf(member));
    }
    // At first they go quickly or not at all; who takes the whole grace is looked at less often.
    const pause = Math.min(limits.sweepPauseMs * (1 + passes / 8), limits.sweepPauseMsMax);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return [...seen.values()].map((member) => ({ pid: member.pid, command: member.command, ended: !isAliveProcess(member) }));
}

function keyOf({ pid, startTime }: Member): string {
  return `${pid}:${startTime}`;
}

/** The kept programs and everything below them: the shells of a tmux session stay with it. */
function keptAmong(members: readonly Member[], keep: readonly string[]): Set<number> {
  const kept = new Set(members.filter(({ command }) => keep.includes(command)).map(({ pid }) => pid));
  if (kept.size === 0) return kept;
  for (let grew = true; grew; ) {
    grew = false;
    for (const { pid, ppid } of members) {
      if (kept.has(pid) || !kept.has(ppid)) continue;
      kept.add(pid);
      grew = true;
    }
  }
  return kept;
}
