/** @module-tag fuzz */
import {
  type Arbitrary,
  array,
  assert,
  boolean,
  constant,
  constantFrom,
  integer,
  nat,
  oneof,
  option,
  property,
  record,
  subarray,
  uniqueArray,
} from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorClasses } from '#run/agent-event.ts';
import type { RunEvent, RunEventType } from '#run/events.ts';
import { type Candidate, countOccupancy, grant, type Holder, type Rules } from '#run/queue.ts';
import { acknowledgements, type Ended, isEnded, type Run, type RunStatus } from '#run/run.ts';
import { transition } from '#run/state-machine.ts';
import type { StopOrder } from '#run/stop.ts';
import { nextSignal } from '#run/stop-sequence.ts';
import { fuzzRuns } from '../../support/fuzz-runs.ts';
import { aRun, leader, noon } from '../../support/runs.ts';

const orders: StopOrder[] = ['cancelled', 'paused', 'budget_paused', 'timeout', 'silence', 'output_limit', 'lingering'];
const at = integer({ min: noon - 1_000_000, max: noon + 1_000_000 });
const failure = record({
  class: option(constantFrom(...errorClasses)),
  message: constant('Trouble.'),
  resetsAt: option(at),
});
const report = option(record({ failure: option(failure) }));
const events: { readonly [T in RunEventType]: Arbitrary<Extract<RunEvent, { type: T }>> } = {
  'slot-granted': constant({ type: 'slot-granted' }),
  'stop-requested': record({
    type: constant('stop-requested'),
    order: constantFrom(...orders),
    graceMs: option(nat()),
    now: boolean(),
  }),
  'dependency-failed': record({
    type: constant('dependency-failed'),
    after: nat(),
    status: constantFrom('failed', 'cancelled', 'timed_out'),
  }),
  'start-now': constant({ type: 'start-now' }),
  spawned: record({ type: constant('spawned'), leader: constant(leader), startedAt: at }),
  'spawn-failed': record({
    type: constant('spawn-failed'),
    errorCode: constantFrom('command_not_found', 'cwd_missing'),
    message: constant('No.'),
  }),
  'never-launched': record({ type: constant('never-launched'), message: constant('No.'), retryInMs: nat() }),
  exited: record({
    type: constant('exited'),
    code: option(integer({ min: 0, max: 255 })),
    signal: option(constantFrom('SIGKILL', 'SIGTERM')),
    endedAt: at,
    leader: option(constant(leader)),
    startedAt: option(at),
    byDeadline: boolean(),
    report,
  }),
  'found-again': record({ type: constant('found-again'), held: boolean(), leader: constant(leader), startedAt: at }),
  'process-lost': record({ type: constant('process-lost'), message: constant('Gone.'), certain: boolean(), report }),
  signalled: record({
    type: constant('signalled'),
    phase: constantFrom('interrupted', 'terminated', 'killed'),
    targets: constant([]),
  }),
  'clock-jumped': record({ type: constant('clock-jumped'), gapMs: nat() }),
  activity: constant({ type: 'activity' }),
  stalled: record({
    type: constant('stalled'),
    why: constantFrom('silent', 'tool'),
    since: at,
    tool: option(constant('make')),
  }),
  acknowledged: record({ type: constant('acknowledged'), how: constantFrom(...acknowledgements) }),
  'verdict-added': constant({
    type: 'verdict-added',
    liveness: { state: 'failed', reason: 'So.', nextAction: null, lastUsefulActionAt: null, claimsDone: false },
  }),
  'step-done': oneof(
    constant({ type: 'step-done', step: 'workspace', workspace: null } as const),
    constant({ type: 'step-done', step: 'leftovers', leaked: [] } as const),
    constant({ type: 'step-done', step: 'liveness', liveness: null } as const),
    constant({ type: 'step-done', step: 'summary' } as const),
    constant({
      type: 'step-done',
      step: 'wake',
      decision: { action: 'none', reason: 'So.', exhausted: false },
    } as const),
    constant({ type: 'step-done', step: 'tidy' } as const),
  ),
};
const history = array(record({ event: oneof(...(Object.values(events) as Arbitrary<RunEvent>[])), at }), {
  maxLength: 30,
});

/** The statuses that can follow each status. */
const ends: RunStatus[] = ['succeeded', 'failed', 'cancelled', 'timed_out'];
const ways: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  queued: ['queued', 'starting', 'cancelled', 'timed_out', 'failed'],
  starting: ['starting', 'queued', 'running', 'stopping', ...ends],
  running: ['running', 'stopping', ...ends],
  // A stop that only ends leftovers does not change the result.
  stopping: ['stopping', ...ends],
  succeeded: ['succeeded'],
  failed: ['failed'],
  cancelled: ['cancelled'],
  timed_out: ['timed_out'],
};

/** Returns the fields of an end that no later event may change. */
function endOf({
  pending: _pending,
  leaked: _leaked,
  workspace: _workspace,
  liveness: _liveness,
  decision: _decision,
  acknowledged: _acknowledged,
  ...end
}: Ended): object {
  return end;
}

describe('a run with arbitrary events', () => {
  it('makes only documented transitions, one end, at most one retry', () => {
    assert(
      property(
        history,
        constantFrom('retry', 'fail'),
        integer({ min: 0, max: 2 }),
        (happened, onLoss, processLossRetryCount) => {
          let run: Run = aRun(
            { status: 'queued', notBefore: null },
            { spec: { onLoss, timeoutMs: 60_000 }, lineage: { processLossRetryCount } },
          );
          const effects: string[] = [];
          for (const { event, at } of happened) {
            const result = transition(run, event, at);
            if (result.kind !== 'moved') continue;
            const { state } = result;
            expect(ways[run.state.status]).toContain(state.status);
            if (isEnded(run.state)) expect(state).toMatchObject(endOf(run.state));
            effects.push(...result.effects.map(({ type }) => type));
            run = { ...run, state };
          }
          expect(effects.filter((type) => type === 'finalize')).toHaveLength(isEnded(run.state) ? 1 : 0);
          expect(effects.filter((type) => type === 'retry-lost').length).toBeLessThanOrEqual(
            onLoss === 'retry' && processLossRetryCount === 0 ? 1 : 0,
          );
          // Only an agent that reported success succeeds in any other way.
          const saidWell = happened.some(
            ({ event }) => 'report' in event && event.report !== null && event.report.failure === null,
          );
          if (run.state.status === 'succeeded' && !saidWell)
            expect(run.state.outcome).toEqual({ kind: 'exited', code: 0 });
        },
      ),
      { numRuns: fuzzRuns(1_500) },
    );
  });

  it('ends by the first order to stop that comes before its end', () => {
    assert(
      property(history, constantFrom(...orders.filter((order) => order !== 'lingering')), (happened, order) => {
        const ended = (events: readonly { event: RunEvent; at: number }[]) => {
          let run = aRun({ status: 'starting', since: noon, stop: null });
          for (const { event, at } of events) {
            const result = transition(run, event, at);
            if (result.kind === 'moved') run = { ...run, state: result.state };
          }
          return isEnded(run.state) ? [run.state.status, run.state.stopReason, run.state.errorCode] : null;
        };
        // Only events before the end are considered: an order that follows the end stops nothing.
        const first = {
          event: { type: 'stop-requested', order, graceMs: null, now: false } as const,
          at: noon - 1_000_000,
        };
        const plain = { event: { type: 'spawn-failed', errorCode: 'x', message: '' } as const, at: noon };
        const end = ended([first, ...happened]);
        if (end) expect(end).toEqual(ended([first, plain]));
      }),
      { numRuns: fuzzRuns(1_000) },
    );
  });

  it('always has a next step of its stop sequence, up to SIGKILL', () => {
    assert(
      property(nat({ max: 60_000 }), boolean(), constantFrom('SIGINT', null), (graceMs, now, polite) => {
        let stop = { order: 'cancelled', orderedAt: noon, graceMs, phase: 'ordered', phaseAt: noon, now } as Parameters<
          typeof nextSignal
        >[0];
        let clock = noon;
        for (let moves = 0; moves < 6 && stop.phase !== 'killed'; moves += 1) {
          const move = nextSignal(stop, polite, clock);
          if (move.kind === 'wait') {
            expect(move.untilAt).toBeGreaterThan(clock);
            clock = move.untilAt;
          } else stop = { ...stop, phase: move.phase, phaseAt: clock };
        }
        expect([stop.phase, clock - noon]).toEqual(['killed', now ? 0 : graceMs + (polite ? 3_000 : 0)]);
      }),
      { numRuns: fuzzRuns(300) },
    );
  });
});

const keys = ['db', 'web', 'tree'];
const groups = ['g', 'h'];
/** Runs that are live or queued. Each may be the parent of a later one. */
const queueState = record({
  runs: array(
    record({
      locks: subarray(keys),
      group: option(constantFrom(...groups)),
      inside: option(nat({ max: 11 })),
      takesSlot: boolean(),
      early: boolean(),
      order: nat(),
    }),
    { maxLength: 12 },
  ),
  holding: uniqueArray(nat({ max: 11 }), { maxLength: 6 }),
  slotsMax: integer({ min: 1, max: 4 }),
  limit: option(integer({ min: 1, max: 2 })),
  paused: boolean(),
  held: boolean(),
});

describe('a queue of arbitrary runs', () => {
  it('keeps to its slots, to its groups, and to one lock for each run', () => {
    assert(
      property(queueState, ({ runs, holding, slotsMax, limit, paused, held }) => {
        const all = familyOf(runs);
        const rules: Rules = {
          slotsMax,
          agentSlotsMax: slotsMax,
          held,
          groups: new Map([
            ['g', { limit, paused: false }],
            ['h', { limit: null, paused }],
          ]),
          agents: new Map(),
        };
        // The live runs are granted by the same rules, so that the state is possible.
        const possible = all.filter((_, index) => holding.includes(index));
        const going = grant(possible, countOccupancy([]), { ...rules, held: false }, noon);
        const holders: Holder[] = going.map((run) => ({ ...run, takesSlot: runs[run.number]?.takesSlot ?? true }));
        const waiting = all.filter((run) => !going.includes(run));
        const granted = grant(waiting, countOccupancy(holders), rules, noon);

        if (held) expect(granted).toEqual([]);
        const live = [...holders.filter(({ takesSlot }) => takesSlot), ...granted];
        const topLevel = live.filter(({ ancestors }) => ancestors.length === 0);
        expect(topLevel.length).toBeLessThanOrEqual(slotsMax);
        if (limit !== null) expect(topLevel.filter(({ group }) => group === 'g').length).toBeLessThanOrEqual(limit);
        if (paused) expect(granted.filter(({ group }) => group === 'h')).toEqual([]);
        for (const { id } of all)
          expect(live.filter(({ ancestors }) => ancestors[0] === id).length).toBeLessThanOrEqual(slotsMax);
        for (const { notBefore } of granted) expect(notBefore ?? 0).toBeLessThanOrEqual(noon);
        for (const key of keys) {
          const having = [...holders, ...granted].filter(({ locks }) => locks.includes(key));
          for (const [n, one] of having.entries())
            for (const other of having.slice(n + 1)) expect(areRelated(one, other)).toBe(true);
        }
      }),
      { numRuns: fuzzRuns(1_500) },
    );
  });
});

type Plan = { locks: string[]; group: string | null; inside: number | null; early: boolean };

function familyOf(plans: readonly Plan[]): Candidate[] {
  const family: Candidate[] = [];
  for (const [number, { locks, group, inside, early }] of plans.entries()) {
    const parent = inside === null ? undefined : family[inside];
    const ancestors = parent ? [parent.id, ...parent.ancestors] : [];
    family.push({
      number,
      id: `id${number}`,
      group,
      agent: null,
      locks,
      ancestors,
      after: null,
      budget: null,
      notBefore: early ? noon + 1 : null,
    });
  }
  return family;
}

const areRelated = (one: Pick<Candidate, 'id' | 'ancestors'>, other: Pick<Candidate, 'id' | 'ancestors'>): boolean =>
  one.ancestors.includes(other.id) || other.ancestors.includes(one.id);
