import { describe, expect, it } from 'vitest';
import { type Candidate, countOccupancy, grant, type Holder, type Rules, reserve, waitingFor } from '#run/queue.ts';
import { noon } from '../../support/runs.ts';

const candidate = (number: number, given: Partial<Candidate> = {}): Candidate => ({
  number,
  id: `id${number}`,
  group: null,
  agent: null,
  locks: [],
  ancestors: [],
  after: null,
  notBefore: null,
  budget: null,
  ...given,
});
const holder = (number: number, given: Partial<Holder> = {}): Holder => ({
  ...candidate(number),
  takesSlot: true,
  ...given,
});
const rules = (given: Partial<Rules> = {}): Rules => ({
  slotsMax: 2,
  agentSlotsMax: 2,
  held: false,
  groups: new Map(),
  agents: new Map(),
  ...given,
});
const group = (limit: number | null, paused = false): Partial<Rules> => ({
  groups: new Map([['g', { limit, paused }]]),
});

function granted(
  candidates: readonly Candidate[],
  holders: readonly Holder[] = [],
  given: Partial<Rules> = {},
): number[] {
  return grant(candidates, countOccupancy(holders), rules(given), noon).map(({ number }) => number);
}

function words(one: Candidate, holders: readonly Holder[] = [], given: Partial<Rules> = {}): string | null {
  const waiting = waitingFor(one, countOccupancy(holders), rules(given), noon);
  return waiting && `${waiting.for}: ${waiting.words}`;
}

describe('free slots', () => {
  it('go to the first runs in the given order, and to no more than there are slots', () => {
    expect(granted([candidate(3), candidate(1), candidate(2)])).toEqual([3, 1]);
    expect(granted([candidate(3), candidate(1)], [holder(9)])).toEqual([3]);
    expect(granted([candidate(3)], [holder(8), holder(9)])).toEqual([]);
    expect(words(candidate(3), [holder(8), holder(9)])).toBe('slot: all 2 slots are taken (max_runs)');
  });

  it('of commands and of agents are counted apart', () => {
    const coder = { agent: { id: 'a', name: 'coder' } };
    expect(granted([candidate(1), candidate(2, coder)], [holder(8), holder(9)])).toEqual([2]);
    expect(granted([candidate(1), candidate(2, coder)], [holder(8, coder), holder(9, coder)])).toEqual([1]);
    expect(words(candidate(2, coder), [holder(8, coder), holder(9, coder)])).toBe(
      'slot: all 2 slots are taken (max_agents)',
    );
  });

  it('are free when the process of a run has ended, while its leftovers are cleared', () => {
    expect(granted([candidate(1), candidate(2)], [holder(9, { takesSlot: false })])).toEqual([1, 2]);
  });

  it('are not blocked by a run that waits for another reason', () => {
    expect(granted([candidate(1, { notBefore: noon + 1 }), candidate(2), candidate(3)])).toEqual([2, 3]);
  });
});

describe('a held queue', () => {
  it('starts nothing, not even a run inside a run, and shows how to release it', () => {
    expect(granted([candidate(1), candidate(2, { ancestors: ['id9'] })], [], { held: true })).toEqual([]);
    expect(words(candidate(1), [], { held: true })).toBe('queue: the queue is held: clip resume');
  });
});

describe('a group', () => {
  it('runs as many as its limit, whatever slots are free', () => {
    const three = [1, 2, 3].map((number) => candidate(number, { group: 'g' }));
    expect(granted(three, [], { slotsMax: 8, ...group(2) })).toEqual([1, 2]);
    expect(granted(three, [holder(9, { group: 'g' })], { slotsMax: 8, ...group(2) })).toEqual([1]);
    expect(words(candidate(1, { group: 'g' }), [holder(9, { group: 'g' })], { slotsMax: 8, ...group(1) })).toBe(
      'group: group g runs 1 at a time',
    );
  });

  it('counts only its own runs, and has no limit by default', () => {
    expect(
      granted([candidate(1, { group: 'g' })], [holder(9, { group: 'other' })], { slotsMax: 8, ...group(1) }),
    ).toEqual([1]);
    expect(
      granted([candidate(1, { group: 'g' })], [holder(9, { group: 'g' })], { slotsMax: 8, ...group(null) }),
    ).toEqual([1]);
    expect(granted([candidate(1, { group: 'unknown' })], [holder(9, { group: 'unknown' })], group(1))).toEqual([1]);
  });

  it('starts nothing while paused, and shows how to resume it; other groups start runs', () => {
    expect(granted([candidate(1, { group: 'g' }), candidate(2)], [], group(null, true))).toEqual([2]);
    expect(words(candidate(1, { group: 'g' }), [], group(null, true))).toBe(
      'group: group g is paused: clip group resume g',
    );
  });

  it('never gets more than the slots of all', () => {
    expect(granted([candidate(1, { group: 'g' })], [holder(8), holder(9)], group(5))).toEqual([]);
  });
});

describe('a budget that is used up', () => {
  const used = { agent: { id: 'a', name: 'coder' }, budget: 'agent coder has used $5.00 of $5.00 today' };

  it('lets nothing start, even inside a run, and is named; others start', () => {
    expect(granted([candidate(1, used), candidate(2, { ...used, ancestors: ['id9'] }), candidate(3)])).toEqual([3]);
    expect(words(candidate(1, used))).toBe('budget: agent coder has used $5.00 of $5.00 today');
  });

  it('is shown before a lock, but after a pause, which a person ends', () => {
    expect(words(candidate(1, { ...used, locks: ['db'] }), [holder(9, { locks: ['db'] })])).toMatch(/^budget: /);
    expect(words(candidate(1, used), [], { agents: new Map([['a', { limit: 1, paused: true }]]) })).toMatch(/^agent: /);
  });
});

describe('locks', () => {
  it('are held by one run at a time, and the holder is named', () => {
    expect(granted([candidate(1, { locks: ['db'] }), candidate(2, { locks: ['db'] })])).toEqual([1]);
    expect(words(candidate(1, { locks: ['db'] }), [holder(9, { locks: ['db'] })])).toBe(
      'lock: lock db is held by run 9',
    );
    expect(granted([candidate(1, { locks: ['db'] })], [holder(9, { locks: ['Db'] })])).toEqual([1]);
  });

  it('are taken together or not at all: a run that waits holds none of them', () => {
    const both = candidate(1, { locks: ['free', 'held'] });
    expect(granted([both, candidate(2, { locks: ['other'] })], [holder(9, { locks: ['held'] })])).toEqual([2]);
    expect(words(candidate(2, { locks: ['free'], ancestors: ['id9'] }), [holder(9, { locks: ['held'] })])).toBeNull();
  });

  it('are kept until the leftovers of an ended run are cleared', () => {
    expect(granted([candidate(1, { locks: ['db'] })], [holder(9, { locks: ['db'], takesSlot: false })])).toEqual([]);
  });
});

describe('a run inside a run', () => {
  const parent = holder(9, { locks: ['db'] });

  it('takes no slot: it starts on a full machine, and uses none', () => {
    expect(granted([candidate(1, { ancestors: ['id9'] })], [parent, holder(8)])).toEqual([1]);
    expect(granted([candidate(1, { ancestors: ['id9'] }), candidate(2)], [parent])).toEqual([1, 2]);
    expect(granted([candidate(2)], [parent, holder(7, { ancestors: ['id9'] })])).toEqual([2]);
  });

  it("takes no place of its group's limit", () => {
    const child = { group: 'g', ancestors: ['id9'] };
    expect(granted([candidate(1, child)], [holder(9, { group: 'g' })], group(1))).toEqual([1]);
    expect(granted([candidate(2, { group: 'g' })], [holder(9), holder(7, child)], group(1))).toEqual([2]);
  });

  it('shares the locks of all its ancestors', () => {
    expect(granted([candidate(1, { locks: ['db'], ancestors: ['id9'] })], [parent])).toEqual([1]);
    const middle = holder(8, { ancestors: ['id9'] });
    expect(granted([candidate(1, { locks: ['db'], ancestors: ['id8', 'id9'] })], [parent, middle])).toEqual([1]);
  });

  it('does not share a lock with its sibling, nor with an unrelated run', () => {
    const twins = [
      candidate(1, { locks: ['db'], ancestors: ['id9'] }),
      candidate(2, { locks: ['db'], ancestors: ['id9'] }),
    ];
    expect(granted(twins, [parent])).toEqual([1]);
    expect(words(twins[1] as Candidate, [parent, holder(1, { locks: ['db'], ancestors: ['id9'] })])).toBe(
      'lock: lock db is held by run 1',
    );
    expect(
      granted([candidate(1, { locks: ['web'], ancestors: ['id9'] })], [parent, holder(8, { locks: ['web'] })]),
    ).toEqual([]);
  });

  it('keeps its lock when the parent that shared it has ended', () => {
    const orphan = holder(7, { locks: ['db'] });
    expect(granted([candidate(1, { locks: ['db'] })], [orphan])).toEqual([]);
  });

  it('is one of at most as many as there are slots, for each parent', () => {
    const children = [1, 2, 3].map((number) => candidate(number, { ancestors: ['id9'] }));
    expect(granted(children, [parent])).toEqual([1, 2]);
    expect(
      granted([...children, candidate(4, { ancestors: ['id8', 'id9'] })], [parent, holder(8, { ancestors: ['id9'] })]),
    ).toEqual([1, 4]);
    const going = [parent, holder(6, { ancestors: ['id9'] }), holder(7, { ancestors: ['id9'] })];
    expect(words(candidate(1, { ancestors: ['id9'] }), going)).toBe('slot: its parent run has 2 runs going already');
  });

  it('counts only those runs of its parent whose process has not ended', () => {
    const ended = holder(6, { ancestors: ['id9'], takesSlot: false });
    const going = [parent, ended, holder(7, { ancestors: ['id9'] })];
    expect(granted([candidate(1, { ancestors: ['id9'] })], going)).toEqual([1]);
  });

  it('waits for its group to be resumed, like any other run', () => {
    expect(granted([candidate(1, { group: 'g', ancestors: ['id9'] })], [parent], group(null, true))).toEqual([]);
  });
});

describe('a run that comes after another', () => {
  it.each(['queued', 'starting', 'running', 'stopping', 'failed'])('waits while that other run is %s', (status) => {
    const later = candidate(2, { after: { number: 1, status } });
    expect(granted([later])).toEqual([]);
    expect(words(later)).toBe(`run: run 1 must succeed first; it is ${status}`);
  });

  it('starts once that other run has succeeded', () => {
    expect(granted([candidate(2, { after: { number: 1, status: 'succeeded' } })])).toEqual([2]);
  });
});

describe('a run with an earliest start', () => {
  it('waits until then, and starts at that exact moment', () => {
    expect(words(candidate(1, { notBefore: noon + 1 }))).toBe('time: not before 2026-06-01T12:00:00.001Z');
    expect(granted([candidate(1, { notBefore: noon })])).toEqual([1]);
  });
});

describe('the runs of one agent', () => {
  const agent = () => ({ agent: { id: 'a1', name: 'coder' } });
  const limited = (limit: number, paused = false): Partial<Rules> => ({
    slotsMax: 9,
    agents: new Map([['a1', { limit, paused }]]),
  });

  it("are limited by the agent's concurrency, whatever slots are free", () => {
    expect(
      granted([candidate(1, agent()), candidate(2, agent()), candidate(3, agent()), candidate(4)], [], limited(2)),
    ).toEqual([1, 2, 4]);
    expect(words(candidate(2, agent()), [holder(1, agent())], limited(1))).toBe('agent: agent coder runs 1 at a time');
  });

  it('hold their place until their process ends, not until settled', () => {
    expect(granted([candidate(2, agent())], [holder(1, { ...agent(), takesSlot: false })], limited(1))).toEqual([2]);
  });

  it('wait while the agent is paused', () => {
    expect(words(candidate(1, agent()), [], limited(1, true))).toBe(
      'agent: agent coder is paused: clip agent resume coder',
    );
  });

  it('show the pause first, since a lock opens by itself', () => {
    const locked = { ...agent(), locks: ['k'] };
    expect(words(candidate(2, locked), [holder(1, { locks: ['k'] })], limited(1, true))).toContain('paused');
    expect(words(candidate(2, locked), [holder(1, { locks: ['k'] })], limited(1))).toContain('lock k');
  });

  // Agents that call each other would deadlock.
  it('take no place inside a run, but a paused agent starts none', () => {
    const inside = { ...agent(), ancestors: ['id9'] };
    expect(granted([candidate(2, inside)], [holder(1, agent())], limited(1))).toEqual([2]);
    expect(granted([candidate(3, agent())], [holder(2, inside)], limited(1))).toEqual([3]);
    expect(words(candidate(2, inside), [], limited(1, true))).toContain('paused');
  });
});

describe('A run that waits for a lock', () => {
  const both = candidate(1, { locks: ['a', 'b'] });
  const held = holder(9, { locks: ['b'] });

  it('is not overtaken by later runs that want only its other lock', () => {
    expect(
      granted([both, candidate(2, { locks: ['a'] }), candidate(3, { locks: ['c'] })], [held], { slotsMax: 8 }),
    ).toEqual([3]);
    expect(granted([candidate(2, { locks: ['a'] }), both], [held], { slotsMax: 8 })).toEqual([2]);
  });

  it('starts before the later runs once its lock is free', () => {
    expect(granted([both, candidate(2, { locks: ['a'] })], [], { slotsMax: 8 })).toEqual([1]);
  });

  it('blocks no nested run, whose parent may hold its other lock', () => {
    const nested = candidate(2, { locks: ['a'], ancestors: ['id9'] });
    expect(granted([both, nested], [held], { slotsMax: 8 })).toEqual([2]);
  });

  it('blocks no lock while it waits for another reason', () => {
    const later = candidate(1, { locks: ['a', 'b'], notBefore: noon + 1 });
    expect(granted([later, candidate(2, { locks: ['a'] })], [held], { slotsMax: 8 })).toEqual([2]);
  });

  it('is named to the runs behind it', () => {
    const occupancy = countOccupancy([held]);
    const waiting = waitingFor(both, occupancy, rules({ slotsMax: 8 }), noon);
    if (waiting === null) throw new Error('it waits for nothing');
    reserve(both, waiting, occupancy);
    expect(waitingFor(candidate(2, { locks: ['a'] }), occupancy, rules({ slotsMax: 8 }), noon)).toEqual({
      for: 'lock',
      words: 'lock a is kept for run 1, which has waited longer',
    });
  });
});
