import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { untilStill } from '../support/crash.ts';
import { deep } from '../support/deep.ts';
import { openHome } from '../support/home.ts';
import { createKeeper } from '../support/keeper.ts';
import { mayMount, mountDisk } from '../support/small-disk.ts';
import { until } from '../support/until.ts';

const place = mkdtempSync(join(tmpdir(), 'clip-'));
const possible = mayMount(place);
rmSync(place, { recursive: true, force: true });

/** Creates a home on a disk of its own, which is unmounted at the end of the test. */
function homeOnDisk() {
  const home = openHome();
  const disk = mountDisk(home.folder);
  onTestFinished(async () => {
    disk.free();
    const left = await home.end();
    disk.unmount();
    rmSync(home.base, { recursive: true, force: true });
    expect(left).toEqual([]);
  }, 60_000);
  return { home, disk };
}

describe.skipIf(!possible)('while the disk is full,', () => {
  it('a run is not launched until its end can be recorded', async () => {
    const keeper = await createKeeper();
    const line = await keeper.greet(1);
    const folder = join(keeper.home, 'runs', 'rfull');
    const disk = mountDisk(folder);
    onTestFinished(() => void disk.unmount());
    writeFileSync(join(folder, 'env.json'), '{}');
    // The space is enough for launch.json or for the record of the end, but not for both.
    disk.fill(4_096);
    line.say(keeper.request('rfull', ['/bin/sh', '-c', 'exit 7']));
    await until('the keeper has answered', () => line.received.length > 1);
    expect(line.received.at(-1)).toMatchObject({ type: 'refused', why: expect.stringContaining('ENOSPC') });
    expect(keeper.files('rfull')).toEqual(['ballast', 'env.json']);
    disk.free();
    line.say(keeper.request('rfull', ['/bin/sh', '-c', 'exit 7']));
    await until('the process has ended', () => line.received.some(({ type }) => type === 'exited'));
    expect(line.received.at(-1)).toMatchObject({ type: 'exited', code: 7 });
  });

  it('a lost run waits, is repeated once, and leaves no folders', deep, async () => {
    const { home, disk } = homeOnDisk();
    const gate = join(home.base, 'gate');
    const number = await home.submit([
      '--on-loss',
      'retry',
      '--',
      'sh',
      '-c',
      `while [ ! -e ${gate} ]; do sleep 0.05; done; exit 3`,
    ]);
    const { processPid } = await home.untilStatus(number, 'running');
    // The space is enough for a line of the log, but not for a commit.
    disk.fill(16_384);
    for (const pid of home.pidsOf('keeper')) await home.kill(pid);
    await home.kill(processPid ?? 0);
    const said = () => readFileSync(join(home.folder, 'daemon.log'), 'utf8');
    const before = said().length;
    // The reserve provides the space for the record if it was created in time. Otherwise there is no space for it.
    const isMet = async () =>
      said().slice(before).includes('recovery failed') || (await home.show(number)).status === 'failed';
    await until('the end was recorded', isMet);
    disk.free();
    writeFileSync(gate, '');
    const runs = await untilStill(home);
    expect(runs.map(({ retryReason, errorCode, exitCode }) => [retryReason, errorCode, exitCode])).toEqual([
      [null, 'process_lost', null],
      ['process_lost', 'exit_nonzero', 3],
    ]);
    expect(readdirSync(join(home.folder, 'runs')).sort()).toEqual(runs.map(({ id }) => id).sort());
  });
});
