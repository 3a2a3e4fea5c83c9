import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EventView } from '#protocol/answers.ts';
import type { Signalled } from '#run/events.ts';
import { canGroup } from '../support/containment.ts';
import { deep } from '../support/deep.ts';
import { agent, createHome, isAlive, marked, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const node = process.execPath;
const ignores = [node, agent('ignores-signals.mjs')];

/** Waits until the run has printed "ready". Its signal handlers are installed from then on. */
async function untilReady(home: TestHome, number: number): Promise<void> {
  const { stdoutPath } = await home.untilStatus(number, 'running');
  await until('the run is ready', () => readFileSync(stdoutPath, 'utf8').includes('ready'));
}

const signalsOf = (events: readonly EventView[]): (Signalled & { at: string })[] =>
  events
    .filter(({ type }) => type === 'signalled')
    .flatMap(({ at, data }) => (data['targets'] as Signalled[]).map((target) => ({ ...target, at })));

const escapedPid = (home: TestHome) => Number(readFileSync(join(home.base, 'escaped.pid'), 'utf8'));

describe('cancel', () => {
  it('kills a program that ignores SIGINT and SIGTERM, after its grace', async () => {
    const home = createHome();
    const number = await home.submit(['--grace', '1s', '--', ...ignores]);
    await untilReady(home, number);
    const { code, stdout } = await home.clip(['cancel', String(number)]);
    expect([code, stdout]).toEqual([0, `Run ${number} cancelled (SIGKILL).\n`]);
    const run = await home.show(number);
    expect(run).toMatchObject({
      status: 'cancelled',
      stopReason: 'cancelled',
      errorCode: 'cancelled',
      exitCode: null,
      signal: 'SIGKILL',
      timeoutFired: false,
    });
    const signals = signalsOf(await home.history(number));
    // SIGKILL is repeated until the end is seen, so there may be more than one.
    expect(signals.slice(0, 2).map(({ signal, pid, proof, sent }) => [signal, pid, proof, sent])).toEqual([
      ['SIGTERM', run.processPid, 'leader', true],
      ['SIGKILL', run.processPid, 'leader', true],
    ]);
    const [term, kill] = signals.map(({ at }) => Date.parse(at));
    expect((kill ?? 0) - (term ?? 0)).toBeGreaterThanOrEqual(1_000);
    expect(readFileSync(run.stdoutPath, 'utf8')).toBe('ready\nignored SIGTERM\n');
  });

  it("takes a grace that differs from the run's own", deep, async () => {
    const home = createHome();
    const number = await home.submit(['--grace', '1h', '--', ...ignores]);
    await untilReady(home, number);
    expect((await home.clip(['cancel', '--grace', '1s', String(number)])).code).toBe(0);
    expect(await home.show(number)).toMatchObject({ status: 'cancelled', signal: 'SIGKILL' });
  });

  it('ends a daemon that left by a double fork and a session of its own', async () => {
    const home = createHome();
    const number = await home.submit(['--', 'sh', '-c', `${agent('escapes.sh')} && echo ready && exec sleep 1000`]);
    await untilReady(home, number);
    const pid = escapedPid(home);
    const { id } = await home.show(number);
    expect(marked(id)).toContain(pid);
    expect((await home.clip(['cancel', String(number)])).code).toBe(0);
    expect([isAlive(pid), marked(id)]).toEqual([false, []]);
  });

  it('kills an escaped daemon that ignores SIGTERM after the grace, and names it', deep, async () => {
    const home = createHome();
    const number = await home.submit(['--grace', '1s', '--', agent('escapes-stubbornly.sh')]);
    await untilReady(home, number);
    const pid = escapedPid(home);
    const { code, stdout } = await home.clip(['cancel', String(number)]);
    expect(code).toBe(0);
    expect(stdout).toContain(`sh (${pid})`);
    const run = await home.show(number);
    expect(run).toMatchObject({ status: 'cancelled', signal: 'SIGTERM' });
    expect(run.leaked).toContainEqual({ pid, command: 'sh', ended: true });
    expect([isAlive(pid), marked(run.id)]).toEqual([false, []]);
  });

  it('kills an escaped daemon after a long grace, and shows what it waits for', deep, async () => {
    const home = createHome();
    const number = await home.submit(['--grace', '12s', '--', agent('escapes-stubbornly.sh')]);
    await untilReady(home, number);
    const pid = escapedPid(home);
    const { code, stderr } = await home.clip(['cancel', String(number)]);
    expect(code).toBe(0);
    expect(stderr).toContain(`Still waiting for run ${number} (SIGTERM was sent to`);
    expect(stderr).toContain(String(pid));
    expect((await home.show(number)).leaked).toContainEqual({ pid, command: 'sh', ended: true });
    expect(isAlive(pid)).toBe(false);
  });

  it('ends a tree of 50 processes, and no process with the mark is left', async () => {
    const home = createHome();
    const number = await home.submit(['--', node, agent('grows-a-tree.mjs'), '50']);
    await untilReady(home, number);
    const { id } = await home.show(number);
    expect(marked(id)).toHaveLength(50);
    expect((await home.clip(['cancel', String(number)])).code).toBe(0);
    expect(marked(id)).toEqual([]);
    expect(await home.show(number)).toMatchObject({ status: 'cancelled', settled: true });
  });

  it('decides the end of a run that then exits with 0', async () => {
    const home = createHome();
    const number = await home.submit(['--', agent('ends-well-on-term.sh')]);
    await untilReady(home, number);
    expect((await home.clip(['cancel', String(number)])).code).toBe(0);
    expect(await home.show(number)).toMatchObject({
      status: 'cancelled',
      stopReason: 'cancelled',
      exitCode: 0,
      signal: null,
      exitKnown: true,
    });
    expect((await home.clip(['wait', String(number)])).code).toBe(130);
  });

  it('--now kills at once, also while the run is stopping', deep, async () => {
    const home = createHome();
    const number = await home.submit(['--grace', '1h', '--', ...ignores]);
    await untilReady(home, number);
    await home.clip(['cancel', '--no-wait', String(number)]);
    await until('SIGTERM was sent', async () => signalsOf(await home.history(number)).length > 0);
    expect((await home.clip(['cancel', '--now', String(number)])).code).toBe(0);
    const signals = signalsOf(await home.history(number)).map(({ signal }) => signal);
    expect(signals.slice(0, 2)).toEqual(['SIGTERM', 'SIGKILL']);
    expect(await home.show(number)).toMatchObject({ status: 'cancelled', signal: 'SIGKILL' });
  });

  it('asked a second time reports that the run is already being stopped, with exit code 0', deep, async () => {
    const home = createHome();
    const number = await home.submit(['--grace', '1h', '--', ...ignores]);
    await untilReady(home, number);
    const first = await home.clip(['cancel', '--no-wait', String(number)]);
    const second = await home.clip(['cancel', '--no-wait', String(number)]);
    expect([first.code, first.stdout]).toEqual([0, `Run ${number} is being stopped.\n`]);
    expect([second.code, second.stdout]).toEqual([0, `Run ${number} is being stopped already.\n`]);
    expect((await home.history(number)).filter(({ type }) => type === 'stop-requested')).toHaveLength(1);
    await home.clip(['cancel', '--now', String(number)]);
  });

  it('of an ended run is refused with exit code 5 and reports how the run ended', deep, async () => {
    const home = createHome();
    await home.clip(['run', '--wait', '--', 'sh', '-c', 'exit 3']);
    const { code, stderr } = await home.clip(['cancel', '1']);
    expect(code).toBe(5);
    expect(stderr).toMatch(/^clip: Run 1 has already ended \(exited 3, \d+ s ago\)\.\n$/);
    expect(await home.show(1)).toMatchObject({ status: 'failed', exitCode: 3, stopReason: 'exit_nonzero' });
  });

  it('of a queued run ends it before it starts', deep, async () => {
    const home = createHome();
    await home.clip(['queue', 'hold']);
    const number = await home.submit(['--', 'true']);
    const { code, stdout } = await home.clip(['cancel', String(number)]);
    expect([code, stdout]).toEqual([0, `Run ${number} cancelled (it had not started).\n`]);
    await home.clip(['queue', 'release']);
    const run = await home.show(number);
    expect(run).toMatchObject({
      status: 'cancelled',
      stopReason: 'cancelled',
      processPid: null,
      startedAt: null,
      exitCode: null,
    });
    expect(existsSync(join(home.folder, 'runs', run.id, 'launch.json'))).toBe(false);
    expect((await home.clip(['wait', String(number)])).code).toBe(130);
  });

  it('is recorded before the first signal, with a proof for each target', async () => {
    const home = createHome();
    const number = await home.submit(['--', 'sh', '-c', `${agent('escapes.sh')} && echo ready && exec sleep 1000`]);
    await untilReady(home, number);
    await home.clip(['cancel', String(number)]);
    const events = await home.history(number);
    const { processPid } = await home.show(number);
    expect(events.map(({ type }) => type).slice(0, 5)).toEqual([
      'admitted',
      'slot-granted',
      'spawned',
      'stop-requested',
      'signalled',
    ]);
    const targets = signalsOf(events).map(({ pid, signal, proof, sent }) => ({ pid, signal, proof, sent }));
    expect(targets).toContainEqual({ pid: processPid, signal: 'SIGTERM', proof: 'leader', sent: true });
    const proof = canGroup ? 'cgroup' : 'mark';
    expect(targets).toContainEqual({ pid: escapedPid(home), signal: 'SIGTERM', proof, sent: true });
  });
});

describe('a process that a run leaves behind', () => {
  it('is ended when the run ends by itself, and listed', async () => {
    const home = createHome();
    expect((await home.clip(['run', '--wait', '--', agent('escapes.sh'), '3'])).code).toBe(3);
    const pid = escapedPid(home);
    expect(await home.show(1)).toMatchObject({
      status: 'failed',
      exitCode: 3,
      leaked: [{ pid, command: 'sleep', ended: true }],
    });
    expect(isAlive(pid)).toBe(false);
  });

  it('is listed and left alone with --leftovers leave', deep, async () => {
    const home = createHome();
    expect((await home.clip(['run', '--wait', '--leftovers', 'leave', '--', agent('escapes.sh')])).code).toBe(0);
    const pid = escapedPid(home);
    expect(await home.show(1)).toMatchObject({
      status: 'succeeded',
      leaked: [{ pid, command: 'sleep', ended: false }],
    });
    expect(isAlive(pid)).toBe(true);
    await home.kill(pid);
  });

  it('is ended by a cancel even with --leftovers leave', deep, async () => {
    const home = createHome();
    const number = await home.submit(['--leftovers', 'leave', '--grace', '1s', '--', agent('escapes-stubbornly.sh')]);
    await untilReady(home, number);
    const pid = escapedPid(home);
    await home.clip(['cancel', String(number)]);
    expect(isAlive(pid)).toBe(false);
  });
});
