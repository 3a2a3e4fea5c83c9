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

describe('what is found of an unfinished run', () => {
  it.each(everyStatus)('exit.json: it exited, with the true code (%s)', (status) => {
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

  it('exit.json with an error of the start: it could not start', () => {
    const error = { code: 'command_not_found', message: 'There is no command make.' };
    const found = look('starting', { launched: true, exit: { ...exit, code: null, error } });
    expect(found).toEqual(fact({ type: 'spawn-failed', errorCode: error.code, message: error.message }));
  });

  it.each(everyStatus)('the keeper holds it: it is found again, held (%s)', (status) => {
    const found = look(status, { launched: true, started: process, keeper, leaderAlive: true });
    expect(found).toEqual(fact({ type: 'found-again', held: true, leader, startedAt: noon - 30_000 }));
    expect(look(status, { launched: true, keeper })).toEqual(fact({ type: 'found-again', held: true }));
  });

  it.each(everyStatus)('its identity proves it alive, but no keeper holds it: found again, detached (%s)', (status) => {
    const found = look(status, { launched: true, started: process, leaderAlive: true });
    expect(found).toEqual(fact({ type: 'found-again', held: false, leader, startedAt: noon - 30_000 }));
  });

  it.each(everyStatus)(
    'the record of an end is not believed while the process lives, nor while its keeper will tell (%s)',
    (status) => {
      const forged = { launched: true, started: process, exit };
      expect(look(status, { ...forged, leaderAlive: true })).toEqual(fact({ type: 'found-again', held: false }));
      expect(look(status, { ...forged, keeper })).toEqual(fact({ type: 'found-again', held: true }));
    },
  );

  it.each(everyStatus)(
    'a keeper of the first release holds it, its process has ended, and there is a record: it exited (%s)',
    (status) => {
      const found = look(status, { launched: true, started: process, exit, keeper: { ...keeper, surely: false } });
      expect(found).toEqual(fact({ type: 'exited', code: 3, tick: 500 }));
    },
  );

  it.each(everyStatus)(
    'its keeper stands still, and the system shows how its process ended: it exited, with the true code (%s)',
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
    'a process in another pid namespace is neither lost nor repeated (%s)',
    (status) => {
      expect(look(status, { launched: true, started: process, unseen: true })).toEqual(
        fact({ type: 'found-again', held: false, leader }),
      );
    },
  );

  it('a process in another pid namespace that is known to be out of sight needs no second word', () => {
    const seen = { ...nothing, launched: true, started: process, unseen: true };
    expect(reconcile(aRun(running({ held: false })), seen)).toEqual({ kind: 'nothing' });
  });

  it.each(everyStatus)('the leader dead, others of its family alive: they are ended first (%s)', (status) => {
    expect(look(status, { launched: true, started: process, relatives: [99] })).toEqual({ kind: 'end-family-first' });
    expect(look(status, { launched: true, relatives: [99] })).toEqual({ kind: 'end-family-first' });
  });

  it.each(everyStatus)('nothing alive and no exit record: it is lost, surely (%s)', (status) => {
    const found = look(status, { launched: true, started: process });
    expect(found).toEqual(
      fact({ type: 'process-lost', certain: true, message: 'The process is gone and left no exit record.' }),
    );
  });

  it('starting without launch.json: it was never launched and may be at once', () => {
    expect(look('starting', {})).toEqual(fact({ type: 'never-launched', retryInMs: 0 }));
  });

  it.each(['running', 'stopping'])('%s without launch.json: it is no second time launched, but lost', (status) => {
    expect(look(status, {})).toEqual(fact({ type: 'process-lost' }));
  });

  it('launch.json, no started.json, a carrier of its mark that leads a session: found again, detached', () => {
    const found = look('starting', { launched: true, candidate: process, relatives: [leader.pid] });
    expect(found).toEqual(fact({ type: 'found-again', held: false, leader, startedAt: noon - 30_000 }));
  });

  it('launch.json, no started.json, no carrier: lost, surely only where every environment could be read', () => {
    expect(look('starting', { launched: true })).toEqual(fact({ type: 'process-lost', certain: true }));
    expect(look('starting', { launched: true, everythingReadable: false })).toEqual(
      fact({ type: 'process-lost', certain: false }),
    );
  });

  it('of a queued or an ended run means nothing', () => {
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

describe('the sentence about a lost run', () => {
  it('names the descendant process group that was ended, and no more than eight of it', () => {
    expect(lostMessage([7, 8], true)).toContain('descendant process group was still alive and was ended (pid 7, 8)');
    expect(lostMessage([1, 2, 3, 4, 5, 6, 7, 8, 9], true)).toContain('(pid 1, 2, 3, 4, 5, 6, 7, 8)');
  });

  it('says when it is not sure, and why nothing is tried again', () => {
    expect(lostMessage([], false)).toContain(
      'Not every process of this user could be examined, so it is not retried by itself.',
    );
  });
});
