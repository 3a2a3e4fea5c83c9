import { describe, expect, it } from 'vitest';
import { lostMessage, type Observation, reconcile } from '#run/recovery.ts';
import { endedStatuses, type RunState } from '#run/run.ts';
import { aRun, leader, noon, running, stopping } from '../../support/runs.ts';

const nothing: Observation = {
  exit: null,
  launched: false,
  started: null,
  keeper: null,
  leaderAlive: false,
  relatives: [],
  candidate: null,
  everythingReadable: true,
  zombie: null,
  unseen: false,
  original: null,
  at: noon,
};
const process = { leader, at: noon - 30_000 };
const exit = { code: 3, signal: null, at: noon, byDeadline: false, error: null, tick: 500 };
const keeper = { ...process, surely: true };
const unfinished: Record<string, RunState> = {
  starting: { status: 'starting', since: noon, stop: null },
  running: running(),
  stopping: stopping(),
};
const everyStatus = Object.keys(unfinished);

const look = (status: string, seen: Partial<Observation>) =>
  reconcile(aRun(unfinished[status] as RunState), { ...nothing, ...seen });
const fact = (value: object) => ({ kind: 'fact', fact: expect.objectContaining(value) });

describe('recovery', () => {
  it.each(everyStatus)('takes the true exit code from an exit.json (%s)', (status) => {
    const found = look(status, { launched: true, started: process, exit });
    expect(found).toEqual(
      fact({
        type: 'exited',
        code: 3,
        signal: null,
        endedAt: noon,
        leader,
        startedAt: noon - 30_000,
        byDeadline: false,
      }),
    );
    expect(look(status, { launched: true, exit })).toEqual(
      fact({ type: 'exited', code: 3, leader: null, startedAt: null }),
    );
    expect(
      look(status, { launched: true, exit: { ...exit, code: null, signal: 'SIGKILL', byDeadline: true } }),
    ).toEqual(fact({ type: 'exited', code: null, signal: 'SIGKILL', byDeadline: true }));
  });

  it.each(everyStatus)(
    'in a copy of its home: it exited if its end was copied, and is lost otherwise (%s)',
    (status) => {
      const copied = { launched: true, started: process, original: '/home/me/.clip' };
      expect(look(status, { ...copied, exit })).toEqual(fact({ type: 'exited', code: 3 }));
      const message = expect.stringContaining('a copy of /home/me/.clip');
      expect(look(status, copied)).toEqual(fact({ type: 'process-lost', certain: false, message }));
    },
  );

  it('takes a start error from an exit.json', () => {
    const error = { code: 'command_not_found', message: 'There is no command make.' };
    const found = look('starting', { launched: true, exit: { ...exit, code: null, error } });
    expect(found).toEqual(fact({ type: 'spawn-failed', errorCode: error.code, message: error.message }));
  });

  it.each(everyStatus)('finds a run that its keeper holds, as held (%s)', (status) => {
    const found = look(status, { launched: true, started: process, keeper, leaderAlive: true });
    expect(found).toEqual(fact({ type: 'found-again', held: true, leader, startedAt: noon - 30_000 }));
    expect(look(status, { launched: true, keeper })).toEqual(fact({ type: 'found-again', held: true }));
  });

  it.each(everyStatus)('finds a live run without a keeper, as detached (%s)', (status) => {
    const found = look(status, { launched: true, started: process, leaderAlive: true });
    expect(found).toEqual(fact({ type: 'found-again', held: false, leader, startedAt: noon - 30_000 }));
  });

  it.each(everyStatus)('believes no exit record while the process lives or is held (%s)', (status) => {
    const forged = { launched: true, started: process, exit };
    expect(look(status, { ...forged, leaderAlive: true })).toEqual(fact({ type: 'found-again', held: false }));
    expect(look(status, { ...forged, keeper })).toEqual(fact({ type: 'found-again', held: true }));
  });

  it.each(everyStatus)('believes an exit record beside a keeper of the first release (%s)', (status) => {
    const found = look(status, { launched: true, started: process, exit, keeper: { ...keeper, surely: false } });
    expect(found).toEqual(fact({ type: 'exited', code: 3, tick: 500 }));
  });

  it.each(everyStatus)('takes an exit from the system when the keeper is suspended (%s)', (status) => {
    const found = look(status, {
      launched: true,
      started: process,
      keeper: { ...keeper, surely: false },
      zombie: { code: 7, signal: null, tick: 600 },
    });
    expect(found).toEqual(fact({ type: 'exited', code: 7, endedAt: noon, tick: 600, byDeadline: false }));
  });

  it.each(['starting', 'running', 'stopping'])(
    'neither loses nor repeats a run in another pid namespace (%s)',
    (status) => {
      expect(look(status, { launched: true, started: process, unseen: true })).toEqual(
        fact({ type: 'found-again', held: false, leader }),
      );
    },
  );

  it('records once that a run in another pid namespace is out of sight', () => {
    const seen = { ...nothing, launched: true, started: process, unseen: true };
    expect(reconcile(aRun(running({ held: false })), seen)).toEqual({ kind: 'nothing' });
  });

  it.each(everyStatus)('ends live leftovers of a dead leader first (%s)', (status) => {
    expect(look(status, { launched: true, started: process, relatives: [99] })).toEqual({ kind: 'end-family-first' });
    expect(look(status, { launched: true, relatives: [99] })).toEqual({ kind: 'end-family-first' });
  });

  it.each(everyStatus)('finds a run certainly lost without a process and a record (%s)', (status) => {
    const found = look(status, { launched: true, started: process });
    expect(found).toEqual(
      fact({ type: 'process-lost', certain: true, message: 'The process is gone and left no exit record.' }),
    );
  });

  it('lets a starting run without launch.json start at once', () => {
    expect(look('starting', {})).toEqual(fact({ type: 'never-launched', retryInMs: 0 }));
  });

  it.each(['running', 'stopping'])(
    'finds a %s run without launch.json lost, and does not launch it again',
    (status) => {
      expect(look(status, {})).toEqual(fact({ type: 'process-lost' }));
    },
  );

  it('finds a marked session leader without started.json, as detached', () => {
    const found = look('starting', { launched: true, candidate: process, relatives: [leader.pid] });
    expect(found).toEqual(fact({ type: 'found-again', held: false, leader, startedAt: noon - 30_000 }));
  });

  it('finds a run without a process lost, certainly if all was readable', () => {
    expect(look('starting', { launched: true })).toEqual(fact({ type: 'process-lost', certain: true }));
    expect(look('starting', { launched: true, everythingReadable: false })).toEqual(
      fact({ type: 'process-lost', certain: false }),
    );
  });

  it('changes nothing for a queued or an ended run', () => {
    const ended = {
      outcome: { kind: 'lost' },
      stopReason: 'any',
      errorCode: null,
      error: null,
      errorBy: null,
      remark: null,
      timeoutFired: false,
      leader,
      startedAt: noon,
      endedAt: noon,
    } as const;
    const states: RunState[] = [
      { status: 'queued', notBefore: null },
      ...endedStatuses.map(
        (status): RunState => ({
          ...ended,
          status,
          stop: null,
          leaked: null,
          workspace: null,
          liveness: null,
          decision: null,
          acknowledged: null,
          pending: [],
        }),
      ),
    ];
    for (const state of states)
      expect(reconcile(aRun(state), { ...nothing, launched: true, exit, keeper })).toEqual({ kind: 'nothing' });
  });
});

describe('the message about a lost run', () => {
  it('names the descendant groups that were ended, at most eight', () => {
    expect(lostMessage([7, 8], true)).toContain('descendant process group was still alive and was ended (pid 7, 8)');
    expect(lostMessage([1, 2, 3, 4, 5, 6, 7, 8, 9], true)).toContain('(pid 1, 2, 3, 4, 5, 6, 7, 8)');
  });

  it('names any uncertainty, and the reason against a retry', () => {
    expect(lostMessage([], false)).toContain(
      'Not every process of this user could be examined, so it is not retried by itself.',
    );
  });
});
