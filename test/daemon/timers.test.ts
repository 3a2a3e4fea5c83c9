import { describe, expect, it } from 'vitest';
import { codexSays } from '../support/agents.ts';
import { createDaemonHome, type DaemonHome } from '../support/daemon/daemon-home.ts';
import { ends } from '../support/task-runs.ts';

const { session } = codexSays;
const minute = 60_000;
const hour = 60 * minute;

/** Starts a home with an agent whose timer has this prompt, so that each time that it fires is a run. */
async function homeWithTimer(given: object, scripts = [ends.saysNothing]): Promise<DaemonHome> {
  const home = await createDaemonHome();
  await home.addAgent('coder', scripts, { timerPrompt: 'look after the tests', cwd: home.work, ...given });
  return home;
}

/** Returns how long after the start of the test each run was queued, in minutes. */
async function firedAt(home: DaemonHome): Promise<number[]> {
  const noon = new Date(2025, 5, 2, 12).getTime();
  return (await home.runs()).map(({ queuedAt }) => Math.round((Date.parse(queuedAt) - noon) / minute));
}

describe('the timer of an agent', () => {
  it('starts a run for a waiting task, and not twice for one', async () => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [[session('s1')]], { everyMs: minute });
    await home.send('POST', '/agents/coder/pause', { paused: true });
    await home.addTask();
    await home.cancel({ task: 1 });
    await home.send('POST', '/agents/coder/pause', { paused: false });
    await home.until('the timer has fired', () => home.started('coder').length > 0);
    await home.clock.advance(2 * minute);
    const { wakes } = await home.task(1);
    expect(wakes.map(({ source, reason }) => [source, reason])).toEqual([
      ['timer', 'heartbeat_timer'],
      ['assignment', 'issue_assigned'],
    ]);
    expect(home.started('coder')).toHaveLength(1);
  });

  it('without a waiting task starts a run with its prompt, again and again', async () => {
    const home = await homeWithTimer({ everyMs: minute });
    await home.clock.advance(minute - 2_000);
    expect(await home.runs()).toEqual([]);
    await home.clock.advance(2 * minute + 5_000);
    expect(await firedAt(home)).toEqual([1, 2, 3]);
    await home.untilSettled(3);
    expect(home.started('coder')[0]?.stdin).toContain('look after the tests');
    expect(await home.show(1)).toMatchObject({ wakeReason: 'heartbeat_timer', taskId: null });
  });

  it('without a prompt and without a task starts nothing', async () => {
    const home = await homeWithTimer({ everyMs: minute, timerPrompt: null });
    await home.clock.advance(5 * minute);
    expect(await home.runs()).toEqual([]);
  });

  it('fires once, however many times were missed while the machine slept', async () => {
    const home = await homeWithTimer({ everyMs: 10 * minute });
    home.clock.jump(2 * hour);
    await home.clock.advance(2 * minute);
    expect(await home.runs()).toHaveLength(1);
    await home.clock.advance(9 * minute);
    expect(await home.runs()).toHaveLength(2);
  });

  it('goes on counting from now after the clock was set back', async () => {
    const home = await homeWithTimer({ everyMs: 10 * minute });
    await home.clock.advance(9 * minute);
    home.clock.jump(-2 * hour);
    await home.clock.advance(8 * minute);
    expect(await home.runs()).toEqual([]);
    await home.clock.advance(4 * minute);
    expect(await home.runs()).toHaveLength(1);
  });

  it('that came due while no daemon ran fires at the next start', async () => {
    const home = await homeWithTimer({ everyMs: 10 * minute });
    await home.stop();
    home.clock.jump(15 * minute);
    await home.start();
    await home.clock.advance(2_000);
    expect(await home.runs()).toHaveLength(1);
  });

  it('fires at the end of the quiet hours, and not within them', async () => {
    const quietHours = { fromMinute: 12 * 60 + 1, toMinute: 12 * 60 + 4 };
    const home = await homeWithTimer({ everyMs: 2 * minute, quietHours });
    await home.clock.advance(4 * minute - 2_000);
    expect(await home.runs()).toEqual([]);
    await home.clock.advance(4_000);
    expect(await firedAt(home)).toEqual([4]);
  });

  it('that was late in the quiet hours fires at their end', async () => {
    const quietHours = { fromMinute: 12 * 60, toMinute: 14 * 60 };
    const home = await homeWithTimer({ everyMs: 10 * minute, quietHours });
    home.clock.jump(hour + 58 * minute);
    await home.clock.advance(minute);
    expect(await home.runs()).toEqual([]);
    await home.clock.advance(2 * minute);
    expect(await firedAt(home)).toEqual([120]);
  });

  it('that is paused fires again when the agent is resumed', async () => {
    const home = await homeWithTimer({ everyMs: 10 * minute });
    await home.send('POST', '/agents/coder/pause', { paused: true });
    home.clock.jump(30 * minute);
    await home.clock.advance(2 * minute);
    expect(await home.runs()).toEqual([]);
    await home.send('POST', '/agents/coder/pause', { paused: false });
    await home.clock.advance(2 * minute);
    expect(await home.runs()).toHaveLength(1);
  });

  it('that was cleared does not fire any more', async () => {
    const home = await homeWithTimer({ everyMs: 10 * minute });
    await home.editAgent('coder', { everyMs: null });
    home.clock.jump(30 * minute);
    await home.clock.advance(2 * minute);
    expect(await home.runs()).toEqual([]);
  });
});

describe('a time limit', () => {
  it('stops a run, which is then timed out', async () => {
    const home = await createDaemonHome();
    await home.run(['sleep'], { timeoutMs: 10 * minute });
    await home.untilStatus(1, 'running');
    await home.clock.advance(10 * minute - 1_000);
    expect((await home.show(1)).status).toBe('running');
    await home.clock.advance(2_000);
    expect(await home.untilSettled(1)).toMatchObject({ status: 'timed_out', timeoutFired: true, signal: 'SIGTERM' });
  });

  it('kills a run that ignores SIGTERM after the grace', async () => {
    const home = await createDaemonHome();
    home.plan({ steps: [{ stubborn: true }] });
    await home.run(['sleep'], { timeoutMs: 1_000, graceMs: minute });
    const process = await home.process(1);
    await home.until('the run is told to end', () => process.signals.length === 1);
    await home.clock.advance(minute - 1_000);
    expect((await home.show(1)).status).toBe('stopping');
    expect(await home.untilSettled(1)).toMatchObject({ status: 'timed_out', signal: 'SIGKILL' });
    expect(process.signals).toEqual(['SIGTERM', 'SIGKILL']);
  });

  it('holds for a program that then exits with 0', async () => {
    const home = await createDaemonHome();
    home.plan({ steps: [{ stubborn: true }] });
    await home.run(['sleep'], { timeoutMs: 1_000 });
    const process = await home.process(1);
    await home.until('the run is told to end', () => process.signals.length === 1);
    await process.play([{ exit: 0 }]);
    expect(await home.untilSettled(1)).toMatchObject({ status: 'timed_out', exitCode: 0 });
  });

  it('moves by the time in which the machine slept', async () => {
    const home = await createDaemonHome();
    await home.run(['sleep'], { timeoutMs: 10 * minute });
    await home.untilStatus(1, 'running');
    home.clock.jump(8 * hour);
    await home.clock.advance(5 * minute);
    expect((await home.show(1)).status).toBe('running');
    await home.clock.advance(6 * minute);
    expect((await home.untilSettled(1)).status).toBe('timed_out');
  });
});

describe('a silence limit', () => {
  it('stops a run without output and work, and no time limit has fired', async () => {
    const home = await createDaemonHome();
    home.plan({ steps: [{ raw: 'hello\n' }] });
    await home.run(['sleep'], { silenceMs: minute });
    await home.untilStatus(1, 'running');
    await home.clock.advance(50_000);
    expect((await home.show(1)).status).toBe('running');
    await home.clock.advance(15_000);
    expect(await home.untilSettled(1)).toMatchObject({ status: 'timed_out', timeoutFired: false });
  });

  it('does not stop a run with output', async () => {
    const home = await createDaemonHome();
    await home.run(['sleep'], { silenceMs: minute });
    const process = await home.process(1);
    for (let n = 0; n < 4; n += 1) {
      await home.clock.advance(50_000);
      await process.play([{ raw: 'still here\n' }]);
    }
    expect((await home.show(1)).status).toBe('running');
  });

  it('does not stop a run whose child works', async () => {
    const home = await createDaemonHome();
    home.plan({ steps: [{ child: 'make' }] });
    await home.run(['sleep'], { silenceMs: minute });
    await home.untilStatus(1, 'running');
    await home.clock.advance(3 * minute);
    expect((await home.show(1)).status).toBe('running');
  });

  it('is not reached by a clock that is set forward', async () => {
    const home = await createDaemonHome();
    await home.run(['sleep'], { silenceMs: minute });
    await home.untilStatus(1, 'running');
    home.clock.jump(hour);
    await home.clock.advance(30_000);
    expect((await home.show(1)).status).toBe('running');
  });
});
