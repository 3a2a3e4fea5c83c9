/** File systems that do not answer: the daemon, the keeper and all other runs continue. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ask } from '../support/api.ts';
import { deep } from '../support/deep.ts';
import { createHome, isAlive, type TestHome } from '../support/home.ts';
import { canMount, createMount } from '../support/mounts.ts';
import { until } from '../support/until.ts';

/** Longer than ever measured on a busy machine, and much shorter than the time after which a mount is given up. */
const promptMs = 5_000;

/** Checks that the daemon answers and the keeper starts runs. */
async function expectBothToServe(home: TestHome): Promise<void> {
  expect((await ask(home.folder, '/v1/daemon', { ms: promptMs })).status).toBe(200);
  const from = performance.now();
  expect((await home.clip(['run', '--wait', '--cwd', '/', '--', 'true'])).code).toBe(0);
  expect(performance.now() - from).toBeLessThan(2 * promptMs);
}

describe.skipIf(!canMount)('A mount that responds', () => {
  it('is a work folder like any other, and may hold an input', deep, async () => {
    const home = createHome();
    const { at } = await createMount(home.base);
    const script = 'pwd; cat';
    const result = await home.clip([
      'run',
      '-f',
      '-q',
      '--cwd',
      join(at, 'work'),
      '--stdin',
      join(at, 'input.txt'),
      '--',
      'sh',
      '-c',
      script,
    ]);
    expect(result).toMatchObject({ code: 0, stdout: `${at}/work\nhello\n` });
  });

  it('gives the usual errors for missing files', deep, async () => {
    const home = createHome();
    const { at } = await createMount(home.base);
    expect((await home.clip(['run', '--cwd', join(at, 'nothing'), '--', 'true'])).stderr).toContain('does not exist');
    expect((await home.clip(['run', '--stdin', join(at, 'nothing.txt'), '--', 'true'])).code).toBe(3);
    await home.clip(['run', '--wait', '--cwd', join(at, 'work'), '--', 'no-such-command']);
    expect((await home.show('@last')).errorCode).toBe('command_not_found');
  });
});

describe.skipIf(!canMount)('A dead mount', () => {
  it('is refused by name as a work folder within seconds', deep, async () => {
    const home = createHome();
    const mount = await createMount(home.base);
    await home.clip(['daemon', 'start']);
    await mount.stop();
    const refused = home.clip(['run', '--cwd', join(mount.at, 'work'), '--', 'true']);
    await expectBothToServe(home);
    const { code, stderr } = await refused;
    expect(code).toBe(5);
    expect(stderr).toContain(`The work folder ${mount.at}/work does not answer (fuse.standstill at ${mount.at})`);
  });

  it('delays a run that starts in it, says why, and starts it later', deep, async () => {
    const home = createHome();
    const mount = await createMount(home.base);
    await home.clip(['queue', 'hold']);
    const number = await home.submit(['--cwd', join(mount.at, 'work'), '--', 'pwd']);
    await mount.stop();
    await home.clip(['queue', 'release']);
    const waiting = await until('the run shows what it waits for', async () => {
      const run = await home.show(number);
      return run.waitingFor?.includes('does not answer') ? run : null;
    });
    expect(waiting.status).toBe('queued');
    await expectBothToServe(home);
    mount.go();
    const run = await home.untilStatus(number, 'succeeded');
    expect(readFileSync(run.stdoutPath, 'utf8')).toBe(`${mount.at}/work\n`);
  });

  it('delays a run whose input is on it', deep, async () => {
    const home = createHome();
    const mount = await createMount(home.base);
    await home.clip(['queue', 'hold']);
    const number = await home.submit(['--stdin', join(mount.at, 'input.txt'), '--', 'cat']);
    await mount.stop();
    await home.clip(['queue', 'release']);
    await until('the run shows what it waits for', async () =>
      (await home.show(number)).waitingFor?.includes('input file'),
    );
    await expectBothToServe(home);
    mount.go();
    const run = await home.untilStatus(number, 'succeeded');
    expect(readFileSync(run.stdoutPath, 'utf8')).toBe('hello\n');
  });

  it('on the PATH of a run delays that run alone, which can be canceled', async () => {
    const home = createHome();
    const mount = await createMount(home.base);
    await home.clip(['daemon', 'start']);
    await mount.stop();
    const number = await home.submit([
      '--env',
      `PATH=${mount.at}/work:${home.env['PATH']}`,
      '--grace',
      '1s',
      '--',
      'sleep',
      '1000',
    ]);
    const { processPid } = await home.untilStatus(number, 'running');
    await expectBothToServe(home);
    expect((await home.clip(['cancel', String(number)])).code).toBe(0);
    expect(isAlive(processPid ?? 0)).toBe(false);
  });

  it('does not delay the end of a run that has worked in it', deep, async () => {
    const home = createHome();
    const mount = await createMount(home.base);
    const number = await home.submit(['--cwd', join(mount.at, 'work'), '--', 'sh', '-c', 'cd /; sleep 1']);
    await home.untilStatus(number, 'running');
    await mount.stop();
    expect(await home.untilStatus(number, 'succeeded')).toMatchObject({ exitCode: 0 });
    await expectBothToServe(home);
  });
});
