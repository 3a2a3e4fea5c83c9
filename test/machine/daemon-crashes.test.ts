import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunView } from '#protocol/answers.ts';
import { deep } from '../support/deep.ts';
import { agent, createHome, isAlive, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const node = process.execPath;

/** Submits a run that lives until `open` is called, and then exits with this code. */
async function submitGated(home: TestHome, code: number, options: readonly string[] = []) {
  const gate = join(home.base, `gate-${Math.random().toString(36).slice(2)}`);
  const number = await home.submit([...options, '--', agent('waits-for-a-file.sh'), gate, String(code)]);
  return { number, open: () => writeFileSync(gate, '') };
}

const lines = (path: string) => readFileSync(path, 'utf8').trimEnd().split('\n');

/** Waits for a daemon that only the keeper can have started. It does not start one itself. */
async function untilAnotherDaemon(home: TestHome, before: number): Promise<number> {
  const pid = await until('another daemon is running', () => home.pidsOf('daemon').find((each) => each !== before));
  await until('the daemon listens', () => home.listens());
  return pid;
}

describe('when the daemon is killed,', () => {
  it('a run goes on with all lines, and a wait has its true exit code', deep, async () => {
    const home = createHome();
    await home.submit(['--', 'true']);
    const number = await home.submit(['--', node, agent('talks.mjs'), '60', '50', '7']);
    const { stdoutPath, processPid } = await home.untilStatus(number, 'running');
    // Once the wait is connected, it prints the run that has already ended.
    const waiting = home.start(['wait', '1', String(number)]);
    let printed = '';
    waiting.stdout?.on('data', (chunk) => {
      printed += chunk;
    });
    const result = home.resultOf(waiting);
    await until('the wait has printed run 1', () => printed.includes('Run 1'));
    await until('the run prints lines', () => readFileSync(stdoutPath, 'utf8').includes('line 5\n'));
    await home.kill(home.daemonPid());
    expect((await result).code).toBe(7);
    expect(lines(stdoutPath)).toEqual(Array.from({ length: 60 }, (_, i) => `line ${i + 1}`));
    expect(await home.show(number)).toMatchObject({
      status: 'failed',
      exitCode: 7,
      exitKnown: true,
      stopReason: 'exit_nonzero',
      processPid,
    });
  });

  it('the keeper restarts it without a client, and no run is detached', deep, async () => {
    const home = createHome();
    const { number, open } = await submitGated(home, 9);
    const before = await home.untilStatus(number, 'running');
    const daemon = home.daemonPid();
    const [keeper] = home.pidsOf('keeper');
    await home.kill(daemon);
    await untilAnotherDaemon(home, daemon);
    expect(home.pidsOf('keeper')).toEqual([keeper]);
    const after = await home.show(number);
    expect(after).toMatchObject({
      status: 'running',
      errorCode: null,
      processPid: before.processPid,
      startedAt: before.startedAt,
    });
    open();
    expect((await home.clip(['wait', String(number)])).code).toBe(9);
  });

  it('a run that ends while no daemon runs has its true exit code', async () => {
    const home = createHome();
    const { number, open } = await submitGated(home, 9);
    const { id } = await home.untilStatus(number, 'running');
    await home.kill(home.daemonPid());
    open();
    await until('the exit record is on disk', () => existsSync(join(home.folder, 'runs', id, 'exit.json')));
    expect((await home.clip(['wait', String(number)])).code).toBe(9);
    expect(await home.show(number)).toMatchObject({
      status: 'failed',
      exitCode: 9,
      exitKnown: true,
      errorCode: 'exit_nonzero',
    });
  });

  it('queued runs are started', deep, async () => {
    const home = createHome();
    await home.clip(['group', 'set', 'one', '--limit', '1']);
    const { number, open } = await submitGated(home, 0, ['--group', 'one']);
    await home.untilStatus(number, 'running');
    const queued = [
      await home.submit(['--group', 'one', '--', 'true']),
      await home.submit(['--group', 'one', '--', 'sh', '-c', 'exit 3']),
    ];
    const daemon = home.daemonPid();
    await home.kill(daemon);
    await untilAnotherDaemon(home, daemon);
    expect((await Promise.all(queued.map(home.show))).map(({ status }) => status)).toEqual(['queued', 'queued']);
    open();
    const waits = await Promise.all([number, ...queued].map((each) => home.clip(['wait', String(each)])));
    expect(waits.map(({ code }) => code)).toEqual([0, 0, 3]);
  });

  it('a queue of short runs starts although none lived at the restart', deep, async () => {
    const home = createHome();
    const numbers = [];
    for (let n = 0; n < 6; n += 1) numbers.push(await home.submit(['--', 'sleep', '0.2']));
    await home.kill(home.daemonPid());
    // No client helps: only the keeper starts the daemon again.
    await until('all runs have succeeded', async () => {
      const { stdout } = await home.clip(['runs', '--json'], { env: { CLIP_NO_SPAWN: '1' } });
      const runs: RunView[] = stdout === '' ? [] : JSON.parse(stdout).runs;
      return runs.filter(({ status }) => status === 'succeeded').length === numbers.length;
    });
  });

  it('a stop continues with its remaining grace, each signal once', deep, async () => {
    const home = createHome();
    const number = await home.submit(['--grace', '4s', '--', node, agent('ignores-signals.mjs')]);
    const { stdoutPath, processPid } = await home.untilStatus(number, 'running');
    await until('the run is ready', () => lines(stdoutPath).includes('ready'));
    const stopping = home.resultOf(home.start(['cancel', String(number)]));
    await until('the process received SIGTERM', () => lines(stdoutPath).includes('ignored SIGTERM'));
    await until('the signal is recorded', async () =>
      (await home.history(number)).some(({ type }) => type === 'signalled'),
    );
    const daemon = home.daemonPid();
    await home.kill(daemon);
    await untilAnotherDaemon(home, daemon);
    expect(await home.show(number)).toMatchObject({ status: 'stopping', processPid });
    expect((await stopping).code).toBe(0);
    expect(await home.show(number)).toMatchObject({ status: 'cancelled', stopReason: 'cancelled', signal: 'SIGKILL' });
    expect(lines(stdoutPath)).toEqual(['ready', 'ignored SIGTERM']);
    const [asked, killed] = (await home.history(number))
      .filter(({ type }) => type === 'signalled')
      .map(({ at }) => Date.parse(at));
    expect((killed ?? 0) - (asked ?? 0)).toBeGreaterThanOrEqual(4_000);
  });

  it('a run still ends with its true exit code after repeated kills', deep, async () => {
    const home = createHome();
    const { number, open } = await submitGated(home, 9);
    await home.untilStatus(number, 'running');
    for (let i = 0; i < 3; i += 1) {
      const daemon = home.daemonPid();
      await home.kill(daemon);
      await untilAnotherDaemon(home, daemon);
    }
    open();
    expect((await home.clip(['wait', String(number)])).code).toBe(9);
    expect((await home.history(number)).filter(({ type }) => type === 'exited')).toHaveLength(1);
  });
});

describe('when the daemon is stopped,', () => {
  it('runs live on, and the next daemon has their true exit codes', deep, async () => {
    const home = createHome();
    const number = await home.submit(['--', node, agent('talks.mjs'), '200', '50', '7']);
    const { stdoutPath, processPid } = await home.untilStatus(number, 'running');
    const stopped = await home.clip(['daemon', 'stop']);
    expect([stopped.code, stopped.stdout]).toEqual([0, 'The daemon was stopped; 1 run lives on.\n']);
    expect(stopped.stderr).toContain('Until it starts again, these are suspended');
    const said = lines(stdoutPath).length;
    // Two seconds of output. A keeper that starts the daemon would have done so by now.
    await until('the run has printed more lines', () => lines(stdoutPath).length >= Math.min(said + 40, 195));
    expect([home.pidsOf('daemon'), isAlive(processPid ?? 0)]).toEqual([[], true]);
    const after = await home.show(number);
    expect(after).toMatchObject({ status: 'running', processPid, errorCode: null });
    expect((await home.clip(['wait', String(number)])).code).toBe(7);
    expect(lines(stdoutPath)).toHaveLength(200);
  });

  it('the keeper enforces a time limit, and timed_out is reported', deep, async () => {
    const home = createHome();
    const number = await home.submit(['--timeout', '2s', '--grace', '1s', '--', node, agent('ignores-signals.mjs')]);
    const { id, stdoutPath } = await home.untilStatus(number, 'running');
    await until('the run is ready', () => lines(stdoutPath).includes('ready'));
    await home.clip(['daemon', 'stop']);
    await until('the exit record is on disk', () => existsSync(join(home.folder, 'runs', id, 'exit.json')));
    expect(home.pidsOf('daemon')).toEqual([]);
    expect((await home.clip(['wait', String(number)])).code).toBe(124);
    expect(await home.show(number)).toMatchObject({
      status: 'timed_out',
      stopReason: 'timeout',
      errorCode: 'timeout',
      timeoutFired: true,
      signal: 'SIGKILL',
      exitKnown: true,
    });
    expect(lines(stdoutPath)).toEqual(['ready', 'ignored SIGTERM']);
  });

  it('the next daemon ends and lists leftovers of an ended run', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    const number = await home.submit([
      '--',
      'sh',
      '-c',
      `${agent('waits-for-a-file.sh')} ${gate}; exec ${agent('escapes.sh')} 5`,
    ]);
    const { id } = await home.untilStatus(number, 'running');
    await home.clip(['daemon', 'stop']);
    writeFileSync(gate, '');
    await until('the exit record is on disk', () => existsSync(join(home.folder, 'runs', id, 'exit.json')));
    const pid = Number(readFileSync(join(home.base, 'escaped.pid'), 'utf8'));
    expect(isAlive(pid)).toBe(true);
    expect((await home.clip(['wait', String(number)])).code).toBe(5);
    expect(isAlive(pid)).toBe(false);
    expect((await home.show(number)).leaked).toEqual([{ pid, command: 'sleep', ended: true }]);
  });
});
