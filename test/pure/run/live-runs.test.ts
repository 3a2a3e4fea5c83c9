import { describe, expect, it } from 'vitest';
import type { RunEvent } from '#run/events.ts';
import type { Running, RunState } from '#run/run.ts';
import { classifySilence, limitReached, silentMs } from '#run/silence.ts';
import { transition } from '#run/state-machine.ts';
import { aRun, aSpec, aStop, leader, noon, running, stopping } from '../../support/runs.ts';

const minute = 60_000;

function next(state: RunState, event: RunEvent, spec = {}): RunState {
  const result = transition(aRun(state, { spec }), event, noon);
  if (result.kind !== 'moved') throw new Error(`It did not move: ${result.kind}`);
  return result.state;
}

describe('a starting run', () => {
  const starting: RunState = { status: 'starting', since: noon - 100, stop: null };
  const spawned: RunEvent = { type: 'spawned', leader, startedAt: noon };

  it('counts its time limit from its own start, and has none by default', () => {
    expect(next(starting, spawned, { timeoutMs: minute })).toMatchObject({
      status: 'running',
      deadlineAt: noon + minute,
      held: true,
      detachedWarning: false,
    });
    expect(next(starting, spawned)).toMatchObject({ deadlineAt: null, startedAt: noon, silentSince: noon, leader });
  });

  it('is stopped as soon as it is running when a stop was ordered before', () => {
    const stop = aStop({ order: 'paused' });
    expect(next({ ...starting, stop }, spawned)).toMatchObject({ status: 'stopping', stop });
  });

  it('returns to the queue when nothing was launched, until the given time', () => {
    expect(next(starting, { type: 'never-launched', message: '', retryInMs: 0 })).toEqual({
      status: 'queued',
      notBefore: null,
    });
    expect(next(starting, { type: 'never-launched', message: '', retryInMs: 5_000 })).toEqual({
      status: 'queued',
      notBefore: noon + 5_000,
    });
  });

  it('has a warning when it is found alive without a keeper', () => {
    expect(next(starting, { type: 'found-again', held: false, leader, startedAt: noon - 50 })).toMatchObject({
      held: false,
      detachedWarning: true,
    });
    expect(next(starting, { type: 'found-again', held: true, leader, startedAt: noon - 50 })).toMatchObject({
      held: true,
      detachedWarning: false,
    });
  });
});

describe('a run that lost its keeper', () => {
  const found = (held: boolean): RunEvent => ({ type: 'found-again', held, leader, startedAt: noon });

  it.each([['running'], ['stopping']])('is warned about once while %s, and no longer after new output', (status) => {
    const before = status === 'running' ? running() : stopping();
    const warned = next(before, found(false));
    expect(warned).toMatchObject({ held: false, detachedWarning: true });
    const active = next(warned, { type: 'activity' });
    // The exit code stays unknown, because no keeper holds the run.
    expect(active).toMatchObject({ status, held: false, detachedWarning: false });
    expect(next(active, found(false))).toMatchObject({ detachedWarning: false });
    expect(next(warned, found(true))).toMatchObject({ held: true, detachedWarning: false });
  });

  it('keeps its deadline and its stop order when it is found again', () => {
    const stop = aStop({ phase: 'terminated' });
    expect(next(running({ deadlineAt: noon + 5 }), found(true))).toMatchObject({ deadlineAt: noon + 5 });
    expect(next(stopping({ stop, deadlineAt: noon + 5 }), found(false))).toMatchObject({
      status: 'stopping',
      stop,
      deadlineAt: noon + 5,
    });
  });
});

describe('a machine that slept', () => {
  it('moves the deadline by the gap and restarts the measurement of silence', () => {
    const slept: RunEvent = { type: 'clock-jumped', gapMs: 8 * 60 * minute };
    expect(next(running({ deadlineAt: noon + 5 }), slept)).toMatchObject({
      deadlineAt: noon + 5 + 8 * 60 * minute,
      silentSince: noon,
    });
    expect(next(running(), slept)).toMatchObject({ deadlineAt: null, silentSince: noon });
    expect(next(stopping({ deadlineAt: noon }), slept)).toMatchObject({
      status: 'stopping',
      deadlineAt: noon + 8 * 60 * minute,
    });
  });
});

describe('a clock that was set back', () => {
  const back: RunEvent = { type: 'clock-jumped', gapMs: -60 * minute };

  it('moves the deadline as well, so that the run gets no extra hour', () => {
    expect(next(running({ deadlineAt: noon + 5 + 60 * minute }), back)).toMatchObject({ deadlineAt: noon + 5 });
  });

  it('moves a stop as well, so that its grace gets no extra hour', () => {
    const stop = aStop({ phase: 'terminated', orderedAt: noon + 60 * minute, phaseAt: noon + 61 * minute });
    expect(next(stopping({ stop }), back)).toMatchObject({
      stop: { phase: 'terminated', orderedAt: noon, phaseAt: noon + minute },
    });
  });

  it('does not prolong the grace of a stop when the machine slept', () => {
    const stop = aStop({ phase: 'terminated', phaseAt: noon });
    expect(next(stopping({ stop }), { type: 'clock-jumped', gapMs: 60 * minute })).toMatchObject({ stop });
  });

  it('keeps the time of earlier output out of the silence', () => {
    const state = running({ silentSince: noon - minute });
    expect(silentMs(state, noon + 60 * minute, noon)).toBe(minute);
  });

  it('does not make a stop order count as too late', () => {
    const exited = {
      type: 'exited',
      code: 0,
      signal: null,
      endedAt: noon,
      byDeadline: false,
      leader: null,
      startedAt: null,
      report: null,
    } as const;
    const ordered = (orderedAt: number) => next(stopping({ stop: aStop({ orderedAt }) }), exited);
    expect(ordered(noon + 60 * minute)).toMatchObject({ status: 'cancelled' });
    expect(ordered(noon + 1_000)).toMatchObject({ status: 'succeeded' });
  });
});

describe('the silence of a run', () => {
  it('is quiet after 60 s and stalled after 10 min', () => {
    expect([0, 59_999, minute, 10 * minute - 1, 10 * minute].map(classifySilence)).toEqual([
      'talking',
      'talking',
      'quiet',
      'quiet',
      'stalled',
    ]);
  });

  it('counts from the last start, wake-up or output, never negative', () => {
    const state = running({ silentSince: noon - minute });
    expect(silentMs(state, null, noon)).toBe(minute);
    expect(silentMs(state, noon - 2 * minute, noon)).toBe(minute);
    expect(silentMs(state, noon - 1_000, noon)).toBe(1_000);
    expect(silentMs(state, noon + 5_000, noon)).toBe(0);
  });
});

describe('the limits of a running run', () => {
  const reached = (
    spec: Parameters<typeof aSpec>[0],
    state: Partial<Running>,
    looked: { outputBytes?: number; lastOutputAt?: number | null },
  ) => limitReached(aSpec(spec), running(state), { outputBytes: 0, lastOutputAt: null, at: noon, ...looked });

  it('are absent unless given, except the one for output', () => {
    expect(reached({}, { silentSince: 0, startedAt: 0 }, {})).toBe(null);
    expect(reached({}, {}, { outputBytes: 10 * 2 ** 30 })).toBe(null);
    expect(reached({}, {}, { outputBytes: 10 * 2 ** 30 + 1 })).toBe('output_limit');
  });

  it('are reached at the exact moment: time, silence', () => {
    expect(reached({}, { deadlineAt: noon + 1 }, {})).toBe(null);
    expect(reached({}, { deadlineAt: noon }, {})).toBe('timeout');
    expect(reached({ silenceMs: 30_001 }, {}, {})).toBe(null);
    expect(reached({ silenceMs: 30_000 }, {}, {})).toBe('silence');
    expect(reached({ silenceMs: 30_000 }, {}, { lastOutputAt: noon - 1 })).toBe(null);
  });

  it('are reported in order: time limit, output, silence', () => {
    const all = { spec: { silenceMs: 1, outputBytesMax: 1 }, looked: { outputBytes: 2 } };
    expect(reached(all.spec, { deadlineAt: noon }, all.looked)).toBe('timeout');
    expect(reached(all.spec, {}, all.looked)).toBe('output_limit');
    expect(reached(all.spec, {}, {})).toBe('silence');
  });
});
