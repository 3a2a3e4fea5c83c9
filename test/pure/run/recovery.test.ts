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

describe('the recovery of an unfinished run', () => {
  it.each(everyStatus)('with an exit.json: it exited, with its true exit code (%s)', (status) => {
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

  it('with an exit.json with a start error: it could not start', () => {
    const error = { code: 'command_not_found', message: 'There is no command make.' };
    const found = look('starting', { launched: true, exit: { ...exit, code: null, error } });
    expect(found).toEqual(fact({ type: 'spawn-failed', errorCode: error.code, message: error.message }));
  });

  it.each(everyStatus)('whose keeper holds it: it is found again, held (%s)', (status) => {
    const found = look(status, { launched: true, started: process, keeper, leaderAlive: true });
    expect(found).toEqual(fact({ type: 'found-again', held: true, leader, startedAt: noon - 30_000 }));
    expect(look(status, { launched: true, keeper })).toEqual(fact({ type: 'found-again', held: true }));
  });

  it.each(everyStatus)(
    'whose identity proves it alive, without a keeper: it is found again, detached (%s)',
    (status) => {
      const found = look(status, { launched: true, started: process, leaderAlive: true });
      expect(found).toEqual(fact({ type: 'found-again', held: false, leader, startedAt: noon - 30_000 }));
    },
  );

  it.each(everyStatus)(
    'does not believe an exit record while the process lives, nor while its keeper will report (%s)',
    (status) => {
      const forged = { launched: true, started: process, exit };
      expect(look(status, { ...forged, leaderAlive: true })).toEqual(fact({ type: 'found-again', held: false }));
      expect(look(status, { ...forged, keeper })).toEqual(fact({ type: 'found-again', held: true }));
    },
  );

  it.each(everyStatus)(
    'with a keeper of the first release, an ended process and an exit record: it exited (%s)',
    (status) => {
      const found = look(status, { launched: true, started: process, exit, keeper: { ...keeper, surely: false } });
      expect(found).toEqual(fact({ type: 'exited', code: 3, tick: 500 }));
    },
  );

  it.each(everyStatus)(
    'with a suspended keeper and an exit that the system shows: it exited, with its true exit code (%s)',
    (status) => {
      const found = look(status, {
        launched: true,
        started: process,
        keeper: { ...keeper, surely: false },
        zombie: { code: 7, signal: null, tick: 600 },
      });
      expect(found).toEqual(fact({ type: 'exited', code: 7, endedAt: noon, tick: 600, byDeadline: false }));
    },
  );

  it.each(['starting', 'running', 'stopping'])(
    'with a process in another pid namespace: it is neither lost nor repeated (%s)',
    (status) => {
      expect(look(status, { launched: true, started: process, unseen: true })).toEqual(
        fact({ type: 'found-again', held: false, leader }),
      );
    },
  );

  it('with a process in another pid namespace that is known to be out of sight: nothing is recorded again', () => {
    const seen = { ...nothing, launched: true, started: process, unseen: true };
    expect(reconcile(aRun(running({ held: false })), seen)).toEqual({ kind: 'nothing' });
  });

  it.each(everyStatus)('with a dead leader and live leftovers: they are ended first (%s)', (status) => {
    expect(look(status, { launched: true, started: process, relatives: [99] })).toEqual({ kind: 'end-family-first' });
    expect(look(status, { launched: true, relatives: [99] })).toEqual({ kind: 'end-family-first' });
  });

  it.each(everyStatus)('with no live process and no exit record: it is certainly lost (%s)', (status) => {
    const found = look(status, { launched: true, started: process });
    expect(found).toEqual(
      fact({ type: 'process-lost', certain: true, message: 'The process is gone and left no exit record.' }),
    );
  });

  it('starting, without launch.json: it was never launched and may be launched at once', () => {
    expect(look('starting', {})).toEqual(fact({ type: 'never-launched', retryInMs: 0 }));
  });

  it.each(['running', 'stopping'])('%s, without launch.json: it is lost, and not launched again', (status) => {
    expect(look(status, {})).toEqual(fact({ type: 'process-lost' }));
  });

  it('with launch.json, no started.json, and a process with its mark that leads a session: it is found again, detached', () => {
    const found = look('starting', { launched: true, candidate: process, relatives: [leader.pid] });
    expect(found).toEqual(fact({ type: 'found-again', held: false, leader, startedAt: noon - 30_000 }));
  });

  it('with launch.json, no started.json, no marked process: it is lost, with certainty only if every environment could be read', () => {
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
  it('names the descendant process group that was ended, and at most eight groups', () => {
    expect(lostMessage([7, 8], true)).toContain('descendant process group was still alive and was ended (pid 7, 8)');
    expect(lostMessage([1, 2, 3, 4, 5, 6, 7, 8, 9], true)).toContain('(pid 1, 2, 3, 4, 5, 6, 7, 8)');
  });

  it('names any uncertainty, and the reason against a retry', () => {
    expect(lostMessage([], false)).toContain(
      'Not every process of this user could be examined, so it is not retried by itself.',
    );
  });
});
