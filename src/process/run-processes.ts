/**
 * Finds the processes of a run: its leader, the members of the leader's session and group, everything that carries
 * the run's mark or belongs to its control group, and the descendants of the live leader.
 */

import type { ProofOfMembership } from '#run/events.ts';
import type { Leader, ProcessIdentity } from '#run/leader.ts';
import { isRunGroup, processesInGroup } from './cgroup.ts';
import { computeKernelMark, readKernelMark } from './kernel-mark.ts';
import { pidNamespace, readStat, systemBootId } from './process-birth.ts';
import type { KnownEnvironments, ProcessRow, ProcessTable } from './process-info.ts';
import { listProcesses } from './process-table.ts';

/** `seen`: members that were found before, by `memberKey`. They stay members, whatever they change about themselves. */
export type RunProcessQuery = {
  readonly runId: string;
  readonly leader: Leader | null;
  readonly seen?: ReadonlySet<string>;
};

export type Member = ProcessIdentity & {
  readonly ppid: number;
  readonly pgid: number;
  readonly session: number;
  readonly command: string;
  readonly proof: ProofOfMembership;
};

export type Families = {
  readonly members: ReadonlyMap<string, readonly Member[]>;
  /** Number of this user's processes that hide their environment and show no other sign of membership. */
  readonly unexamined: number;
  /** Whether every process of this user showed its environment. Only then does an empty result prove anything. */
  readonly everythingReadable: boolean;
  readonly processes: number;
  /** Number of processes that ended before they could be examined. */
  readonly vanished: number;
  /** Runs whose control group holds processes of others, so it must not be killed as a whole. */
  readonly shared: ReadonlySet<string>;
  /** Runs whose control group had members, even if they ended before they could be examined. */
  readonly populated: ReadonlySet<string>;
};

export type FindOptions = {
  readonly except?: ReadonlySet<number>;
  /** Called with each member as soon as it is recognized, while the table is still being read. */
  readonly onMember?: (runId: string, member: Member) => void;
  /** Environments from earlier looks, for a look that only shows what runs use (`Query`). */
  readonly known?: KnownEnvironments | undefined;
};

/** Returns a key that is equal for the same process and no other. */
export function memberKey({ pid, startTime }: Pick<ProcessIdentity, 'pid' | 'startTime'>): string {
  return `${pid}:${startTime}`;
}

/**
 * Finds the processes of any number of runs in one pass over the process table. Zombies count as dead, and daemons and
 * keepers belong to no run.
 */
export function findRunProcesses(
  wanted: readonly RunProcessQuery[],
  { except = new Set(), onMember, known: environments }: FindOptions = {},
): Families {
  const signs = readSigns(wanted, environments !== undefined);
  const members = new Map<string, Map<number, Member>>(wanted.map(({ runId }) => [runId, new Map()]));
  const add = (row: ProcessRow, found: ProvenMember) => {
    const family = members.get(found.runId);
    if (family === undefined || family.has(row.pid)) return;
    const member = toMember(row, found.proof, signs.bootId);
    family.set(row.pid, member);
    onMember?.(found.runId, member);
  };
  const known = new Map<number, ProvenMember | null>();
  const onRow = (row: ProcessRow) => {
    const found = bySignsOfItsOwn(row, signs);
    known.set(row.pid, found);
    if (found !== null) add(row, found);
  };
  const table = withGroups(
    listProcesses({ bornAfter: signs.bornAfter, except, marksOnly: signs.marksOnly, onRow, known: environments }),
    signs,
    { except, onRow },
  );
  const byPid = new Map(table.rows.map((row) => [row.pid, row]));
  const sessions = livingSessions(signs.wanted, byPid);
  /**
   * True for a process in the run's control group that is not the run's: a daemon of another home started there, or its
   * runs.
   */
  const isForeign = (pid: number, runId: string) =>
    members.get(runId)?.has(pid) !== true && (byPid.has(pid) || except.has(pid));
  let unexamined = 0;
  for (const row of table.rows) {
    const found = known.get(row.pid) ?? byKinship(row, sessions, byPid);
    if (found !== null) add(row, found);
    // If every run has a kernel mark or a control group, a hidden environment leaves no doubt.
    else if (row.hidden && !signs.allNumbered) unexamined += 1;
  }
  return {
    members: new Map([...members].map(([runId, family]) => [runId, [...family.values()]])),
    unexamined,
    everythingReadable: table.showsEnvironments && unexamined === 0,
    processes: table.processes,
    vanished: table.vanished,
    populated: new Set([...signs.groupOf].flatMap(([pid, runId]) => (isForeign(pid, runId) ? [] : [runId]))),
    shared: new Set([...signs.groupOf].flatMap(([pid, runId]) => (isForeign(pid, runId) ? [runId] : []))),
  };
}

type ProvenMember = { readonly runId: string; readonly proof: ProofOfMembership };

/** The signs that identify members, for all requested runs. */
type Signs = {
  readonly bootId: string;
  readonly wanted: readonly RunProcessQuery[];
  readonly runIds: ReadonlySet<string>;
  readonly leaders: ReadonlyMap<string, string>;
  readonly seen: ReadonlyMap<string, string>;
  readonly numbers: ReadonlyMap<number, string>;
  /** Every requested run has a kernel mark or a control group, so hidden environments do not matter. */
  readonly allNumbered: boolean;
  /** Run ids by the pids in their control groups. */
  readonly groupOf: ReadonlyMap<number, string>;
  readonly bornAfter: number;
  readonly marksOnly: boolean;
};

/** `forShow`: each row has its control group, so the groups need not be read one by one. */
function readSigns(asked: readonly RunProcessQuery[], forShow: boolean): Signs {
  const bootId = systemBootId();
  // A leader of an earlier boot or of another pid namespace says nothing about the pids here.
  const wanted = asked.map(({ leader, ...rest }) => ({
    ...rest,
    leader: leader !== null && isKnownHere(leader, bootId) ? leader : null,
  }));
  const leaders = wanted.flatMap(({ runId, leader }) => (leader === null ? [] : [[memberKey(leader), runId] as const]));
  const numbered = wanted.filter(({ leader }) => leader?.kernelMark === true);
  return {
    bootId,
    wanted,
    runIds: new Set(wanted.map(({ runId }) => runId)),
    leaders: new Map(leaders),
    seen: new Map(wanted.flatMap(({ runId, seen }) => [...(seen ?? [])].map((key) => [key, runId] as const))),
    numbers: new Map(numbered.map(({ runId }) => [computeKernelMark(runId), runId])),
    allNumbered: wanted.every(({ leader }) => leader !== null && (leader.kernelMark === true || leader.cgroup != null)),
    groupOf: new Map(
      wanted.flatMap(({ runId, leader }) =>
        forShow ? [] : groupMembers(runId, leader).map((pid) => [pid, runId] as const),
      ),
    ),
    bornAfter: Math.min(...wanted.map(({ leader }) => leader?.startTime ?? 0)),
    marksOnly: wanted.every(({ leader }) => leader === null),
  };
}

function isKnownHere(leader: Leader, bootId: string): boolean {
  return (
    leader.bootId === bootId &&
    leader.startTime > 0 &&
    (leader.pidNamespace == null || leader.pidNamespace === pidNamespace())
  );
}

function groupMembers(runId: string, leader: Leader | null): readonly number[] {
  const group = leader?.cgroup ?? null;
  return group === null || !isRunGroup(runId, group) ? [] : (processesInGroup(group) ?? []);
}

/** Adds the processes in the runs' control groups to the table, whatever their age. */
function withGroups(
  table: ProcessTable,
  { groupOf }: Signs,
  { except, onRow }: { except: ReadonlySet<number>; onRow: (row: ProcessRow) => void },
): ProcessTable {
  const known = new Set(table.rows.map(({ pid }) => pid));
  const more = [...groupOf.keys()].flatMap((pid): ProcessRow[] => {
    if (known.has(pid) || except.has(pid)) return [];
    const stat = readStat(pid);
    return stat === null || stat.state === 'Z' || stat.state === 'X'
      ? []
      : [{ pid, ...stat, mark: null, ours: false, hidden: false }];
  });
  for (const row of more) onRow(row);
  return { ...table, rows: [...table.rows, ...more] };
}

/** Identifies a process by its own signs alone. */
function bySignsOfItsOwn(row: ProcessRow, signs: Signs): ProvenMember | null {
  const key = memberKey(row);
  const leads = signs.leaders.get(key);
  // Checked first: a leader may have changed its user or environment, or claim to be a daemon.
  if (leads !== undefined) return { runId: leads, proof: 'leader' };
  if (row.ours) return null;
  const inGroup = signs.groupOf.get(row.pid) ?? (signs.runIds.has(row.group ?? '') ? row.group : undefined);
  if (inGroup != null && (row.mark === null || row.mark === inGroup)) return { runId: inGroup, proof: 'cgroup' };
  if (row.mark !== null) return signs.runIds.has(row.mark) ? { runId: row.mark, proof: 'mark' } : null;
  const seen = signs.seen.get(key);
  if (seen !== undefined) return { runId: seen, proof: 'seen' };
  const numbered = signs.numbers.size === 0 ? undefined : signs.numbers.get(readKernelMark(row.pid) ?? -1);
  return numbered === undefined ? null : { runId: numbered, proof: 'kernel-mark' };
}

type Session = { readonly runId: string; readonly leader: Leader; readonly alive: boolean };

/**
 * Returns the sessions that still belong to their runs. A session id that is now the pid of another process was reused.
 */
function livingSessions(
  wanted: readonly RunProcessQuery[],
  byPid: ReadonlyMap<number, ProcessRow>,
): ReadonlyMap<number, Session> {
  const sessions = new Map<number, Session>();
  for (const { runId, leader } of wanted) {
    if (leader === null || leader.pid <= 1) continue;
    const row = byPid.get(leader.pid);
    if (row !== undefined && row.startTime !== leader.startTime) continue;
    sessions.set(leader.pid, { runId, leader, alive: row !== undefined });
  }
  return sessions;
}

/**
 * Identifies a process by its relation to others. Another run's mark outweighs it, because a nested run is a run of its
 * own.
 */
function byKinship(
  row: ProcessRow,
  sessions: ReadonlyMap<number, Session>,
  byPid: ReadonlyMap<number, ProcessRow>,
): ProvenMember | null {
  if (row.ours || row.mark !== null || sessions.size === 0) return null;
  const session = sessions.get(row.session) ?? sessions.get(row.pgid);
  if (session !== undefined && wasBornInto(session, row)) return { runId: session.runId, proof: 'session' };
  for (let parent = byPid.get(row.ppid), depth = 0; parent && depth < 64; parent = byPid.get(parent.ppid), depth += 1) {
    const ancestor = sessions.get(parent.pid);
    if (ancestor?.alive) return { runId: ancestor.runId, proof: 'descent' };
    if (parent.ours) return null;
  }
  return null;
}

/**
 * Returns whether a process was started in this session. The number of a session is free again when all its members
 * are gone, so a stranger may reuse it and end as well. While the leader lived, every process with the number was
 * born into its session. A process younger than the leader's end needs another sign.
 */
function wasBornInto({ leader, alive }: Session, { startTime }: ProcessRow): boolean {
  if (startTime < leader.startTime) return false;
  return alive || (leader.endTick != null && startTime <= leader.endTick);
}

function toMember(row: ProcessRow, proof: ProofOfMembership, bootId: string): Member {
  const { pid, startTime, ppid, pgid, session, command } = row;
  return { pid, startTime, bootId, ppid, pgid, session, command, proof };
}
