/**
 * The family of a run: its leader, the members of the leader's session and group, everything that
 * carries the run's mark in its environment, and what descends from the living leader.
 */

import type { Signalled } from '../run/events.ts';
import type { Leader, ProcessIdentity } from '../run/run.ts';
import { systemBootId } from './birth.ts';
import type { ProcessRow } from './process-row.ts';
import { listProcesses } from './process-table.ts';

export type Wanted = { readonly runId: string; readonly leader: Leader | null };

export type Member = ProcessIdentity & {
  readonly ppid: number;
  readonly pgid: number;
  readonly session: number;
  readonly command: string;
  readonly proof: Signalled['proof'];
};

export type Families = {
  readonly members: ReadonlyMap<string, readonly Member[]>;
  /** Whether every process of this user showed its environment: only then does "nothing found" prove anything. */
  readonly everythingReadable: boolean;
  readonly processes: number;
};

/** One pass over the process table for any number of runs. Zombies are dead; daemons and keepers are nobody's family. */
export function findFamilies(wanted: readonly Wanted[], except: ReadonlySet<number> = new Set()): Families {
  const bootId = systemBootId();
  // A leader of an earlier boot says nothing about today's pids.
  const known = wanted.map(({ runId, leader }) => ({ runId, leader: leader?.bootId === bootId && leader.startTime > 0 ? leader : null }));
  const bornAfter = Math.min(...known.map(({ leader }) => leader?.startTime ?? 0));
  const table = listProcesses({ bornAfter, except, marksOnly: known.every(({ leader }) => leader === null) });
  const members = new Map<string, Member[]>(wanted.map(({ runId }) => [runId, []]));
  const byPid = new Map(table.rows.map((row) => [row.pid, row]));
  const leaders = livingSessions(known, byPid);
  for (const row of table.rows) {
    if (row.ours) continue;
    const found = belongsTo(row, members, leaders, byPid);
    if (found) members.get(found.runId)?.push({ ...identityOf(row, bootId), proof: found.proof });
  }
  return { members, everythingReadable: table.everythingReadable, processes: table.processes };
}

type Found = { runId: string; proof: Member['proof'] };
type Session = { runId: string; leader: Leader; alive: boolean };

/** Sessions that are still a run's own. A session whose number is now some other process's pid has been given away. */
function livingSessions(known: readonly Wanted[], byPid: ReadonlyMap<number, ProcessRow>): Map<number, Session> {
  const sessions = new Map<number, Session>();
  for (const { runId, leader } of known) {
    if (leader === null || leader.pid <= 1) continue;
    const row = byPid.get(leader.pid);
    if (row !== undefined && row.startTime !== leader.startTime) continue;
    sessions.set(leader.pid, { runId, leader, alive: row !== undefined });
  }
  return sessions;
}

function belongsTo(
  row: ProcessRow,
  wanted: ReadonlyMap<string, unknown>,
  sessions: ReadonlyMap<number, Session>,
  byPid: ReadonlyMap<number, ProcessRow>,
): Found | null {
  const leads = sessions.get(row.pid);
  if (leads) return { runId: leads.runId, proof: 'leader' };
  if (row.mark !== null && wanted.has(row.mark)) return { runId: row.mark, proof: 'mark' };
  // Another run's mark outweighs session and descent: a run inside a run is a family of its own.
  if (row.mark !== null || sessions.size === 0) return null;
  const session = sessions.get(row.session) ?? sessions.get(row.pgid);
  if (session && row.startTime >= session.leader.startTime) return { runId: session.runId, proof: 'session' };
  for (let parent = byPid.get(row.ppid), depth = 0; parent && depth < 64; parent = byPid.get(parent.ppid), depth += 1) {
    const ancestor = sessions.get(parent.pid);
    if (ancestor?.alive) return { runId: ancestor.runId, proof: 'descent' };
    if (parent.ours) return null;
  }
  return null;
}

function identityOf(row: ProcessRow, bootId: string): Omit<Member, 'proof'> {
  const { pid, startTime, ppid, pgid, session, command } = row;
  return { pid, startTime, bootId, ppid, pgid, session, command };
}
