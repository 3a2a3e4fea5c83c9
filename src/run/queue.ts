/** Which queued runs may start now, and what each of the others waits for. */
import { isoTime } from './iso-time.ts';

export type Candidate = {
  readonly number: number;
  readonly id: string;
  readonly group: string | null;
  readonly agent: QueuePlace | null;
  readonly locks: readonly string[];
  /**
   * Ids of the live runs that this run was started in, nearest first. With any, it takes no slot of its own and shares
   * their locks.
   */
  readonly ancestors: readonly string[];
  readonly after: { readonly number: number; readonly status: string } | null;
  readonly notBefore: number | null;
  /** The budget that is used up, and when it applies again. Null when the run may use more. */
  readonly budget: string | null;
};

/**
 * The agent whose concurrency limit the run counts against. A nested run counts against none, and takes no slot either.
 */
export type QueuePlace = { readonly id: string; readonly name: string };

export type Holder = Pick<Candidate, 'id' | 'number' | 'group' | 'agent' | 'locks' | 'ancestors'> & {
  /**
   * False once the process has ended and only its leftovers are being cleared. The run then keeps its locks, but not
   * its slot.
   */
  readonly takesSlot: boolean;
};

export type Rules = {
  /** How many commands may run at once. */
  readonly slotsMax: number;
  /** How many agents may run at once. They mostly wait for their provider, so they take no slot of a command. */
  readonly agentSlotsMax: number;
  readonly held: boolean;
  readonly groups: ReadonlyMap<string, { readonly limit: number | null; readonly paused: boolean }>;
  /** Rules by agent id. */
  readonly agents: ReadonlyMap<string, { readonly limit: number; readonly paused: boolean }>;
};

export type Waiting =
  | { readonly for: 'queue'; readonly words: string }
  | { readonly for: 'group'; readonly words: string }
  | { readonly for: 'agent'; readonly words: string }
  | { readonly for: 'budget'; readonly words: string }
  | { readonly for: 'disk'; readonly words: string }
  | { readonly for: 'slot'; readonly words: string }
  | { readonly for: 'lock'; readonly words: string }
  | { readonly for: 'run'; readonly words: string }
  | { readonly for: 'time'; readonly words: string };

export type Occupancy = {
  /** Slots taken by commands. */
  slots: number;
  /** Slots taken by agents. */
  agentSlots: number;
  readonly perGroup: Map<string, number>;
  readonly perAgent: Map<string, number>;
  /** Nested runs, counted by the nearest live run that they were started in. */
  readonly perParent: Map<string, number>;
  /** The runs that hold each lock. Several hold the same lock only when they are of one lineage. */
  readonly locks: Map<string, { readonly id: string; readonly number: number }[]>;
  /** For each lock, the run that is first in the queue for it and waits for another of its locks. */
  readonly reserved: Map<string, { readonly id: string; readonly number: number }>;
};

/** Returns what these holders occupy: slots in total, per group, agent and parent, and locks. */
export function countOccupancy(holders: Iterable<Holder>): Occupancy {
  const occupancy: Occupancy = {
    slots: 0,
    agentSlots: 0,
    perGroup: new Map(),
    perAgent: new Map(),
    perParent: new Map(),
    locks: new Map(),
    reserved: new Map(),
  };
  for (const holder of holders) occupy(occupancy, holder);
  return occupancy;
}

/** Adds a holder to what is occupied. */
export function occupy(occupancy: Occupancy, holder: Holder): void {
  const [parent] = holder.ancestors;
  if (holder.takesSlot && parent !== undefined) add(occupancy.perParent, parent);
  if (holder.takesSlot && parent === undefined) {
    if (holder.agent === null) occupancy.slots += 1;
    else {
      occupancy.agentSlots += 1;
      add(occupancy.perAgent, holder.agent.id);
    }
    if (holder.group !== null) add(occupancy.perGroup, holder.group);
  }
  for (const key of holder.locks) {
    const others = occupancy.locks.get(key) ?? [];
    others.push({ id: holder.id, number: holder.number });
    occupancy.locks.set(key, others);
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/**
 * Returns what the run waits for, or null when it may start now. A run takes all that it needs at once, so it never
 * waits while it holds something.
 */
export function waitingFor(candidate: Candidate, occupancy: Occupancy, rules: Rules, at: number): Waiting | null {
  if (rules.held) return { for: 'queue', words: 'the queue is held: clip resume' };
  const { after, group } = candidate;
  if (after !== null && after.status !== 'succeeded')
    return { for: 'run', words: `run ${after.number} must succeed first; it is ${after.status}` };
  if (candidate.notBefore !== null && at < candidate.notBefore) {
    return { for: 'time', words: `not before ${isoTime(candidate.notBefore)}` };
  }
  const rule = group === null ? undefined : rules.groups.get(group);
  if (rule?.paused) return { for: 'group', words: `group ${group} is paused: clip group resume ${group}` };
  // A state that a person has to change is reported before one that passes by itself.
  const place = agentRule(candidate.agent, rules);
  if (place?.paused) return { for: 'agent', words: `agent ${place.name} is paused: clip agent resume ${place.name}` };
  if (candidate.budget !== null) return { for: 'budget', words: candidate.budget };
  for (const key of candidate.locks) {
    const stranger = occupancy.locks
      .get(key)
      ?.find((holder) => holder.id !== candidate.id && !candidate.ancestors.includes(holder.id));
    if (stranger) return { for: 'lock', words: `lock ${key} is held by run ${stranger.number}` };
  }
  const [parent] = candidate.ancestors;
  const ahead =
    parent === undefined
      ? candidate.locks.find((key) => (occupancy.reserved.get(key)?.id ?? candidate.id) !== candidate.id)
      : undefined;
  if (ahead !== undefined) {
    const first = occupancy.reserved.get(ahead)?.number;
    return { for: 'lock', words: `lock ${ahead} is kept for run ${first}, which has waited longer` };
  }
  if (parent !== undefined) {
    // A nested run takes no slot: its parent holds one and may be waiting for it. The limit below still bounds the runs
    // of one parent.
    if ((occupancy.perParent.get(parent) ?? 0) < rules.slotsMax) return null;
    return { for: 'slot', words: `its parent run has ${rules.slotsMax} runs going already` };
  }
  if (place !== null && (occupancy.perAgent.get(place.id) ?? 0) >= place.limit)
    return { for: 'agent', words: `agent ${place.name} runs ${place.limit} at a time` };
  if (rule?.limit != null && (occupancy.perGroup.get(group as string) ?? 0) >= rule.limit) {
    return { for: 'group', words: `group ${group} runs ${rule.limit} at a time` };
  }
  return waitingForSlot(candidate, occupancy, rules);
}

function waitingForSlot({ agent }: Candidate, occupancy: Occupancy, rules: Rules): Waiting | null {
  const [taken, most, what] =
    agent === null
      ? [occupancy.slots, rules.slotsMax, 'max_runs']
      : [occupancy.agentSlots, rules.agentSlotsMax, 'max_agents'];
  if (taken < most) return null;
  const words = most === 1 ? `the only slot is taken (${what})` : `all ${most} slots are taken (${what})`;
  return { for: 'slot', words };
}

/** Returns the lock of a session. Two runs that resume one session would write into each other's history. */
export function sessionLock(owner: string, sessionId: string): string {
  return `session:${owner}:${sessionId}`;
}

function agentRule(
  agent: QueuePlace | null,
  rules: Rules,
): (QueuePlace & { readonly limit: number; readonly paused: boolean }) | null {
  const rule = agent === null ? undefined : rules.agents.get(agent.id);
  return agent === null || rule === undefined ? null : { ...agent, ...rule };
}

/**
 * Reserves the locks of a run that waits for one of them, so that later runs with only some of its locks cannot
 * overtake it repeatedly. A nested run reserves nothing and ignores reservations: its parent may be waiting for it, and
 * may hold the very lock that the earlier run waits for.
 */
export function reserve({ id, number, locks, ancestors }: Candidate, waiting: Waiting, { reserved }: Occupancy): void {
  if (waiting.for !== 'lock' || ancestors.length > 0) return;
  for (const key of locks) if (!reserved.has(key)) reserved.set(key, { id, number });
}

/** Returns the runs to start, in the given order (priority, then first come first served). */
export function grant(candidates: Iterable<Candidate>, occupancy: Occupancy, rules: Rules, at: number): Candidate[] {
  const granted: Candidate[] = [];
  for (const candidate of candidates) {
    const waiting = waitingFor(candidate, occupancy, rules, at);
    if (waiting !== null) {
      reserve(candidate, waiting, occupancy);
      continue;
    }
    granted.push(candidate);
    occupy(occupancy, { ...candidate, takesSlot: true });
  }
  return granted;
}
