import { describe, expect, it } from 'vitest';
import type { ErrorClass } from '#run/agent-event.ts';
import type { RunEvent } from '#run/events.ts';
import { type Ended, isEnded, type Lineage, type Run, type RunSpec, type RunState, type Stopping } from '#run/run.ts';
import { type Effect, transition } from '#run/state-machine.ts';
import type { StopOrder } from '#run/stop.ts';
import { type StreamOutcome, unreadable } from '#run/stream-outcome.ts';
import { aProfile, aRun, aStop, leader, noon, running, stopping } from '../../support/runs.ts';

/** Applies these events to a running run, one second apart. Returns the run and the effects of the last event. */
function play(run: Run, ...events: RunEvent[]): { run: Run; effects: Effect['type'][] } {
  let now = run;
  let effects: Effect['type'][] = [];
  for (const [index, event] of events.entries()) {
    const result = transition(now, event, noon + 1_000 * index);
    if (result.kind !== 'moved') continue;
    now = { ...now, state: result.state };
    effects = result.effects.map(({ type }) => type);
  }
  return { run: now, effects };
}

function endOf(run: Run, ...events: RunEvent[]): Ended {
  const { state } = play(run, ...events).run;
  if (!isEnded(state)) throw new Error(`It has not ended: ${state.status}`);
  return state;
}

const stop = (order: StopOrder, given: { graceMs?: number | null; now?: boolean } = {}): RunEvent => ({
  type: 'stop-requested',
  order,
  graceMs: null,
  now: false,
  ...given,
});
const exit = (
  code: number | null,
  given: { signal?: string; byDeadline?: boolean; report?: StreamOutcome } = {},
): RunEvent => ({
  type: 'exited',
  code,
  signal: null,
  endedAt: noon + 9_000,
  leader,
  startedAt: noon - 30_000,
  byDeadline: false,
  report: null,
  ...given,
});
const lost = (certain: boolean, report: StreamOutcome | null = null): RunEvent => ({
  type: 'process-lost',
  message: 'The process is gone and left no exit record.',
  certain,
  report,
});
const why = ({ status, stopReason, errorCode, timeoutFired }: Ended) => [status, stopReason, errorCode, timeoutFired];

describe('an end without a stop order', () => {
  it.each([
    ['plain', exit(0), ['succeeded', 'completed', null, false]],
    ['plain', exit(7), ['failed', 'exit_nonzero', 'exit_nonzero', false]],
    ['plain', exit(null, { signal: 'SIGSEGV' }), ['failed', 'signalled', 'signalled', false]],
    ['claude', exit(0), ['succeeded', 'completed', null, false]],
    ['claude', exit(7), ['failed', 'adapter_failed', 'adapter_failed', false]],
    ['claude', exit(null, { signal: 'SIGSEGV' }), ['failed', 'adapter_failed', 'adapter_failed', false]],
    ['plain', lost(true), ['failed', 'process_lost', 'process_lost', false]],
    ['claude', lost(false), ['failed', 'process_lost', 'process_lost', false]],
  ] as const)('of adapter %s, after %o, is %j', (adapter, event, expected) => {
    expect(
      why(endOf(aRun(running(), { spec: { agent: adapter === 'plain' ? null : aProfile({ adapter }) } }), event)),
    ).toEqual(expected);
  });

  it('keeps the time at which the process ended', () => {
    const event = { ...exit(0), tick: 500 } as RunEvent;
    expect(endOf(aRun(running()), event).leader).toEqual({ ...leader, endTick: 500 });
    expect(endOf(aRun(running()), exit(0)).leader).toEqual({ ...leader, endTick: null });
  });

  it('is process_lost when the exit record has no code and no signal', () => {
    const end = endOf(aRun(running()), exit(null));
    expect(why(end)).toEqual(['failed', 'process_lost', 'process_lost', false]);
    expect(end.outcome).toEqual({ kind: 'lost' });
  });

  it('names the reason of a failed start, and seeks no leftovers', () => {
    for (const errorCode of ['command_not_found', 'not_executable', 'cwd_missing', 'launch_failed']) {
      const end = endOf(aRun({ status: 'starting', since: noon, stop: null }), {
        type: 'spawn-failed',
        errorCode,
        message: 'It would not start.',
      });
      expect(why(end)).toEqual(['failed', 'not_started', errorCode, false]);
      expect(end).toMatchObject({
        error: 'It would not start.',
        outcome: { kind: 'not_started' },
        leader: null,
        startedAt: null,
        pending: ['tidy'],
      });
    }
  });

  it('is dependency_failed when the required run did not succeed', () => {
    const end = endOf(aRun({ status: 'queued', notBefore: null }), {
      type: 'dependency-failed',
      after: 7,
      status: 'timed_out',
    });
    expect(why(end)).toEqual(['cancelled', 'dependency_failed', 'cancelled', false]);
    expect(end.error).toBe('Run 7 had to succeed first, but it ended timed_out.');
  });

  it('is timed_out when the keeper enforced the deadline alone', () => {
    expect(why(endOf(aRun(running()), exit(null, { signal: 'SIGTERM', byDeadline: true })))).toEqual([
      'timed_out',
      'timeout',
      'timeout',
      true,
    ]);
    expect(why(endOf(aRun(running()), exit(0, { byDeadline: true })))).toEqual([
      'timed_out',
      'timeout',
      'timeout',
      true,
    ]);
  });

  it('keeps the process, its start and the time of its end', () => {
    const starting = aRun({ status: 'starting', since: noon - 1, stop: null });
    expect(endOf(aRun(running()), exit(0))).toMatchObject({
      leader,
      startedAt: noon - 30_000,
      endedAt: noon + 9_000,
      pending: ['leftovers', 'tidy'],
    });
    expect(endOf(starting, exit(0))).toMatchObject({ leader, startedAt: noon - 30_000, endedAt: noon + 9_000 });
  });
});

describe('the error of an end', () => {
  const agent = { spec: { agent: aProfile() } };
  const of = (event: RunEvent, run = aRun(running(), agent)) => {
    const { error, errorBy } = endOf(run, event);
    return [error, errorBy];
  };

  it('names its author: the agent, or clip', () => {
    const said: StreamOutcome = { failure: { class: null, message: 'It says so.', resetsAt: null } };
    expect(of(exit(1, { report: said }))).toEqual(['It says so.', 'agent']);
    expect(
      of(exit(0, { report: { failure: { class: null, message: 'It never said.', resetsAt: null, by: 'clip' } } })),
    ).toEqual(['It never said.', 'clip']);
    expect(of(exit(null, { signal: 'SIGKILL' }))).toEqual(['Killed by SIGKILL.', 'clip']);
    expect(of(exit(7))).toEqual(['Exited with code 7.', 'clip']);
    expect(of(lost(true))).toEqual(['The process is gone and left no exit record.', 'clip']);
    expect(of(exit(0))).toEqual([null, null]);
  });

  it('quotes standard error when no other reason is known', () => {
    const words = { lastWords: 'boom: config not found' };
    expect(of({ ...exit(3), ...words } as RunEvent, aRun(running()))).toEqual([
      'Exited with code 3: boom: config not found',
      'agent',
    ]);
    expect(of({ ...exit(null, { signal: 'SIGABRT' }), ...words } as RunEvent)).toEqual([
      'Killed by SIGABRT: boom: config not found',
      'agent',
    ]);
    // The sender of these signals is unrelated to the last message of the stream.
    for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP'])
      expect(of({ ...exit(null, { signal }), ...words } as RunEvent)[1]).toBe('clip');
  });

  it('of an unreadable stream is a failure, whatever the exit code', () => {
    for (const event of [
      exit(0, { report: unreadable('the file is gone') }),
      exit(3, { report: unreadable('the file is gone') }),
    ]) {
      const end = endOf(aRun(running(), agent), event);
      expect(why(end)).toEqual(['failed', 'adapter_failed', 'stream_unreadable', false]);
      expect(end).toMatchObject({ error: 'How it went is not known: the file is gone.', errorBy: 'clip' });
    }
  });
});

describe('the reported end of an agent', () => {
  const agent = { spec: { agent: aProfile(), onLoss: 'retry' as const } };
  const saying = (failureClass: ErrorClass | null): StreamOutcome => ({
    failure: { class: failureClass, message: 'It says so.', resetsAt: null },
  });
  const fine: StreamOutcome = { failure: null };
  const complete: StreamOutcome = { failure: null, complete: true };

  it.each([
    [null, 'adapter_failed', 'adapter_failed'],
    ['auth_required', 'adapter_failed', 'auth_required'],
    ['rate_limited', 'rate_limited', 'rate_limited'],
    ['quota_exhausted', 'adapter_failed', 'quota_exhausted'],
    ['context_exhausted', 'context_exhausted', 'context_exhausted'],
    ['max_turns_exhausted', 'max_turns_exhausted', 'max_turns_exhausted'],
    ['provider_unavailable', 'adapter_failed', 'provider_unavailable'],
    ['permission_denied', 'adapter_failed', 'permission_denied'],
    ['unknown_session', 'adapter_failed', 'unknown_session'],
    ['output_truncated', 'adapter_failed', 'output_truncated'],
  ] as const)('takes precedence over exit code 0: %s', (failureClass, stopReason, errorCode) => {
    const end = endOf(aRun(running(), agent), exit(0, { report: saying(failureClass) }));
    expect(why(end)).toEqual(['failed', stopReason, errorCode, false]);
    expect(end.error).toBe('It says so.');
  });

  it('cannot make a success of an invalid exit code', () => {
    expect(why(endOf(aRun(running(), agent), exit(3, { report: fine })))).toEqual([
      'failed',
      'adapter_failed',
      'adapter_failed',
      false,
    ]);
    expect(why(endOf(aRun(running(), agent), exit(null, { signal: 'SIGKILL', report: fine })))).toEqual([
      'failed',
      'adapter_failed',
      'adapter_failed',
      false,
    ]);
  });

  it('that is good stands when the exit code differs, with a remark', () => {
    for (const code of [1, 3, 143, 255]) {
      const end = endOf(aRun(running(), agent), exit(code, { report: complete }));
      expect(why(end)).toEqual(['succeeded', 'completed', null, false]);
      expect(end).toMatchObject({
        outcome: { kind: 'exited', code },
        error: null,
        remark: `It exited with code ${code} after its complete result.`,
      });
    }
    expect(endOf(aRun(running(), agent), exit(0, { report: complete })).remark).toBeNull();
  });

  it('that is complete and good stands despite a foreign signal', () => {
    for (const signal of ['SIGTERM', 'SIGKILL', 'SIGSEGV']) {
      const end = endOf(aRun(running(), agent), exit(null, { signal, report: complete }));
      expect(why(end)).toEqual(['succeeded', 'completed', null, false]);
      expect(end).toMatchObject({
        outcome: { kind: 'killed', signal },
        remark: `It was killed by ${signal} after its complete result.`,
      });
    }
    // A run that clip stopped ends as ordered, whatever the stream reported before.
    expect(why(endOf(aRun(running(), agent), stop('cancelled'), exit(143, { report: complete })))).toEqual([
      'cancelled',
      'cancelled',
      'cancelled',
      false,
    ]);
  });

  it('decides the end of a lost run, without its exit or a retry', () => {
    const { run, effects } = play(aRun(running({ held: false }), agent), lost(true, fine));
    expect(run.state).toMatchObject({ status: 'succeeded', stopReason: 'completed', outcome: { kind: 'lost' } });
    expect(effects).not.toContain('retry-lost');
    expect(why(endOf(aRun(running(), agent), lost(true, saying('rate_limited'))))).toEqual([
      'failed',
      'rate_limited',
      'rate_limited',
      false,
    ]);
  });

  it('stands when the run only lingered, however its process ended', () => {
    for (const how of [
      exit(0, { report: fine }),
      exit(1, { report: fine }),
      exit(null, { signal: 'SIGKILL', report: fine }),
    ])
      expect(why(endOf(aRun(running(), agent), stop('lingering'), how))).toEqual([
        'succeeded',
        'completed',
        null,
        false,
      ]);
    expect(why(endOf(aRun(running(), agent), stop('lingering'), exit(0, { report: saying(null) })))).toEqual([
      'failed',
      'adapter_failed',
      'adapter_failed',
      false,
    ]);
  });

  it('stands when a stop order came after the process had ended', () => {
    const early = { ...exit(0, { report: fine }), endedAt: noon - 1 } as RunEvent;
    for (const order of ['timeout', 'silence', 'cancelled', 'lingering'] as const)
      expect(why(endOf(aRun(running(), agent), stop(order), early))).toEqual(['succeeded', 'completed', null, false]);
  });

  it('yields to an earlier stop order', () => {
    expect(why(endOf(aRun(running(), agent), stop('cancelled'), exit(0, { report: saying(null) })))).toEqual([
      'cancelled',
      'cancelled',
      'cancelled',
      false,
    ]);
  });

  it('as an unknown session allows one fresh run, and no second one', () => {
    const resumed = { ...agent, spec: { ...agent.spec, sessionId: 's1' } };
    const unknown = exit(1, { report: saying('unknown_session') });
    expect(play(aRun(running(), resumed), unknown).effects).toContain('retry-fresh');
    expect(play(aRun(running(), agent), unknown).effects).not.toContain('retry-fresh');
    const retriedRun = { ...resumed, lineage: { retryReason: 'unknown_session' as const } };
    expect(play(aRun(running(), retriedRun), unknown).effects).not.toContain('retry-fresh');
    expect(play(aRun(running(), resumed), stop('cancelled'), unknown).effects).not.toContain('retry-fresh');
  });
});

/** The end that follows each order to stop, whatever the process does then. */
const ordered: Record<Exclude<StopOrder, 'lingering'>, readonly [string, string, string, boolean]> = {
  cancelled: ['cancelled', 'cancelled', 'cancelled', false],
  paused: ['cancelled', 'paused', 'cancelled', false],
  budget_paused: ['cancelled', 'budget_paused', 'cancelled', false],
  timeout: ['timed_out', 'timeout', 'timeout', true],
  silence: ['timed_out', 'silence', 'timeout', false],
  output_limit: ['failed', 'output_limit', 'output_limit', false],
};

describe.each(Object.entries(ordered) as [keyof typeof ordered, (typeof ordered)[keyof typeof ordered]][])(
  'a stop order: %s',
  (order, expected) => {
    const beforeTheProcess: [string, RunState, RunEvent[]][] = [
      ['queued', { status: 'queued', notBefore: null }, []],
      [
        'starting, and it never was launched',
        { status: 'starting', since: noon, stop: null },
        [{ type: 'never-launched', message: '', retryInMs: 5_000 }],
      ],
      [
        'starting, and it could not start',
        { status: 'starting', since: noon, stop: null },
        [{ type: 'spawn-failed', errorCode: 'cwd_missing', message: '' }],
      ],
    ];
    it.each(beforeTheProcess)('decides the end when the run is %s', (_, state, then) => {
      const end = endOf(aRun(state), stop(order), ...then);
      expect(why(end)).toEqual(expected);
      expect(end).toMatchObject({ outcome: { kind: 'not_started' }, pending: ['tidy'] });
    });

    it.each([
      ['exits 0', exit(0)],
      ['exits 143', exit(143)],
      ['dies by the signal', exit(null, { signal: 'SIGTERM' })],
      ['ends by its deadline', exit(null, { signal: 'SIGKILL', byDeadline: true })],
      ['is lost', lost(true)],
    ])('decides the end when the process then %s', (_, event) => {
      expect(why(endOf(aRun(running()), stop(order), event))).toEqual(expected);
      const starting = aRun({ status: 'starting', since: noon, stop: null });
      expect(why(endOf(starting, stop(order), event))).toEqual(expected);
      expect(why(endOf(starting, stop(order), { type: 'spawned', leader, startedAt: noon }, event))).toEqual(expected);
    });

    it('takes precedence over every later one', () => {
      for (const second of Object.keys(ordered) as StopOrder[]) {
        for (const now of [false, true])
          expect(why(endOf(aRun(running()), stop(order), stop(second, { now }), exit(0)))).toEqual(expected);
      }
    });
  },
);

describe('a run that is being stopped', () => {
  it('keeps the true exit code beside its ordered end', () => {
    expect(endOf(aRun(running()), stop('cancelled'), exit(0)).outcome).toEqual({ kind: 'exited', code: 0 });
    expect(endOf(aRun(running()), stop('timeout'), exit(null, { signal: 'SIGKILL' })).outcome).toEqual({
      kind: 'killed',
      signal: 'SIGKILL',
    });
  });

  it('has its ordered end, no exit code and no retry when it is lost', () => {
    const run = aRun(stopping(), { spec: { onLoss: 'retry' } });
    const result = play(run, lost(true));
    expect(result.run.state).toMatchObject({ status: 'cancelled', stopReason: 'cancelled', outcome: { kind: 'lost' } });
    expect(result.effects).toEqual(['finalize']);
  });

  it('has the grace of the order, else its own, from the first order', () => {
    const graces = [stop('cancelled', { graceMs: 1 }), stop('cancelled')].map(
      (event) => (play(aRun(running()), event).run.state as Stopping).stop.graceMs,
    );
    expect(graces).toEqual([1, 15_000]);
  });

  it('is stopped at once by a later order, once, and refuses others', () => {
    const run = aRun(stopping({ stop: aStop({ phase: 'terminated' }) }));
    const quicker = transition(run, stop('timeout', { now: true }), noon);
    expect(quicker).toMatchObject({
      kind: 'moved',
      state: { stop: { order: 'cancelled', now: true, phase: 'terminated', phaseAt: noon } },
    });
    const again = transition(
      { ...run, state: stopping({ stop: aStop({ now: true }) }) },
      stop('timeout', { now: true }),
      noon,
    );
    expect(again).toEqual({ kind: 'refused', why: 'already_stopping' });
  });

  it('records the step of its stop sequence for a new daemon', () => {
    const { run } = play(aRun(running()), stop('cancelled'), { type: 'signalled', phase: 'terminated', targets: [] });
    expect(run.state).toMatchObject({ stop: { orderedAt: noon, phase: 'terminated', phaseAt: noon + 1_000 } });
  });
});

describe('a lost run', () => {
  const effectsOf = (spec: Partial<RunSpec>, certain: boolean, lineage: Partial<Lineage>) =>
    play(aRun(running(), { spec, lineage }), lost(certain)).effects;

  it('is retried once with --on-loss retry when it is certainly gone', () => {
    expect(effectsOf({ onLoss: 'retry' }, true, {})).toEqual(['retry-lost', 'finalize']);
    expect(effectsOf({ onLoss: 'fail' }, true, {})).toEqual(['finalize']);
    expect(effectsOf({ onLoss: 'retry' }, false, {})).toEqual(['finalize']);
    expect(effectsOf({ onLoss: 'retry' }, true, { processLossRetryCount: 1 })).toEqual(['finalize']);
  });

  it('is retried when it was lost while starting, and after a retry by a person', () => {
    const starting = aRun({ status: 'starting', since: noon, stop: null }, { spec: { onLoss: 'retry' } });
    expect(play(starting, lost(true)).effects).toEqual(['retry-lost', 'finalize']);
    expect(effectsOf({ onLoss: 'retry' }, true, { retryOfRunId: 'id7', retryReason: 'manual' })).toEqual([
      'retry-lost',
      'finalize',
    ]);
  });

  it('has a message with the findings, and no exit code', () => {
    const end = endOf(aRun(running()), lost(true));
    expect(end).toMatchObject({ error: 'The process is gone and left no exit record.', outcome: { kind: 'lost' } });
  });
});
