import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunView } from '#protocol/answers.ts';
import { deep } from '../support/deep.ts';
import { agent, createHome, isAlive, marked, type TestHome } from '../support/home.ts';
import { endWithoutRecord, reboot } from '../support/records.ts';
import { until } from '../support/until.ts';

/** Submits a run that lives until its gate is opened, and then exits with 0. It prints nothing while it waits. */
async function submitGated(home: TestHome, options: readonly string[] = []) {
  const gate = join(home.base, 'gate');
  const script = `echo "in $COLOUR" >> ${home.base}/starts; while [ ! -e ${gate} ]; do sleep 0.05; done; exit 0`;
  const number = await home.submit([...options, '--', 'sh', '-c', script]);
  await until('the run has started', () => starts(home) > 0);
  return { run: await home.untilStatus(number, 'running'), open: () => writeFileSync(gate, '') };
}

/** Returns what each start has recorded. */
const colours = (home: TestHome): string[] =>
  existsSync(`${home.base}/starts`) ? readFileSync(`${home.base}/starts`, 'utf8').trim().split('\n') : [];
const starts = (home: TestHome): number => colours(home).length;

/** Returns all runs, the oldest first, once all have settled and a look at the queue can no longer add one. */
async function allRuns(home: TestHome): Promise<RunView[]> {
  return until('all runs have settled', async () => {
    const { runs } = await home.json<{ runs: RunView[] }>(['runs', '--json']);
    return runs.every(({ settled }) => settled) ? runs.reverse() : null;
  });
}

/** Sends a request to the daemon without the CLI. Returns the HTTP status. */
function post(home: TestHome, path: string, body: object): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        socketPath: join(home.folder, 'clip.sock'),
        method: 'POST',
        path,
        headers: { 'content-type': 'application/json' },
      },
      (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode));
      },
    );
    asked.on('error', reject);
    asked.end(JSON.stringify(body));
  });
}

const lost = {
  status: 'failed',
  stopReason: 'process_lost',
  errorCode: 'process_lost',
  exitCode: null,
  signal: null,
  exitKnown: false,
};

describe('when the keeper is killed,', () => {
  it('its run is detached, continues, and ends as lost, never as 0', deep, async () => {
    const home = createHome();
    const { run, open } = await submitGated(home);
    const waiting = home.resultOf(home.start(['wait', String(run.number)]));
    const [keeper] = home.pidsOf('keeper');
    await home.kill(keeper ?? 0);
    const detached = await until('the run is detached', async () => {
      const seen = await home.show(run.number);
      return seen.errorCode === 'process_detached' ? seen : null;
    });
    expect(detached).toMatchObject({ status: 'running', processPid: run.processPid, exitCode: null });
    expect(detached.error).toContain(String(run.processPid));
    expect(isAlive(run.processPid ?? 0)).toBe(true);
    open();
    expect((await waiting).code).toBe(120);
    expect(await home.show(run.number)).toMatchObject(lost);
  });

  it('the next run is started by a new keeper', deep, async () => {
    const home = createHome();
    const { run, open } = await submitGated(home);
    const [keeper] = home.pidsOf('keeper');
    await home.kill(keeper ?? 0);
    expect((await home.clip(['run', '--wait', '--', 'sh', '-c', 'exit 5'])).code).toBe(5);
    expect(home.pidsOf('keeper')).toHaveLength(1);
    open();
    expect((await home.clip(['wait', String(run.number)])).code).toBe(120);
  });

  it('a run submitted before the next keeper starts with that keeper', deep, async () => {
    const home = createHome();
    await home.clip(['run', '--wait', '--', 'true']);
    const [keeper] = home.pidsOf('keeper');
    await home.kill(keeper ?? 0);
    // The request bypasses the CLI, whose start takes longer than the start of a keeper.
    const submitted = await post(home, '/v1/runs', { command: ['sh', '-c', 'exit 5'], cwd: home.base, env: home.env });
    expect(submitted).toBe(201);
    expect((await home.untilStatus(2, 'failed')).exitCode).toBe(5);
  });

  it('the warning disappears with new output, the exit stays unknown', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'speak');
    const number = await home.submit([
      '--',
      'sh',
      '-c',
      `${agent('waits-for-a-file.sh')} ${gate}; ${agent('waits-for-a-file.sh')} ${gate}.2`,
    ]);
    await home.untilStatus(number, 'running');
    // The word "ready" was printed long enough ago not to count as later activity.
    await until(
      'the run has been silent for a while',
      async () => Date.now() - Date.parse((await home.show(number)).lastOutputAt ?? '') > 2_500,
    );
    const [keeper] = home.pidsOf('keeper');
    await home.kill(keeper ?? 0);
    await until('the run is detached', async () => (await home.show(number)).errorCode === 'process_detached');
    writeFileSync(gate, '');
    await until('the warning is gone', async () => (await home.show(number)).errorCode === null);
    expect(await home.show(number)).toMatchObject({ status: 'running' });
    writeFileSync(`${gate}.2`, '');
    expect((await home.clip(['wait', String(number)])).code).toBe(120);
    expect(await home.show(number)).toMatchObject(lost);
  });

  it('output from before does not remove the warning', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    const number = await home.submit([
      '--',
      'sh',
      '-c',
      `${agent('waits-for-a-file.sh')} ${gate}.1; ${agent('waits-for-a-file.sh')} ${gate}`,
    ]);
    const { stdoutPath } = await home.untilStatus(number, 'running');
    writeFileSync(`${gate}.1`, '');
    await until('the run has just printed a line', () => readFileSync(stdoutPath, 'utf8').endsWith('done\nready\n'));
    const [keeper] = home.pidsOf('keeper');
    await home.kill(keeper ?? 0);
    const found = await until('the run was found without a keeper', async () =>
      (await home.history(number)).find(({ type }) => type === 'found-again'),
    );
    await until('three heartbeats have passed', () => Date.now() > Date.parse(found.at) + 3_500);
    expect((await home.show(number)).errorCode).toBe('process_detached');
    writeFileSync(gate, '');
    expect((await home.clip(['wait', String(number)])).code).toBe(120);
  });

  it('a detached run can be canceled with all its processes', deep, async () => {
    const home = createHome();
    const { run } = await submitGated(home);
    const [keeper] = home.pidsOf('keeper');
    await home.kill(keeper ?? 0);
    await until('the run is detached', async () => (await home.show(run.number)).errorCode === 'process_detached');
    expect((await home.clip(['cancel', String(run.number)])).code).toBe(0);
    expect(await home.show(run.number)).toMatchObject({
      status: 'cancelled',
      stopReason: 'cancelled',
      exitCode: null,
      exitKnown: false,
    });
    expect(marked(run.id)).toEqual([]);
  });
});

describe('when daemon and keeper are killed,', () => {
  it('the next one finds the run detached, and its end lost', deep, async () => {
    const home = createHome();
    const { run, open } = await submitGated(home);
    await home.kill(home.daemonPid());
    for (const pid of home.pidsOf('keeper')) await home.kill(pid);
    expect(await home.show(run.number)).toMatchObject({
      status: 'running',
      errorCode: 'process_detached',
      processPid: run.processPid,
    });
    open();
    expect((await home.clip(['wait', String(run.number)])).code).toBe(120);
    expect(await home.show(run.number)).toMatchObject(lost);
    expect(starts(home)).toBe(1);
  });

  it('an exit record of the living run is not believed', deep, async () => {
    const home = createHome();
    const { run, open } = await submitGated(home);
    writeFileSync(
      join(home.folder, 'runs', run.id, 'exit.json'),
      JSON.stringify({ code: 0, signal: null, at: Date.now() }),
    );
    await home.kill(home.daemonPid());
    for (const pid of home.pidsOf('keeper')) await home.kill(pid);
    expect(await home.show(run.number)).toMatchObject({ status: 'running', errorCode: 'process_detached' });
    open();
    expect((await home.clip(['wait', String(run.number)])).code).toBe(120);
    expect(await home.show(run.number)).toMatchObject(lost);
  });

  it('a run killed as well is lost, and its processes end', deep, async () => {
    const home = createHome();
    const number = await home.submit(['--', 'sh', '-c', `${agent('escapes.sh')} && exec sleep 1000`]);
    const { id, processPid, stdoutPath } = await home.untilStatus(number, 'running');
    const pid = await until('the run has left a daemon behind', () => Number(readFileSync(stdoutPath, 'utf8')));
    await home.kill(home.daemonPid());
    for (const keeper of home.pidsOf('keeper')) await home.kill(keeper);
    await home.kill(processPid ?? 0);
    expect((await home.clip(['wait', String(number)])).code).toBe(120);
    const run = await home.show(number);
    expect(run).toMatchObject(lost);
    expect(run.error).toContain('descendant process group');
    expect(run.error).toContain(String(pid));
    expect(marked(id)).toEqual([]);
  });
});

describe('after a reboot,', () => {
  it('a lost run with --on-loss retry starts once more in its environment', async () => {
    const home = createHome();
    const { run, open } = await submitGated(home, ['--on-loss', 'retry', '--env', 'COLOUR=red']);
    await reboot(home, run);
    expect((await home.clip(['wait', String(run.number)])).code).toBe(120);
    open();
    const [first, second, ...others] = await allRuns(home);
    expect(others).toEqual([]);
    expect(first).toMatchObject({ ...lost, number: run.number });
    expect(second).toMatchObject({
      status: 'succeeded',
      retryOfRunId: run.id,
      retryReason: 'process_lost',
      processLossRetryCount: 1,
      command: run.command,
    });
    expect(colours(home)).toEqual(['in red', 'in red']);
  });

  it('a run without --on-loss retry is lost and not started again', deep, async () => {
    const home = createHome();
    const { run } = await submitGated(home);
    await reboot(home, run);
    const [first, ...others] = await allRuns(home);
    expect([others, first]).toEqual([[], expect.objectContaining(lost)]);
    expect(starts(home)).toBe(1);
  });

  it('a run that was already a retry is not started a third time', deep, async () => {
    const home = createHome();
    const { run, open } = await submitGated(home, ['--on-loss', 'retry']);
    await reboot(home, run);
    const retry = await home.untilStatus(run.number + 1, 'running');
    await until('the run has started again', () => starts(home) === 2);
    await reboot(home, retry);
    open();
    const [first, second, ...others] = await allRuns(home);
    expect([others, first, second]).toEqual([
      [],
      expect.objectContaining(lost),
      expect.objectContaining({ ...lost, retryOfRunId: run.id }),
    ]);
    expect(starts(home)).toBe(2);
  });

  it('a run that was being stopped has the ordered end, and is not started again', deep, async () => {
    const home = createHome();
    const number = await home.submit([
      '--on-loss',
      'retry',
      '--grace',
      '1h',
      '--',
      process.execPath,
      agent('ignores-signals.mjs'),
    ]);
    const run = await home.untilStatus(number, 'running');
    await until('the run is ready', () => readFileSync(run.stdoutPath, 'utf8').includes('ready'));
    await home.clip(['cancel', '--no-wait', String(number)]);
    await reboot(home, run);
    const [only, ...others] = await allRuns(home);
    expect(others).toEqual([]);
    expect(only).toMatchObject({ status: 'cancelled', stopReason: 'cancelled', exitCode: null, exitKnown: false });
  });
});

describe('a process that vanished without a trace', () => {
  it('is retried once, even by two daemons in succession', deep, async () => {
    const home = createHome();
    const { run, open } = await submitGated(home, ['--on-loss', 'retry']);
    await endWithoutRecord(home, run);
    await home.untilStatus(run.number + 1, 'running');
    await home.kill(home.daemonPid());
    await until('a daemon is running again', () => home.listens());
    open();
    const runs = await allRuns(home);
    expect(runs.map(({ status, retryOfRunId }) => [status, retryOfRunId])).toEqual([
      ['failed', null],
      ['succeeded', run.id],
    ]);
    expect(starts(home)).toBe(2);
  });
});
