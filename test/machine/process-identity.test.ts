import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { systemBootId } from '#process/process-birth.ts';
import type { Signalled } from '#run/events.ts';
import { deep } from '../support/deep.ts';
import { startBystander } from '../support/foreign-process.ts';
import { agent, createHome, isAlive, marked, type TestHome } from '../support/home.ts';
import { endWithoutRecord, rewriteLeader } from '../support/records.ts';
import { until } from '../support/until.ts';

/** Returns every pid that a signal was intended for. */
async function targetsOf(home: TestHome, number: number): Promise<number[]> {
  const events = await home.history(number);
  return events
    .filter(({ type }) => type === 'signalled')
    .flatMap(({ data }) => (data['targets'] as Signalled[]).map(({ pid }) => pid));
}

describe('a pid of another process', () => {
  it('is not signaled by recovery', async () => {
    const home = createHome();
    const bystander = startBystander();
    const number = await home.submit(['--', 'sleep', '1000']);
    const run = await home.untilStatus(number, 'running');
    await endWithoutRecord(home, run);
    rewriteLeader(home, run, { pid: bystander.pid, pgid: bystander.pid, startTime: bystander.startTime - 1 });
    expect((await home.clip(['wait', String(number)])).code).toBe(120);
    expect(await home.show(number)).toMatchObject({ status: 'failed', errorCode: 'process_lost', leaked: [] });
    expect((await home.clip(['cancel', String(number)])).code).toBe(5);
    expect([bystander.isAlive(), await targetsOf(home, number)]).toEqual([true, []]);
  });

  it('is not signaled if its start time matches but the boot does not', deep, async () => {
    const home = createHome();
    const bystander = startBystander();
    const number = await home.submit(['--', 'sleep', '1000']);
    const run = await home.untilStatus(number, 'running');
    await endWithoutRecord(home, run);
    const { pid, startTime } = bystander;
    rewriteLeader(home, run, {
      pid,
      pgid: pid,
      startTime,
      bootId: systemBootId().replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
    });
    expect((await home.clip(['wait', String(number)])).code).toBe(120);
    expect(bystander.isAlive()).toBe(true);
  });

  it('is not signaled by a cancel, which ends the marked process', async () => {
    const home = createHome();
    const bystander = startBystander();
    const number = await home.submit(['--', 'sleep', '1000']);
    const run = await home.untilStatus(number, 'running');
    await home.clip(['daemon', 'stop']);
    // The keeper lives and holds the run. Only the records name the wrong process.
    rewriteLeader(home, run, { pid: bystander.pid, pgid: bystander.pid, startTime: bystander.startTime - 1 });
    expect((await home.show(number)).status).toBe('running');
    expect((await home.clip(['cancel', String(number)])).code).toBe(0);
    expect(await home.show(number)).toMatchObject({ status: 'cancelled', signal: 'SIGTERM' });
    expect([bystander.isAlive(), isAlive(run.processPid ?? 0), marked(run.id)]).toEqual([true, false, []]);
    expect(await targetsOf(home, number)).not.toContain(bystander.pid);
  });

  it('is not signaled by a cancel of a run whose keeper was lost', deep, async () => {
    const home = createHome();
    const bystander = startBystander();
    const number = await home.submit(['--grace', '1s', '--', process.execPath, agent('ignores-signals.mjs')]);
    const run = await home.untilStatus(number, 'running');
    await until('the run is ready', () => readFileSync(run.stdoutPath, 'utf8').includes('ready'));
    await home.clip(['daemon', 'stop']);
    for (const pid of home.pidsOf('keeper')) await home.kill(pid);
    rewriteLeader(home, run, { pid: bystander.pid, pgid: bystander.pid, startTime: bystander.startTime - 1 });
    // The recorded leader is dead, but a process with the mark is alive. It is ended before the run is called lost.
    expect((await home.clip(['wait', String(number)])).code).toBe(120);
    expect([bystander.isAlive(), marked(run.id)]).toEqual([true, []]);
  });
});

describe('an invalid process group id', () => {
  for (const pgid of [0, 1]) {
    it(`${pgid} in the record leads to a signal to the run alone`, deep, async () => {
      const home = createHome();
      const bystander = startBystander();
      const number = await home.submit(['--', 'sleep', '1000']);
      const run = await home.untilStatus(number, 'running');
      await home.clip(['daemon', 'stop']);
      rewriteLeader(home, run, { pgid });
      expect((await home.clip(['cancel', String(number)])).code).toBe(0);
      const daemon = home.daemonPid();
      expect([bystander.isAlive(), isAlive(daemon), isAlive(run.processPid ?? 0)]).toEqual([true, true, false]);
    });

    it(`${pgid} as pid and group of a lost run leads to no signal`, deep, async () => {
      const home = createHome();
      const bystander = startBystander();
      const number = await home.submit(['--', 'sleep', '1000']);
      const run = await home.untilStatus(number, 'running');
      await endWithoutRecord(home, run);
      rewriteLeader(home, run, { pid: pgid, pgid });
      expect((await home.clip(['wait', String(number)])).code).toBe(120);
      expect([bystander.isAlive(), isAlive(home.daemonPid()), await targetsOf(home, number)]).toEqual([true, true, []]);
    });
  }
});

describe('a foreign process', () => {
  it('with an empty mark, or with a number for a mark, belongs to no run', deep, async () => {
    const home = createHome();
    const empty = startBystander({ CLIP_RUN_ID: '', CLIP_HOME: home.folder });
    const number = await home.submit(['--', 'sleep', '1000']);
    const numbered = startBystander({ CLIP_RUN_ID: String(number) });
    await home.untilStatus(number, 'running');
    await home.clip(['cancel', '--now', String(number)]);
    expect((await home.show(number)).leaked).toEqual([]);
    expect([empty.isAlive(), numbered.isAlive()]).toEqual([true, true]);
    await home.kill(empty.pid);
  });

  it('in another home is neither swept nor named by the doctor', deep, async () => {
    const [mine, other] = [createHome(), createHome()];
    const theirs = await other.submit(['--', 'sleep', '1000']);
    const { processPid } = await other.untilStatus(theirs, 'running');
    const number = await mine.submit(['--', agent('escapes-stubbornly.sh')]);
    const { stdoutPath } = await mine.untilStatus(number, 'running');
    await until('the run is ready', () => readFileSync(stdoutPath, 'utf8').includes('ready'));
    const daemon = mine.daemonPid();
    await mine.kill(daemon);
    for (const pid of mine.pidsOf('keeper')) await mine.kill(pid);
    await mine.clip(['cancel', '--now', String(number)]);
    const doctor = await mine.clip(['doctor', '--json']);
    expect(doctor.stdout).not.toContain(`pid ${processPid},`);
    expect([isAlive(processPid ?? 0), other.pidsOf('daemon').length, other.pidsOf('keeper').length]).toEqual([
      true,
      1,
      1,
    ]);
    expect((await other.show(theirs)).status).toBe('running');
  });
});
