import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunView } from '#protocol/answers.ts';
import { createDaemonHome, type DaemonHome } from '../support/daemon/daemon-home.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const block = 40_000;
const atOnce = { compress_after_min: 0 };
/** Returns a limit that has room for this many logs of random bytes. */
const roomFor = (logs: number) => ({ logs: { ...atOnce, size_max_gb: ((logs + 0.5) * block) / 2 ** 30 } });

const filesOf = ({ stdoutPath }: RunView) => readdirSync(dirname(stdoutPath)).filter((name) => name.includes('.log'));

/** Finishes a run with this output. Returns its number. */
async function finished(home: DaemonHome, output: string | Buffer, task: number | null = null): Promise<number> {
  home.plan({ steps: [{ bytes: Buffer.from(output).toString('base64') }, { exit: 0 }] });
  const run = await home.run(['true'], { task });
  await home.untilSettled(run);
  return run;
}

const text = (lines: number) => Array.from({ length: lines }, (_, n) => `line ${n} of the output\n`).join('');
const noise = () => randomBytes(block);
const untilRemoved = (home: DaemonHome, run: number) =>
  home.untilRun('has lost its logs', run, (view) => view.logsRemovedAt !== null && filesOf(view).length === 0);
const untilCompressed = (home: DaemonHome, run: number) =>
  home.untilRun('has a compressed log', run, ({ stdoutPath }) => stdoutPath.endsWith('.gz'));

describe('the log of an ended run', () => {
  it('is compressed an hour after its end, and not before', async () => {
    const home = await createDaemonHome();
    const run = await finished(home, text(2_000));
    home.clock.jump(58 * minute);
    await home.clock.advance(minute);
    expect(filesOf(await home.show(run))).toEqual(['stderr.log', 'stdout.log']);
    await home.clock.advance(3 * minute);
    await untilCompressed(home, run);
  });

  it('that is compressed is read as before: whole, in part, and followed', async () => {
    const home = await createDaemonHome({ logs: atOnce });
    const whole = text(2_000);
    const run = await finished(home, whole);
    const view = await untilCompressed(home, run);
    expect(filesOf(view)).toEqual(['stderr.log', 'stdout.log.gz']);
    expect(statSync(view.stdoutPath).mode & 0o777).toBe(0o600);
    expect(statSync(view.stdoutPath).size).toBeLessThan(whole.length / 3);
    expect(view.stdoutBytes).toBe(whole.length);
    expect(await home.send('GET', `/runs/${run}/logs`)).toBe(whole);
    expect(await home.send('GET', `/runs/${run}/logs?offset=40000`)).toBe(whole.slice(40_000));
    const followed = await home.follow(`/runs/${run}/logs?offset=40000&follow=true`);
    await home.until('the rest was followed', () => followed.length > 0);
    expect(Buffer.from(followed[0].data, 'base64').toString()).toBe(whole.slice(40_000));
  });

  it('that is small, or would not shrink, stays as it is', async () => {
    const home = await createDaemonHome({ logs: atOnce });
    const kept = [await finished(home, 'hello\n'), await finished(home, noise())];
    await untilCompressed(home, await finished(home, text(2_000)));
    for (const run of kept) expect(filesOf(await home.show(run))).toEqual(['stderr.log', 'stdout.log']);
    expect(await home.send('GET', '/runs/1/logs')).toBe('hello\n');
  });

  it('is not compressed while the run lives', async () => {
    const home = await createDaemonHome({ logs: atOnce });
    home.plan({ steps: [{ raw: text(2_000) }] });
    const living = await home.run(['sleep']);
    await home.untilStatus(living, 'running');
    await untilCompressed(home, await finished(home, text(2_000)));
    expect(filesOf(await home.show(living))).toEqual(['stderr.log', 'stdout.log']);
  });

  it('is compressed by the next daemon when the last one died before', async () => {
    const home = await createDaemonHome();
    const run = await finished(home, text(2_000));
    await home.crash();
    home.clock.jump(hour);
    await home.start();
    await untilCompressed(home, run);
  });
});

describe('logs above the total limit', () => {
  it('are removed, the oldest first, and their runs show that', async () => {
    const home = await createDaemonHome(roomFor(2));
    for (let n = 0; n < 4; n += 1) await finished(home, noise());
    const gone = await untilRemoved(home, 2);
    await untilRemoved(home, 1);
    expect(filesOf(await home.show(3))).toContain('stdout.log');
    expect(gone.stdoutBytes).toBe(block);
    expect(await home.runs()).toHaveLength(4);
    expect((await home.refused('GET', '/runs/2/logs')).status).toBe(404);
    expect((await home.history(2)).map(({ type }) => type)).toContain('logs-removed');
  });

  it('never include the log of the newest run of a task', async () => {
    const home = await createDaemonHome(roomFor(1));
    await home.addTask({ assignee: null });
    await finished(home, noise(), 1);
    const newest = await finished(home, noise(), 1);
    await finished(home, noise());
    await untilRemoved(home, 1);
    await untilRemoved(home, 3);
    expect(filesOf(await home.show(newest))).toContain('stdout.log');
  });
});

describe('logs above the age limit', () => {
  it('are removed after ninety days, and younger ones stay', async () => {
    const home = await createDaemonHome({ logs: atOnce });
    const old = await finished(home, noise());
    home.clock.jump(10 * day);
    const young = await finished(home, noise());
    home.clock.jump(79 * day);
    await home.clock.advance(minute);
    expect((await home.show(old)).logsRemovedAt).toBeNull();
    home.clock.jump(2 * day);
    await untilRemoved(home, old);
    expect(existsSync((await home.show(young)).stdoutPath)).toBe(true);
  });

  it('are kept whatever their age when keep_days is 0', async () => {
    const home = await createDaemonHome({ logs: { ...atOnce, keep_days: 0 } });
    const run = await finished(home, noise());
    home.clock.jump(1_000 * day);
    await untilCompressed(home, await finished(home, text(2_000)));
    await home.clock.advance(minute);
    expect((await home.show(run)).logsRemovedAt).toBeNull();
  });
});

describe('a prune', () => {
  it('leaves nothing of the history of a removed run but its removal', async () => {
    const home = await createDaemonHome();
    for (const _ of [1, 2]) await home.untilSettled(await home.run(['true']));
    expect(await home.send('POST', '/prune', { keep: 1 })).toMatchObject({ runs: [1] });
    const kept = (await home.events()).map(({ run, type }) => [run, type]);
    expect(kept.filter(([run]) => run === 1)).toEqual([[1, 'removed']]);
    expect(kept.filter(([run]) => run === 2)).toContainEqual([2, 'exited']);
  });

  it('deletes ended runs by their number, and lists them before', async () => {
    const home = await createDaemonHome();
    for (let n = 0; n < 4; n += 1) await finished(home, 'x');
    const living = await home.run(['sleep']);
    await home.untilStatus(living, 'running');
    expect(await home.refused('POST', '/prune', {})).toMatchObject({ code: 'usage' });
    const folders = () => readdirSync(join(home.home.folder, 'runs')).length;
    expect(await home.send('POST', '/prune', { keep: 1, dryRun: true })).toMatchObject({ removed: 3, runs: [1, 2, 3] });
    expect(folders()).toBe(5);
    expect(await home.send('POST', '/prune', { keep: 1 })).toMatchObject({
      dryRun: false,
      removed: 3,
      runs: [1, 2, 3],
    });
    await home.until('the folders are gone', () => folders() === 2);
    expect((await home.refused('GET', '/runs/2')).message).toBe('Run 2 was removed.');
    expect(await home.send('POST', '/prune', { keep: 0 })).toMatchObject({ runs: [4] });
    expect((await home.show(living)).status).toBe('running');
    expect(await finished(home, 'x')).toBe(6);
  });

  it('deletes ended runs by their age', async () => {
    const home = await createDaemonHome();
    await finished(home, 'x');
    home.clock.jump(2 * hour);
    await finished(home, 'x');
    expect(await home.send('POST', '/prune', { olderThanMs: 3 * hour })).toMatchObject({ removed: 0 });
    expect(await home.send('POST', '/prune', { olderThanMs: hour })).toMatchObject({ runs: [1] });
  });

  it('leaves a task its newest run', async () => {
    const home = await createDaemonHome();
    await home.addTask({ assignee: null });
    for (let n = 0; n < 2; n += 1) await finished(home, 'x', 1);
    expect(await home.send('POST', '/prune', { keep: 0 })).toMatchObject({ runs: [1] });
  });
});

describe('the output of an agent without a stream', () => {
  it("reaches its task's next run from a compressed log", async () => {
    const home = await createDaemonHome({ logs: atOnce });
    const script = [{ raw: `The parser reads it now.\n${text(400)}` }, { exit: 0 }];
    await home.addAgent('speaker', [script, []], { adapter: 'plain' });
    await home.addTask({ assignee: 'speaker' });
    await home.untilStatus(1, 'succeeded');
    await home.cancel({ task: 1 });
    await untilCompressed(home, 1);
    await home.continueTask(1);
    const next = await home.process((await home.runs()).at(-1)?.number ?? 0);
    expect(next.launch.argv.join(' ') + next.stdin).toContain('The parser reads it now.');
  });
});
