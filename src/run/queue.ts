/** Which queued runs may start now, and what each of the others waits for. */
import { isoTime } from './time.ts';

export type Candidate = {
  readonly number: number;
  readonly id: string;
  readonly group: string | null;
  readonly agent: Place | null;
  readonly locks: readonly string[];
  /** Ids of the living runs it was started in, nearest first. With any, it takes no slot of its own and shares their locks. */
  readonly ancestors: readonly string[];
  readonly after: { readonly number: number; readonly status: string } | null;
  readonly notBefore: number | null;
  /** Which budget is used up, and how it goes on; null when it may use more. */
  readonly budget: string | null;
};

/** The agent among whose runs it takes a place; a run inside a run takes none, like its slot. */
export type Place = { readonly id: string; readonly name: string };

export type Holder = Pick<Candidate, 'id' | 'number' | 'group' | 'agent' | 'locks' | 'ancestors'> & {
  /** False once its process has ended and only its leftovers are being cleared: it keeps its locks, not its slot. */
  readonly takesSlot: boolean;
};

export type Rules = {
  readonly slotsMax: number;
  readonly held: boolean;
  readonly groups: ReadonlyMap<string, { readonly limit: number | null; readonly paused: boolean }>;
  /** By the agent's id. */
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
  slots: number;
  readonly perGroup: Map<string, number>;
  readonly perAgent: Map<string, number>;
  /** Runs inside a run, counted by the nearest living one they were started in. */
  readonly perParent: Map<string, number>;
  /** Lock key to the runs that hold it: several only when they are of one lineage. */
  readonly locks: Map<string, { readonly id: string; readonly number: number }[]>;
};

export function occupancyOf(holders: Iterable<Holder>): Occupancy {
  const occupancy: Occupancy = { slots: 0, perGroup: new Map(), perAgent: new Map(), perParent: new Map(), locks: new Map() };
  for (const holder of holders) occupy(occupancy, holder);
  return occupancy;
}

export function occupy(occupancy: Occupancy, holder: Holder): void {
  const [parent] = holder.ancestors;
  if (holder.takesSlot && parent !== undefined) add(occupancy.perParent, parent);
  if (holder.takesSlot && parent === undefined) {
    occupancy.slots += 1;
    if (holder.agent !== null) add(occupancy.perAgent, holder.agent.id);
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

/** Null when the run may start now. All it needs is taken together: nobody waits while holding something. */
export function waitingFor(candidate: Candidate, occupancy: Occupancy, rules: Rules, at: number): Waiting | null {
  if (rules.held) return { for: 'queue', words: 'the queue is held: clip queue release' };
  const { after, group } = candidate;
  if (after !== null && after.status !== 'succeeded') return { for: 'run', words: `run ${after.number} must succeed first; it is ${after.status}` };
  if (candidate.notBefore !== null && at < candidate.notBefore) {
    return { for: 'time', words: `not before ${isoTime(candidate.notBefore)}` };
  }
  const rule = group === null ? undefined : rules.groups.get(group);
  if (rule?.paused) return { for: 'group', words: `group ${group} is paused: clip group resume ${group}` };
  // What a person has to lift is said before what passes by itself.
  const place = agentRule(candidate.agent, rules);
  if (place?.paused) return { for: 'agent', words: `agent ${place.name} is paused: clip agent resume ${place.name}` };
  if (candidate.budget !== null) return { for: 'budget', words: candidate.budget };
  for (const key of candidate.locks) {
    const stranger = occupancy.locks.get(key)?.find((holder) => holder.id !== candidate.id && !candidate.ancestors.includes(holder.id));
    if (stranger) return { for: 'lock', words: `lock ${key} is held by run ${stranger.number}` };
  }
  const [parent] = candidate.ancestors;
  if (parent !== undefined) {
    // A run inside a run takes no slot: its parent holds one and may be waiting for it. Yet no parent may flood the machine.
    if ((occupancy.perParent.get(parent) ?? 0) < rules.slotsMax) return null;
    return { for: 'slot', words: `its parent run has ${rules.slotsMax} runs going already` };
  }
  if (place !== null && (occupancy.perAgent.get(place.id) ?? 0) >= place.limit)
    return { for: 'agent', words: `agent ${place.name} runs ${place.limit} at a time` };
  if (rule?.limit != null && (occupancy.perGroup.get(group as string) ?? 0) >= rule.limit) {
    return { for: 'group', words: `group ${group} runs ${rule.limit} at a time` };
  }
  if (occupancy.slots >= rules.slotsMax) return { for: 'slot', words: `all ${rules.slotsMax} slots are taken` };
  return null;
}

/** One run at a time goes on with a session: two would write into each other's history. */
export function sessionLock(owner: string, sessionId: string): string {
  return `session:${owner}:${sessionId}`;
}

function agentRule(agent: Place | null, rules: Rules): (Place & { readonly limit: number; readonly paused: boolean }) | null {
  const rule = agent === null ? undefined : rules.agents.get(agent.id);
  return agent === null || rule === undefined ? null : { ...agent, ...rule };
}

/** The runs to start, in the order given (priority, then first come first served). */
export function grant(candidates: Iterable<Candidate>, occupancy: Occupancy, rules: Rules, at: number): Candidate[] {
  const granted: Candidate[] = [];
  for (const candidate of candidates) {
    const waiting = waitingFor(candidate, occupancy, rules, at);
    if (waiting !== null) continue;
    granted.push(candidate);
    occupy(occupancy, { ...candidate, takesSlot: true });
  }
  return granted;
}
