/** The real daemon in the process of the test, with a home of its own, a fake keeper and a clock that the test moves. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { z } from 'zod';
import { homeAt, makeHome } from '#config/home.ts';
import { type Config, schema } from '#config/settings.ts';
import type { LogFunction } from '#daemon/core/log.ts';
import { startDaemon } from '#daemon/daemon.ts';
import type { Shutdown } from '#daemon/shutdown.ts';
import type { LaunchRecord } from '#process/run-folder.ts';
import { root } from '../home.ts';
import { FakeKeeper, type Plan } from './fake-keeper.ts';
import { ManualClock } from './manual-clock.ts';

const version = '1.0.0';
/** The longest real time for one condition. */
const realMsMax = 15_000;
/** The most that the clock moves between two looks at a condition. */
const stepMsMax = 250;

/** Settings of config.toml, as the file has them. */
export type Settings = z.input<typeof schema>;
export type LogLine = { readonly level: string; readonly message: string; readonly facts: Record<string, unknown> };

/** Starts a daemon for one test. It ends with the test. An error that the daemon logs then fails the test. */
export async function createDaemon(settings: Settings = {}, plan: (launch: LaunchRecord, id: string) => Plan) {
  const base = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'clip-'));
  const home = homeAt(join(base, 'home'));
  mkdirSync(join(base, 'work'));
  makeHome(home);
  const clock = new ManualClock();
  const restoreClock = clock.install();
  const log: LogLine[] = [];
  const keepers: FakeKeeper[] = [];
  let config: Config = schema.parse(settings);
  let daemon: Shutdown | null = null;
  let exitCode: number | null = null;

  /** Ends the log of the daemon that crashes: a dead one says nothing, but this one may still be reading a file. */
  let silence = () => {};
  const launchKeeper = (_: string, socketName: string) => {
    if (daemon === null && exitCode !== null) return;
    const keeper = new FakeKeeper({ home: home.folder, version, clock, plan });
    keepers.push(keeper);
    void keeper.listen(socketName);
  };

  /** Starts the daemon, or the next one after the end of the last. */
  async function start(changed?: Settings): Promise<void> {
    if (changed !== undefined) config = schema.parse(changed);
    exitCode = null;
    let crashed = false;
    silence = () => {
      crashed = true;
    };
    const note: LogFunction = (level, message, facts = {}) => {
      if (!crashed) log.push({ level, message, facts });
    };
    const starting = startDaemon({
      ...{ home, config, version, migrations: join(root, 'migrations'), managed: false, umask: 0o022, log: note },
      process: {
        exit: (code) => {
          exitCode = code;
        },
        onStopSignal: () => {},
        launchKeeper,
      },
    });
    let started: Shutdown | null = null;
    starting.then((value) => {
      started = value;
    });
    starting.catch(() => {});
    await until('the daemon has started or failed', async () => {
      await Promise.race([starting, new Promise((resolve) => setImmediate(resolve))]);
      return started;
    });
    daemon = started;
    await until('a keeper is connected', () => log.some(({ message }) => message === 'keeper connected'));
  }

  /** Waits until the condition holds. The clock moves on whenever nothing else happens. */
  async function until<T>(what: string, condition: () => T | Promise<T>): Promise<NonNullable<T>> {
    const begun = clock.now();
    let last: unknown = null;
    for (const end = process.hrtime.bigint() + BigInt(realMsMax) * 1_000_000n; process.hrtime.bigint() < end; ) {
      await clock.settle();
      const value = await answered(Promise.resolve(condition()));
      if (value) return value as NonNullable<T>;
      last = value;
      clock.step(stepMsMax);
    }
    const passed = clock.now() - begun;
    throw new Error(`It did not happen within ${passed} ms of the clock: ${what}. Last: ${JSON.stringify(last)}`);
  }

  /**
   * Returns what the daemon answers. Some answers wait for a timer, such as the next look at the process table: the
   * clock moves on when nothing else happens until the answer is there.
   */
  async function answered<T>(answer: Promise<T>): Promise<T> {
    let pending = true;
    const noteEnd = () => {
      pending = false;
    };
    answer.then(noteEnd, noteEnd);
    for (await clock.settle(); pending; await clock.settle()) clock.step(stepMsMax);
    return answer;
  }

  /** Ends the daemon as `clip daemon stop` does. */
  async function stop(): Promise<void> {
    const running = daemon;
    if (running === null) return;
    daemon = null;
    void running.request();
    await untilExited();
  }

  /** Waits until the daemon has ended by itself, for example because a request said so. */
  async function untilExited(): Promise<void> {
    await until('the daemon has exited', () => exitCode !== null);
    daemon = null;
    clock.clear();
  }

  /** Ends the daemon at once, as SIGKILL does. What it had not committed is lost. */
  async function crash(): Promise<void> {
    const running = daemon;
    if (running === null) throw new Error('There is no daemon.');
    await clock.settle();
    daemon = null;
    clock.clear();
    for (const keeper of keepers) keeper.disconnect();
    silence();
    running.exit(137);
    await until('the daemon is dead', () => exitCode !== null);
    clock.clear();
  }

  onTestFinished(async () => {
    await clock.settle();
    // An end in the middle of work leaves errors behind that mean nothing.
    const errors = log.filter(({ level }) => level === 'error');
    try {
      for (const keeper of keepers) for (const process of keeper.processes()) process.vanish();
      await stop();
      for (const keeper of keepers) await keeper.die({ runs: true });
    } finally {
      restoreClock();
      rmSync(base, { recursive: true, force: true });
    }
    expect(errors).toEqual([]);
  });

  await start();
  return {
    base,
    work: join(base, 'work'),
    home,
    clock,
    log,
    keepers,
    start,
    stop,
    untilExited,
    crash,
    until,
    answered,
  };
}
