import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { factTypes, orderTypes, type RunEvent, type RunEventType } from '#run/events.ts';
import {
  type EndedStatus,
  endedStatuses,
  type FinalizeStep,
  finalizeSteps,
  isEnded,
  type RunState,
  runStatuses,
} from '#run/run.ts';
import { isSettled, type Transition, transition } from '#run/state-machine.ts';
import type { StopOrder, StopPhase } from '#run/stop.ts';
import type { StreamOutcome } from '#run/stream-outcome.ts';
import { aRun, aStop, leader, noon, running, stopping } from '../../support/runs.ts';

/**
 * The documentation page with the diagram and the table. A column represents several states with equal behavior, and
 * each of its cells is asserted for each of them.
 */
const page = readFileSync('docs/states.md', 'utf8');
const table = page.match(/```text\n([^`]*)```/)?.[1] ?? '';
const arrows = [...page.matchAll(/^ {4}(\w+) --> (\w+)$/gm)].map(([, from, to]) => `${from} --> ${to}`);

const orders: Record<StopOrder, true> = {
  cancelled: true,
  paused: true,
  budget_paused: true,
  timeout: true,
  silence: true,
  output_limit: true,
  lingering: true,
};
const phases: Record<StopPhase, true> = { ordered: true, interrupted: true, terminated: true, killed: true };

type Examples = { readonly [T in RunEventType]: Readonly<Record<string, Extract<RunEvent, { type: T }>>> };

function exited(given: {
  code?: number | null;
  signal?: string | null;
  byDeadline?: boolean;
  report?: StreamOutcome;
}): Extract<RunEvent, { type: 'exited' }> {
  return {
    type: 'exited',
    code: null,
    signal: null,
    endedAt: noon,
    leader,
    startedAt: noon - 30_000,
    byDeadline: false,
    report: null,
    ...given,
  };
}

const liveness = {
  state: 'failed',
  reason: 'So.',
  nextAction: null,
  lastUsefulActionAt: null,
  claimsDone: false,
} as const;

/** The compiler checks that every type of event is present. The table checks that every example is. */
const examples: Examples = {
  'slot-granted': { 'slot-granted': { type: 'slot-granted' } },
  'stop-requested': Object.fromEntries(
    Object.keys(orders).flatMap((order) =>
      [false, true].map((now) => [
        `stop ${order}${now ? ' now' : ''}`,
        { type: 'stop-requested', order: order as StopOrder, graceMs: null, now },
      ]),
    ),
  ),
  'dependency-failed': { 'dependency-failed': { type: 'dependency-failed', after: 7, status: 'failed' } },
  'start-now': { 'start-now': { type: 'start-now' } },
  spawned: { spawned: { type: 'spawned', leader, startedAt: noon } },
  'spawn-failed': {
    'spawn-failed': { type: 'spawn-failed', errorCode: 'command_not_found', message: 'There is no command make.' },
  },
  'never-launched': {
    'never-launched': { type: 'never-launched', message: 'No launch record was written.', retryInMs: 0 },
    'never-launched, later': { type: 'never-launched', message: 'No keeper could be started.', retryInMs: 5_000 },
    'never-launched, shortage': {
      type: 'never-launched',
      message: 'The limit of processes is reached.',
      retryInMs: 5_000,
      shortage: true,
    },
  },
  exited: {
    'exited 0': exited({ code: 0 }),
    'exited 0, but reported': exited({
      code: 0,
      report: { failure: { class: 'auth_required', message: 'Log in.', resetsAt: null } },
    }),
    'exited 7': exited({ code: 7 }),
    'exited by SIGKILL': exited({ signal: 'SIGKILL' }),
    'exited, end not seen': exited({}),
    'exited by its deadline': exited({ signal: 'SIGTERM', byDeadline: true }),
  },
  'found-again': {
    'found-again, held': { type: 'found-again', held: true, leader, startedAt: noon },
    'found-again, detached': { type: 'found-again', held: false, leader, startedAt: noon },
  },
  'process-lost': {
    'process-lost, certain': { type: 'process-lost', message: 'It is gone.', certain: true, report: null },
    'process-lost, reported': {
      type: 'process-lost',
      message: 'It is gone.',
      certain: true,
      report: { failure: null },
    },
    'process-lost, uncertain': { type: 'process-lost', message: 'It is gone.', certain: false, report: null },
  },
  signalled: {
    'signalled interrupted': { type: 'signalled', phase: 'interrupted', targets: [] },
    'signalled terminated': { type: 'signalled', phase: 'terminated', targets: [] },
    'signalled killed': { type: 'signalled', phase: 'killed', targets: [] },
  },
  'clock-jumped': {
    'clock-jumped': { type: 'clock-jumped', gapMs: 3_600_000 },
    'clock-jumped, not runs': { type: 'clock-jumped', gapMs: 3_600_000, limitsMs: 0 },
    'clock set back': { type: 'clock-jumped', gapMs: -3_600_000 },
  },
  activity: { activity: { type: 'activity' } },
  stalled: { stalled: { type: 'stalled', why: 'silent', since: noon - 600_000, tool: null, lastError: null } },
  acknowledged: { acknowledged: { type: 'acknowledged', how: 'dismissed' } },
  'verdict-added': { 'verdict-added': { type: 'verdict-added', liveness } },
  'step-done': {
    'step-done leftovers': { type: 'step-done', step: 'leftovers', leaked: [] },
    'step-done workspace': { type: 'step-done', step: 'workspace', workspace: null },
    'step-done liveness': { type: 'step-done', step: 'liveness', liveness: null },
    'step-done summary': { type: 'step-done', step: 'summary' },
    'step-done wake': {
      type: 'step-done',
      step: 'wake',
      decision: { action: 'none', reason: 'So.', exhausted: false },
    },
    'step-done tidy': { type: 'step-done', step: 'tidy' },
  },
};
const events: Readonly<Record<string, RunEvent>> = Object.assign({}, ...Object.values(examples));

function ended(status: EndedStatus, pending: readonly FinalizeStep[] = finalizeSteps): RunState {
  const why = { stopReason: 'any', errorCode: null, error: null, errorBy: null, remark: null, timeoutFired: false };
  return {
    status,
    outcome: { kind: 'exited', code: 0 },
    ...why,
    leader,
    startedAt: noon - 30_000,
    endedAt: noon,
    stop: null,
    leaked: null,
    workspace: null,
    liveness: null,
    decision: null,
    acknowledged: null,
    pending,
  };
}

const inEachPhase = (now: boolean): RunState[] =>
  Object.keys(phases).map((phase) => stopping({ stop: aStop({ phase: phase as StopPhase, now }) }));

const states: Readonly<Record<string, readonly RunState[]>> = {
  queued: [
    { status: 'queued', notBefore: null },
    { status: 'queued', notBefore: noon + 1 },
  ],
  starting: [{ status: 'starting', since: noon - 1, stop: null }],
  'starting+stop': [{ status: 'starting', since: noon - 1, stop: aStop() }],
  running: [running(), running({ deadlineAt: noon + 5_000 }), running({ held: false })],
  detached: [running({ held: false, detachedWarning: true })],
  stalled: [
    running({ stall: { why: 'silent', since: noon - 600_000, tool: null, lastError: null, acknowledged: false } }),
  ],
  stopping: inEachPhase(false),
  'stopping-now': inEachPhase(true),
  pending: endedStatuses.map((status) => ended(status)),
  settled: endedStatuses.map((status) => ended(status, [])),
};

const letters = {
  spawn: 'S',
  watch: 'W',
  stop: 'T',
  withdraw: 'D',
  finalize: 'F',
  'retry-lost': 'R',
  'retry-fresh': 'N',
} as const;
const reasons = { already_ended: 'no:ended', already_stopping: 'no:stopping', not_queued: 'no:queued' } as const;

function cellOf(from: RunState, result: Transition): string {
  if (result.kind === 'late') return '·';
  if (result.kind === 'refused') return reasons[result.why];
  const to = result.state.status === from.status ? 'same' : result.state.status;
  return `${to} ${result.effects.map(({ type }) => letters[type]).join('')}`.trim();
}

const [heading = '', ...lines] = table.split('\n').filter((line) => line !== '');
const columns = heading.trim().split(/\s+/);
const rows = lines.map((line) => line.split('|').map((cell) => cell.trim()));

describe('the table of states and events', () => {
  it('has one row for each event, stop order and kind of fact', () => {
    expect(rows.map(([name]) => name).sort()).toEqual(Object.keys(events).sort());
    expect(new Set(Object.values(events).map(({ type }) => type))).toEqual(new Set([...orderTypes, ...factTypes]));
  });

  it('has a column for every status with a cell for every event', () => {
    expect(columns).toEqual(Object.keys(states));
    expect(new Set(Object.values(states).flatMap((some) => some.map(({ status }) => status)))).toEqual(
      new Set(runStatuses),
    );
    expect(rows.filter((row) => row.length !== columns.length + 1 || row.includes(''))).toEqual([]);
  });

  for (const [name = '', ...cells] of rows) {
    it(`holds for ${name}, in each state`, () => {
      const expected = columns.map((column, index) => [column, states[column]?.map(() => cells[index])]);
      const found = columns.map((column) => [
        column,
        states[column]?.map((state) => cellOf(state, transition(aRun(state), events[name] as RunEvent, noon))),
      ]);
      expect(found).toEqual(expected);
    });
  }

  it('has each arrow of the diagram, and no other', () => {
    const found = new Set<string>();
    for (const state of Object.values(states).flat()) {
      for (const event of Object.values(events)) {
        const result = transition(aRun(state), event, noon);
        if (result.kind === 'moved' && result.state.status !== state.status)
          found.add(`${state.status} --> ${result.state.status}`);
      }
    }
    expect([...found].sort()).toEqual(arrows.toSorted());
  });

  it('restarts no ended run, and finalizes a run only at its end', () => {
    for (const state of Object.values(states).flat()) {
      for (const event of Object.values(events)) {
        const result = transition(aRun(state), event, noon);
        if (result.kind !== 'moved') continue;
        const ends = !isEnded(state) && isEnded(result.state);
        expect(isEnded(state) && !isEnded(result.state)).toBe(false);
        expect(result.effects.some(({ type }) => type === 'finalize')).toBe(ends);
      }
    }
  });

  it('settles a run with its last finalize step, in any order', () => {
    const found: Readonly<Record<FinalizeStep, RunEvent>> = {
      workspace: { type: 'step-done', step: 'workspace', workspace: null },
      leftovers: { type: 'step-done', step: 'leftovers', leaked: [{ pid: 9, command: 'sleep', ended: true }] },
      liveness: { type: 'step-done', step: 'liveness', liveness },
      summary: { type: 'step-done', step: 'summary' },
      wake: { type: 'step-done', step: 'wake', decision: { action: 'none', reason: 'So.', exhausted: false } },
      tidy: { type: 'step-done', step: 'tidy' },
    };
    for (const order of [finalizeSteps, finalizeSteps.toReversed()]) {
      let run = aRun(ended('failed'));
      for (const name of order) {
        expect(isSettled(run)).toBe(false);
        const result = transition(run, found[name], noon);
        run = { ...run, state: result.kind === 'moved' ? result.state : run.state };
      }
      expect(isSettled(run)).toBe(true);
      expect(run.state).toMatchObject({
        status: 'failed',
        leaked: [{ pid: 9, command: 'sleep', ended: true }],
        liveness: { reason: 'So.' },
      });
    }
  });
});
