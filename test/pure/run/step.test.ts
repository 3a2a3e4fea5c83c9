import { describe, expect, it } from 'vitest';
import { factTypes, orderTypes, type RunEvent, type RunEventType } from '../../../src/run/events.ts';
import type { Report } from '../../../src/run/report.ts';
import {
  type EndedStatus,
  endedStatuses,
  type FinaliseStep,
  finaliseSteps,
  isEnded,
  type RunState,
  runStatuses,
  type StopOrder,
  type StopPhase,
} from '../../../src/run/run.ts';
import { isSettled, type Step, step } from '../../../src/run/step.ts';
import { aRun, aStop, leader, noon, running, stopping } from '../../support/runs.ts';

/**
 * The whole life of a run. A cell is the status it moves to and the letters of the effects, in their
 * order: Spawn, Watch, sTop, Finalise; `same` when it moves and the status stays; `·` for a fact that
 * comes too late; `no:` and the reason of a refused order. A column stands for several states that
 * must behave alike, and each cell is asserted for each of them.
 */
const table = `
                           queued        starting      starting+stop  running       detached      stopping     stopping-now  pending   settled
slot-granted             | starting S  | no:queued   | no:queued    | no:queued   | no:queued   | no:queued   | no:queued  | no:ended | no:ended
stop cancelled           | cancelled F | same        | no:stopping  | stopping T  | stopping T  | no:stopping | no:stopping| no:ended | no:ended
stop cancelled now       | cancelled F | same        | same         | stopping T  | stopping T  | same T      | no:stopping| no:ended | no:ended
stop paused              | cancelled F | same        | no:stopping  | stopping T  | stopping T  | no:stopping | no:stopping| no:ended | no:ended
stop paused now          | cancelled F | same        | same         | stopping T  | stopping T  | same T      | no:stopping| no:ended | no:ended
stop budget_paused       | cancelled F | same        | no:stopping  | stopping T  | stopping T  | no:stopping | no:stopping| no:ended | no:ended
stop budget_paused now   | cancelled F | same        | same         | stopping T  | stopping T  | same T      | no:stopping| no:ended | no:ended
stop timeout             | timed_out F | same        | no:stopping  | stopping T  | stopping T  | no:stopping | no:stopping| no:ended | no:ended
stop timeout now         | timed_out F | same        | same         | stopping T  | stopping T  | same T      | no:stopping| no:ended | no:ended
stop silence             | timed_out F | same        | no:stopping  | stopping T  | stopping T  | no:stopping | no:stopping| no:ended | no:ended
stop silence now         | timed_out F | same        | same         | stopping T  | stopping T  | same T      | no:stopping| no:ended | no:ended
stop output_limit        | failed F    | same        | no:stopping  | stopping T  | stopping T  | no:stopping | no:stopping| no:ended | no:ended
stop output_limit now    | failed F    | same        | same         | stopping T  | stopping T  | same T      | no:stopping| no:ended | no:ended
stop lingering           | failed F    | same        | no:stopping  | stopping T  | stopping T  | no:stopping | no:stopping| no:ended | no:ended
stop lingering now       | failed F    | same        | same         | stopping T  | stopping T  | same T      | no:stopping| no:ended | no:ended
dependency-failed        | cancelled F | no:queued   | no:queued    | no:queued   | no:queued   | no:queued   | no:queued  | no:ended | no:ended
hurried                  | same        | no:queued   | no:queued    | no:queued   | no:queued   | no:queued   | no:queued  | no:ended | no:ended
spawned                  | ·           | running W   | stopping WT  | ·           | ·           | ·           | ·          | ·        | ·
spawn-failed             | ·           | failed F    | cancelled F  | ·           | ·           | ·           | ·          | ·        | ·
never-launched           | ·           | queued      | cancelled F  | ·           | ·           | ·           | ·          | ·        | ·
never-launched, later    | ·           | queued      | cancelled F  | ·           | ·           | ·           | ·          | ·        | ·
exited 0                 | ·           | succeeded F | cancelled F  | succeeded F | succeeded F | cancelled F | cancelled F| ·        | ·
exited 0, but reported   | ·           | failed F    | cancelled F  | failed F    | failed F    | cancelled F | cancelled F| ·        | ·
exited 7                 | ·           | failed F    | cancelled F  | failed F    | failed F    | cancelled F | cancelled F| ·        | ·
exited by SIGKILL        | ·           | failed F    | cancelled F  | failed F    | failed F    | cancelled F | cancelled F| ·        | ·
exited, nobody knows how | ·           | failed F    | cancelled F  | failed F    | failed F    | cancelled F | cancelled F| ·        | ·
exited by its deadline   | ·           | timed_out F | cancelled F  | timed_out F | timed_out F | cancelled F | cancelled F| ·        | ·
found-again, held        | ·           | running W   | stopping WT  | same W      | same W      | same WT     | same WT    | ·        | ·
found-again, detached    | ·           | running W   | stopping WT  | same W      | same W      | same WT     | same WT    | ·        | ·
process-lost, certain    | ·           | failed F    | cancelled F  | failed F    | failed F    | cancelled F | cancelled F| ·        | ·
process-lost, reported   | ·           | succeeded F | cancelled F  | succeeded F | succeeded F | cancelled F | cancelled F| ·        | ·
process-lost, uncertain  | ·           | failed F    | cancelled F  | failed F    | failed F    | cancelled F | cancelled F| ·        | ·
signalled interrupted    | ·           | ·           | ·            | ·           | ·           | same        | same       | ·        | ·
signalled terminated     | ·           | ·           | ·            | ·           | ·           | same        | same       | ·        | ·
signalled killed         | ·           | ·           | ·            | ·           | ·           | same        | same       | ·        | ·
slept                    | ·           | ·           | ·            | same        | same        | same T      | same T     | ·        | ·
clock set back           | ·           | ·           | ·            | same        | same        | same T      | same T     | ·        | ·
activity                 | ·           | ·           | ·            | ·           | same        | ·           | ·          | ·        | ·
step-done leftovers      | ·           | ·           | ·            | ·           | ·           | ·           | ·          | same     | ·
step-done workspace      | ·           | ·           | ·            | ·           | ·           | ·           | ·          | same     | ·
step-done liveness       | ·           | ·           | ·            | ·           | ·           | ·           | ·          | same     | ·
step-done summary        | ·           | ·           | ·            | ·           | ·           | ·           | ·          | same     | ·
step-done wake           | ·           | ·           | ·            | ·           | ·           | ·           | ·          | same     | ·
step-done tidy           | ·           | ·           | ·            | ·           | ·           | ·           | ·          | same     | ·
judged                   | ·           | ·           | ·            | ·           | ·           | ·           | ·          | ·        | same
`;

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

function exited(given: { code?: number | null; signal?: string | null; byDeadline?: boolean; report?: Report }): Extract<RunEvent, { type: 'exited' }> {
  return { type: 'exited', code: null, signal: null, endedAt: noon, leader, startedAt: noon - 30_000, byDeadline: false, report: null, ...given };
}

const liveness = { state: 'failed', reason: 'So.', nextAction: null, lastUsefulActionAt: null } as const;

/** The compiler sees to it that no type of event is missing, the table that no example is. */
const examples: Examples = {
  'slot-granted': { 'slot-granted': { type: 'slot-granted' } },
  'stop-requested': Object.fromEntries(
    Object.keys(orders).flatMap((order) =>
      [false, true].map((now) => [`stop ${order}${now ? ' now' : ''}`, { type: 'stop-requested', order: order as StopOrder, graceMs: null, now }]),
    ),
  ),
  'dependency-failed': { 'dependency-failed': { type: 'dependency-failed', after: 7, status: 'failed' } },
  hurried: { hurried: { type: 'hurried' } },
  spawned: { spawned: { type: 'spawned', leader, startedAt: noon } },
  'spawn-failed': { 'spawn-failed': { type: 'spawn-failed', errorCode: 'command_not_found', message: 'There is no command make.' } },
  'never-launched': {
    'never-launched': { type: 'never-launched', message: 'No launch record was written.', retryInMs: 0 },
    'never-launched, later': { type: 'never-launched', message: 'No keeper could be started.', retryInMs: 5_000 },
  },
  exited: {
    'exited 0': exited({ code: 0 }),
    'exited 0, but reported': exited({ code: 0, report: { failure: { class: 'auth_required', message: 'Log in.', resetsAt: null } } }),
    'exited 7': exited({ code: 7 }),
    'exited by SIGKILL': exited({ signal: 'SIGKILL' }),
    'exited, nobody knows how': exited({}),
    'exited by its deadline': exited({ signal: 'SIGTERM', byDeadline: true }),
  },
  'found-again': {
    'found-again, held': { type: 'found-again', held: true, leader, startedAt: noon },
    'found-again, detached': { type: 'found-again', held: false, leader, startedAt: noon },
  },
  'process-lost': {
    'process-lost, certain': { type: 'process-lost', message: 'It is gone.', certain: true, report: null },
    'process-lost, reported': { type: 'process-lost', message: 'It is gone.', certain: true, report: { failure: null } },
    'process-lost, uncertain': { type: 'process-lost', message: 'It is gone.', certain: false, report: null },
  },
  signalled: {
    'signalled interrupted': { type: 'signalled', phase: 'interrupted', targets: [] },
    'signalled terminated': { type: 'signalled', phase: 'terminated', targets: [] },
    'signalled killed': { type: 'signalled', phase: 'killed', targets: [] },
  },
  slept: { slept: { type: 'slept', gapMs: 3_600_000 }, 'clock set back': { type: 'slept', gapMs: -3_600_000 } },
  activity: { activity: { type: 'activity' } },
  judged: { judged: { type: 'judged', liveness } },
  'step-done': {
    'step-done leftovers': { type: 'step-done', step: 'leftovers', leaked: [] },
    'step-done workspace': { type: 'step-done', step: 'workspace', workspace: null },
    'step-done liveness': { type: 'step-done', step: 'liveness', liveness: null },
    'step-done summary': { type: 'step-done', step: 'summary' },
    'step-done wake': { type: 'step-done', step: 'wake', decision: { action: 'none', reason: 'So.', exhausted: false } },
    'step-done tidy': { type: 'step-done', step: 'tidy' },
  },
};
const events: Readonly<Record<string, RunEvent>> = Object.assign({}, ...Object.values(examples));

function ended(status: EndedStatus, pending: readonly FinaliseStep[] = finaliseSteps): RunState {
  const why = { stopReason: 'any', errorCode: null, error: null, timeoutFired: false };
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
    pending,
  };
}

const inEachPhase = (now: boolean): RunState[] => Object.keys(phases).map((phase) => stopping({ stop: aStop({ phase: phase as StopPhase, now }) }));

const states: Readonly<Record<string, readonly RunState[]>> = {
  queued: [
    { status: 'queued', notBefore: null },
    { status: 'queued', notBefore: noon + 1 },
  ],
  starting: [{ status: 'starting', since: noon - 1, stop: null }],
  'starting+stop': [{ status: 'starting', since: noon - 1, stop: aStop() }],
  running: [running(), running({ deadlineAt: noon + 5_000 }), running({ held: false })],
  detached: [running({ held: false, detachedWarning: true })],
  stopping: inEachPhase(false),
  'stopping-now': inEachPhase(true),
  pending: endedStatuses.map((status) => ended(status)),
  settled: endedStatuses.map((status) => ended(status, [])),
};

const letters = { spawn: 'S', watch: 'W', stop: 'T', finalise: 'F', 'retry-lost': 'R', 'retry-fresh': 'N' } as const;
const reasons = { already_ended: 'no:ended', already_stopping: 'no:stopping', not_queued: 'no:queued' } as const;

function cellOf(from: RunState, result: Step): string {
  if (result.kind === 'late') return '·';
  if (result.kind === 'refused') return reasons[result.why];
  const to = result.state.status === from.status ? 'same' : result.state.status;
  return `${to} ${result.effects.map(({ type }) => letters[type]).join('')}`.trim();
}

const [heading = '', ...lines] = table.trim().split('\n');
const columns = heading.trim().split(/\s+/);
const rows = lines.map((line) => line.split('|').map((cell) => cell.trim()));

describe('the table of states and events', () => {
  it('has a row for every event, every order to stop and every kind of fact, and no other', () => {
    expect(rows.map(([name]) => name).sort()).toEqual(Object.keys(events).sort());
    expect(new Set(Object.values(events).map(({ type }) => type))).toEqual(new Set([...orderTypes, ...factTypes]));
  });

  it('has a column for every status, and a cell for every event in every column', () => {
    expect(columns).toEqual(Object.keys(states));
    expect(new Set(Object.values(states).flatMap((some) => some.map(({ status }) => status)))).toEqual(new Set(runStatuses));
    expect(rows.filter((row) => row.length !== columns.length + 1 || row.includes(''))).toEqual([]);
  });

  for (const [name = '', ...cells] of rows) {
    it(`holds for ${name}, in each state`, () => {
      const expected = columns.map((column, index) => [column, states[column]?.map(() => cells[index])]);
      const found = columns.map((column) => [column, states[column]?.map((state) => cellOf(state, step(aRun(state), events[name] as RunEvent, noon)))]);
      expect(found).toEqual(expected);
    });
  }

  it('never brings an ended run back, and asks to finalise exactly when a run ends', () => {
    for (const state of Object.values(states).flat()) {
      for (const event of Object.values(events)) {
        const result = step(aRun(state), event, noon);
        if (result.kind !== 'moved') continue;
        const ends = !isEnded(state) && isEnded(result.state);
        expect(isEnded(state) && !isEnded(result.state)).toBe(false);
        expect(result.effects.some(({ type }) => type === 'finalise')).toBe(ends);
      }
    }
  });

  it('settles a run when its last finalising step is struck off, in whatever order', () => {
    const found: Readonly<Record<FinaliseStep, RunEvent>> = {
      workspace: { type: 'step-done', step: 'workspace', workspace: null },
      leftovers: { type: 'step-done', step: 'leftovers', leaked: [{ pid: 9, command: 'sleep', ended: true }] },
      liveness: { type: 'step-done', step: 'liveness', liveness },
      summary: { type: 'step-done', step: 'summary' },
      wake: { type: 'step-done', step: 'wake', decision: { action: 'none', reason: 'So.', exhausted: false } },
      tidy: { type: 'step-done', step: 'tidy' },
    };
    for (const order of [finaliseSteps, finaliseSteps.toReversed()]) {
      let run = aRun(ended('failed'));
      for (const name of order) {
        expect(isSettled(run)).toBe(false);
        const result = step(run, found[name], noon);
        run = { ...run, state: result.kind === 'moved' ? result.state : run.state };
      }
      expect(isSettled(run)).toBe(true);
      expect(run.state).toMatchObject({ status: 'failed', leaked: [{ pid: 9, command: 'sleep', ended: true }], liveness: { reason: 'So.' } });
    }
  });
});
