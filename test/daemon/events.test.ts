import { describe, expect, it } from 'vitest';
import { createDaemonHome } from '../support/daemon/daemon-home.ts';

const life = ['admitted', 'slot-granted', 'spawned', 'exited', 'step-done', 'step-done'];

describe('the events', () => {
  it('are one sequence, and continue after a cursor', async () => {
    const home = await createDaemonHome();
    await home.untilSettled(await home.run(['true']));
    const all = await home.events();
    expect(all.map(({ type }) => type)).toEqual(life);
    expect(all.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await home.events(4)).toEqual(all.slice(4));
    expect(await home.events(999)).toEqual([]);
  });

  it('keep their order when the clock is set back', async () => {
    const home = await createDaemonHome();
    await home.untilSettled(await home.run(['true']));
    home.clock.jump(-60 * 60_000);
    await home.untilSettled(await home.run(['true']));
    const all = await home.events();
    expect(all.map(({ seq }) => seq)).toEqual([...all.keys()].map((index) => index + 1));
    expect(all.map(({ type }) => type)).toEqual([...life, ...life]);
    expect(Date.parse(all[6]?.at ?? '')).toBeLessThan(Date.parse(all[0]?.at ?? ''));
  });
});

describe('a client that follows events', () => {
  it('gets each event at once, also events about no live run', async () => {
    const home = await createDaemonHome();
    await home.untilSettled(await home.run(['true']));
    const told = await home.follow('/events?follow=true');
    await home.until('the end of the run is told', () => told.length >= life.length);
    for (const [method, path, body, type] of [
      ['DELETE', '/runs/1', undefined, 'removed'],
      ['PUT', '/groups/gpu', { limit: 2 }, 'group-changed'],
      ['PUT', '/queue', { held: true }, 'queue-held'],
      ['PUT', '/queue', { held: false }, 'queue-released'],
      ['PUT', '/agents/coder', { adapter: 'plain', command: 'true' }, 'agent-added'],
      ['DELETE', '/agents/coder', undefined, 'agent-removed'],
    ] as const) {
      await home.send(method, path, body);
      await home.clock.settle();
      expect(told.at(-1)).toMatchObject({ type });
    }
    expect(told.map(({ seq }) => seq)).toEqual([...told.keys()].map((index) => index + 1));
  });

  it('continues with the next daemon and gets each event once', async () => {
    const home = await createDaemonHome();
    await home.untilSettled(await home.run(['true']));
    const told = await home.follow('/events?follow=true&since=2');
    await home.until('the first run is told', () => told.length >= life.length - 2);
    await home.crash();
    await home.start();
    await home.untilSettled(await home.run(['true']));
    const rest = await home.follow(`/events?follow=true&since=${told.at(-1).seq}`);
    const all = await home.events(2);
    await home.until('the rest is told', () => told.length + rest.length >= all.length);
    expect([...told, ...rest]).toEqual(all);
  });
});

describe('a client that waits for runs', () => {
  it('is told of each run that ended, also of one that ended before', async () => {
    const home = await createDaemonHome();
    await home.untilSettled(await home.run(['true']));
    await home.run(['sleep']);
    const told = await home.follow('/wait?run=1&run=2');
    await home.until('the first run is told', () => told.length === 2);
    expect(told[0]).toEqual({ type: 'waiting', runs: [1, 2] });
    await (await home.process(2)).play([{ exit: 3 }]);
    await home.until('the second run is told', () => told.length === 3);
    expect(told.slice(1).map(({ type, run }) => [type, run.number, run.exitCode])).toEqual([
      ['reached', 1, 0],
      ['reached', 2, 3],
    ]);
  });

  it('is told goodbye by a daemon that is stopped', async () => {
    const home = await createDaemonHome();
    await home.untilStatus(await home.run(['sleep']), 'running');
    const told = await home.follow('/wait?run=1');
    await home.until('the wait has begun', () => told.length === 1);
    await home.stop();
    expect(told.at(-1)).toEqual({ type: 'goodbye' });
  });
});
