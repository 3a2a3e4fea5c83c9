/** Ends the leftovers of a run and reports them. */

import { setTimeout as sleep } from 'node:timers/promises';
import { canBeSeen } from '#process/process-identity.ts';
import { type Member, memberKey } from '#process/run-processes.ts';
import { limits } from '#run/limits.ts';
import type { LeakedProcess } from '#run/run.ts';
import type { Family, ProcessScanner, ScanResult } from './process-scanner.ts';

export type ReapOptions = {
  /** Lists the leftovers without ending them. */
  readonly leave: boolean;
  /** Time from which SIGKILL replaces SIGTERM; milliseconds since the epoch. */
  readonly killAt: number;
  /** Names of programs that are listed but not stopped, together with their descendants. */
  readonly keep: readonly string[];
};
export type Leftovers = {
  /** The leftovers, each with whether it has ended. Null if they cannot be seen: the run is in another pid namespace, or belongs to another home. */
  readonly leaked: readonly LeakedProcess[] | null;
  /** Number of this user's processes whose membership is unknown. */
  readonly unexamined: number;
};

/**
 * Repeats passes until two in a row find no process to end and none that ended unexamined. Sends SIGTERM once to each
 * process, and SIGKILL after `killAt`.
 */
export async function reapLeftovers(
  scanner: ProcessScanner,
  now: () => number,
  family: Family,
  ways: ReapOptions,
): Promise<Leftovers> {
  const seen = new Map<string, Member>();
  const asked = new Set<string>();
  let unexamined = 0;
  if (!scanner.canReach(family)) return { leaked: null, unexamined };
  for (let clean = 0, kills = 0, passes = 0, doubts = 0; clean < 2 && kills < limits.killsMax; passes += 1) {
    const found = await scanner.find(family.runId, family.leader);
    for (const member of found.members) seen.set(memberKey(member), member);
    unexamined = found.unexamined;
    if (ways.leave) break;
    const kept = keptAmong(found.members, ways.keep);
    const doomed = found.members.filter((member) => !kept.has(member.pid));
    if (doomed.length === 0 && !(found.populated && kept.size === 0)) {
      if (!isDoubtful(found, family)) clean += 1;
      else if (doubts < limits.doubtfulPassesMax) {
        doubts += 1;
        await pause(limits.sweepPauseMs);
      } else {
        clean += 1;
        unexamined = Math.max(unexamined, found.vanished);
      }
      continue;
    }
    clean = 0;
    if (now() >= ways.killAt) {
      for (const member of await kill(scanner, family, {
        doomed,
        whole: kept.size === 0 && !found.shared,
        freeze: kills < freezesMax,
      }))
        seen.set(memberKey(member), member);
      kills += 1;
    } else {
      const fresh = doomed.filter((member) => !asked.has(memberKey(member)));
      await scanner.signal(family, fresh, 'SIGTERM', false);
      for (const member of doomed) asked.add(memberKey(member));
    }
    // Most processes end quickly. The longer the others take, the longer the pause between passes.
    await pause(Math.min(limits.sweepPauseMs * (1 + passes / 8), limits.sweepPauseMsMax));
  }
  return { leaked: await listed(scanner, family, [...seen.values()], ways), unexamined };
}

/**
 * Returns whether the pass may have missed a process that forks and exits all the time. Control groups need no such
 * check, because the kernel lists their members.
 */
function isDoubtful({ vanished }: ScanResult, { leader }: Family): boolean {
  return vanished > 0 && leader?.cgroup == null;
}

type Killing = { readonly doomed: readonly Member[]; readonly whole: boolean; readonly freeze: boolean };

/** After so many kills, forking is not what keeps a process alive. */
const freezesMax = 3;

/**
 * Kills the members. Without a control group to kill as a whole, all are stopped first, because a process that keeps
 * forking would escape the signal.
 */
async function kill(
  scanner: ProcessScanner,
  family: Family,
  { doomed, whole, freeze }: Killing,
): Promise<readonly Member[]> {
  const { leader } = family;
  const frozen =
    freeze && whole && leader?.cgroup == null && (leader === null || canBeSeen(leader)) ? scanner.freeze(family) : [];
  const all = new Map([...doomed, ...frozen].map((member) => [memberKey(member), member]));
  await scanner.signal(family, [...all.values()], 'SIGKILL', whole);
  return frozen;
}

/** Lists the leftovers. A process that was just killed may still be exiting, so it is checked again before it is reported alive. */
async function listed(
  scanner: ProcessScanner,
  family: Family,
  members: readonly Member[],
  { leave, keep }: ReapOptions,
): Promise<LeakedProcess[]> {
  const kept = keptAmong(members, keep);
  let alive = await scanner.alive(family, members);
  for (
    let waited = 0;
    !leave && alive.some(({ pid }) => !kept.has(pid)) && waited < limits.leftoverGoneMs;
    waited += limits.sweepPauseMs
  ) {
    await pause(limits.sweepPauseMs);
    alive = await scanner.alive(family, members);
  }
  const living = new Set(alive.map(memberKey));
  return members.map((member) => ({ pid: member.pid, command: member.command, ended: !living.has(memberKey(member)) }));
}

function pause(ms: number): Promise<void> {
  return sleep(ms);
}

/** Returns the pids of kept programs and their descendants, for example the shells of a tmux session. */
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
