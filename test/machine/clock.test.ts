import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clockLibrary, startWithClock } from '../support/clock.ts';
import { deep } from '../support/deep.ts';
import { agent, createHome, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const hour = 3_600;
/** A single process without children. It reports when it is ready and exits with 0 when the file exists. */
const patient = (gate: string) => [
  '--',
  process.execPath,
  '-e',
  `console.log('here'); setInterval(() => require('node:fs').existsSync(${JSON.stringify(gate)}) && process.exit(0), 20)`,
];
const hasSpoken = (home: TestHome, number: number) =>
  until(`run ${number} has printed something`, async () => (await home.show(number)).stdoutBytes);

describe.skipIf(clockLibrary === null)('a clock set back by an hour', () => {
  it('does not prolong a time limit by that hour', deep, async () => {
    const home = createHome();
    const set = await startWithClock(home);
    const number = await home.submit(['--timeout', '4s', ...patient(join(home.base, 'never'))]);
    await hasSpoken(home, number);
    set(-hour);
    const run = await home.untilStatus(number, 'timed_out');
    expect(run).toMatchObject({ stopReason: 'timeout', timeoutFired: true, exitKnown: true });
    expect((await home.clip(['show', String(number)])).stdout).toContain('the clock was set back by');
  });

  it('does not prolong the grace of a stop', deep, async () => {
    const home = createHome();
    const set = await startWithClock(home);
    const number = await home.submit(['--grace', '4s', '--', process.execPath, agent('ignores-signals.mjs')]);
    await hasSpoken(home, number);
    await home.clip(['cancel', '--no-wait', String(number)]);
    await until('SIGTERM was sent', async () => (await home.history(number)).some(({ type }) => type === 'signalled'));
    set(-hour);
    expect(await home.untilStatus(number, 'cancelled')).toMatchObject({ stopReason: 'cancelled', signal: 'SIGKILL' });
  });

  it('does not trigger the silence limit of a run', deep, async () => {
    const home = createHome();
    const set = await startWithClock(home);
    const number = await home.submit(['--silence', '3s', ...patient(join(home.base, 'never'))]);
    await hasSpoken(home, number);
    set(-hour);
    expect(await home.untilStatus(number, 'timed_out')).toMatchObject({ stopReason: 'silence', timeoutFired: false });
  });

  it('changes no number or order, and the next daemon continues', async () => {
    const home = createHome();
    const set = await startWithClock(home);
    const gate = join(home.base, 'gate');
    const first = await home.submit(patient(gate));
    await hasSpoken(home, first);
    set(-hour);
    await home.kill(home.daemonPid());
    await until('the keeper has started the daemon again', () => home.listens());
    const second = await home.submit(['--', 'true']);
    await home.untilStatus(second, 'succeeded');
    writeFileSync(gate, '');
    expect(await home.untilStatus(first, 'succeeded')).toMatchObject({ exitCode: 0 });
    expect([first, second]).toEqual([1, 2]);
    const events = (await home.clip(['events'])).stdout.trim().split('\n');
    expect(events.map((line) => JSON.parse(line).seq)).toEqual(events.map((_, index) => index + 1));
  });
});

describe('a daemon suspended longer than a silence limit', () => {
  it('stops no run for time in which nothing ran', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    const number = await home.submit(['--silence', '6s', '--timeout', '1h', ...patient(gate)]);
    await hasSpoken(home, number);
    const daemon = home.daemonPid();
    process.kill(daemon, 'SIGSTOP');
    const stoppedAt = Date.now();
    await until('the limit is over', () => Date.now() - stoppedAt > 7_000);
    process.kill(daemon, 'SIGCONT');
    const slept = await until('the daemon has noticed the suspension', async () =>
      (await home.history(number)).find(({ type }) => type === 'clock-jumped'),
    );
    expect(Number(slept.data['gapMs'])).toBeGreaterThan(5_000);
    expect(existsSync(gate)).toBe(false);
    writeFileSync(gate, '');
    expect(await home.untilStatus(number, 'succeeded', 'timed_out')).toMatchObject({
      status: 'succeeded',
      exitCode: 0,
    });
  });
});
