import { describe, expect, it } from 'vitest';
import { createPendingRuns } from '#daemon/queue/pending-runs.ts';
import type { RunState } from '#run/run.ts';
import { aRun, noon, running } from '../../../support/runs.ts';

type Row = Parameters<typeof createPendingRuns>[0] extends Iterable<infer R> ? R : never;

const queued: RunState = { status: 'queued', notBefore: null };
const row = (number: number, given: Partial<Row> = {}): Row => ({
  number,
  id: `id${number}`,
  group: null,
  priority: 0,
  parentRunId: null,
  locks: [],
  agentId: null,
  agentName: null,
  taskId: null,
  after: null,
  notBefore: null,
  ...given,
});
const order = (waiters: Iterable<{ number: number }>) => [...waiters].map(({ number }) => number);

describe('the list of pending runs', () => {
  it('is ordered by priority, then by submission, not by insertion', () => {
    const rows = [
      row(1),
      row(2, { priority: 5 }),
      row(3, { priority: -1 }),
      row(4, { priority: 5 }),
      row(5),
      row(6, { priority: 10 }),
    ];
    for (const filled of [rows, rows.toReversed()])
      expect(order(createPendingRuns(filled).topLevel())).toEqual([6, 2, 4, 1, 5, 3]);
  });

  it('has one order for both kinds, without the one that has no slot', () => {
    const ofAgent = { agentId: 'a', agentName: 'coder' };
    const list = createPendingRuns([row(1), row(2, ofAgent), row(3), row(4, { ...ofAgent, priority: 1 }), row(5)]);
    expect(order(list.topLevel())).toEqual([4, 1, 2, 3, 5]);
    expect(order(list.topLevel((isAgent) => isAgent))).toEqual([4, 2]);
    expect(order(list.topLevel((isAgent) => !isAgent))).toEqual([1, 3, 5]);
  });

  it('is not searched for the next agent behind 100,000 commands', () => {
    const commands = new Array(100_000).fill(null).map((_, index) => row(index + 1));
    const list = createPendingRuns([...commands, row(100_001, { agentId: 'a', agentName: 'coder' })]);
    const startedAt = performance.now();
    for (let times = 0; times < 200; times += 1) expect(order(list.topLevel((isAgent) => isAgent))).toEqual([100_001]);
    expect(performance.now() - startedAt).toBeLessThan(200);
  });

  it('gains queued runs and loses runs that have left the queue', () => {
    const list = createPendingRuns([row(1), row(2)]);
    list.note(aRun(queued, { number: 3, spec: { priority: 1 } }));
    expect([order(list.topLevel()), list.size()]).toEqual([[3, 1, 2], 3]);
    list.note(aRun(running(), { number: 1 }));
    list.note(aRun(running(), { number: 3, spec: { priority: 1 } }));
    expect([order(list.topLevel()), list.size()]).toEqual([[2], 1]);
  });

  it('counts a run once, also when it is added again or has left before', () => {
    const list = createPendingRuns([row(1)]);
    list.note(aRun(queued, { number: 1 }));
    expect(list.size()).toBe(1);
    for (let times = 0; times < 2; times += 1) list.note(aRun(running(), { number: 1 }));
    expect(list.size()).toBe(0);
  });

  it('drops the earliest start of a run that no longer waits for one', () => {
    const list = createPendingRuns([row(1, { notBefore: noon }), row(2)]);
    list.note(aRun(queued, { number: 1 }));
    expect([...list.topLevel()].map(({ number, notBefore }) => [number, notBefore])).toEqual([
      [1, null],
      [2, null],
    ]);
  });

  it('gives a run that returns its old place and its new earliest start', () => {
    const list = createPendingRuns([row(1), row(2), row(3)]);
    list.note(aRun(running(), { number: 2 }));
    list.note(aRun({ status: 'queued', notBefore: noon }, { number: 2 }));
    expect(order(list.topLevel())).toEqual([1, 2, 3]);
    expect([...list.topLevel()][1]).toMatchObject({ number: 2, notBefore: noon });
  });

  it('keeps nested runs apart, which a full machine does not hide', () => {
    const list = createPendingRuns([row(1), row(2, { parentRunId: 'id9' })]);
    list.note(aRun(queued, { number: 3, lineage: { parentRunId: 'id9', depth: 1 } }));
    expect([order(list.topLevel()), order(list.nested()), list.size()]).toEqual([[1], [2, 3], 3]);
    list.note(aRun(running(), { number: 2, lineage: { parentRunId: 'id9', depth: 1 } }));
    expect([order(list.nested()), list.size()]).toEqual([[3], 2]);
  });

  it('orders nested runs by priority too', () => {
    const nested = [
      row(1, { parentRunId: 'id9' }),
      row(2, { parentRunId: 'id9', priority: 5 }),
      row(3, { parentRunId: 'id9' }),
    ];
    expect(order(createPendingRuns(nested).nested())).toEqual([2, 1, 3]);
  });
});
