/** A system without room for another process or file: runs wait for it, and fail only after a time limit. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isRoot } from '../support/containment.ts';
import { deep } from '../support/deep.ts';
import { createHome, program, type TestHome } from '../support/home.ts';
import { createKeeper } from '../support/keeper.ts';
import { until } from '../support/until.ts';

/** A user of this test alone, because the limit counts all processes of a user. */
const otherUid = 61_235;

const who = ['--reuid', String(otherUid), '--regid', String(otherUid), '--clear-groups'];

function asSomeone(home: TestHome, args: readonly string[]): string {
  return execFileSync('setpriv', [...who, process.execPath, program, ...args], {
    env: home.env,
    cwd: home.base,
    encoding: 'utf8',
  });
}

/** Root may not set the limit on every system, but the user of the process may. */
function limitProcesses(pid: number, most: string): void {
  execFileSync('setpriv', [...who, 'prlimit', '--pid', String(pid), `--nproc=${most}:`]);
}

describe('The limit of processes', () => {
  it.skipIf(!isRoot)('delays a run and is shown as the reason until there is room', deep, async () => {
    const home = createHome();
    chownSync(home.base, otherUid, otherUid);
    chmodSync(home.base, 0o755);
    asSomeone(home, ['run', '--wait', '-q', '--', 'true']);
    const keeper = home.pidsOf('keeper')[0] ?? 0;
    limitProcesses(keeper, '1');
    const number = Number(asSomeone(home, ['run', '-q', '--', 'sh', '-c', 'exit 7']));
    const waiting = await until('the run shows what it waits for', async () => {
      const run = await home.show(number);
      return run.waitingFor?.includes('EAGAIN') ? run : null;
    });
    expect(waiting).toMatchObject({
      status: 'queued',
      errorCode: null,
      waitingFor: expect.stringMatching(/tried (once|\d+ times), again not before/),
    });
    expect(readdirSync(join(home.folder, 'runs', waiting.id))).not.toContain('launch.json');
    limitProcesses(keeper, '1000');
    expect(await home.untilStatus(number, 'failed')).toMatchObject({ exitCode: 7, errorCode: 'exit_nonzero' });
    const started = (await home.history(number)).filter(({ type }) => type === 'spawned');
    expect(started).toHaveLength(1);
  });

  it.skipIf(!isRoot)('does not delay the end of a run that is canceled meanwhile', deep, async () => {
    const home = createHome();
    chownSync(home.base, otherUid, otherUid);
    chmodSync(home.base, 0o755);
    asSomeone(home, ['run', '--wait', '-q', '--', 'true']);
    limitProcesses(home.pidsOf('keeper')[0] ?? 0, '1');
    const number = Number(asSomeone(home, ['run', '-q', '--', 'true']));
    await until('the run waits', async () => (await home.show(number)).waitingFor?.includes('EAGAIN'));
    asSomeone(home, ['cancel', String(number)]);
    expect(await home.show(number)).toMatchObject({ status: 'cancelled', startedAt: null });
  });
});

describe('The limit of open files', () => {
  it('makes a keeper give runs back, without any record of a launch', async () => {
    const keeper = await createKeeper();
    const line = await keeper.greet(1);
    execFileSync('prlimit', ['--pid', String(keeper.pid), '--nofile=40:']);
    const ids = Array.from({ length: 40 }, (_, index) => `rfiles${index}`);
    for (const id of ids) {
      keeper.folder(id);
      line.say(keeper.request(id, ['sleep', '1000']));
    }
    const settled = await until('each launch is decided', () => {
      const all = line.received.filter(({ type }) => type === 'started' || type === 'refused' || type === 'failed');
      return all.length === ids.length ? all : null;
    });
    const refused = settled.filter(({ type }) => type === 'refused');
    expect(settled.filter(({ type }) => type === 'failed')).toEqual([]);
    expect(refused.length).toBeGreaterThan(5);
    expect(refused[0]).toMatchObject({ shortage: true, why: expect.stringContaining('EMFILE') });
    const [first] = refused;
    const id = first?.type === 'refused' ? (first.id ?? '') : '';
    expect(keeper.files(id)).toEqual(['env.json']);
    execFileSync('prlimit', ['--pid', String(keeper.pid), '--nofile=1000:']);
    line.say(keeper.request(id, ['sleep', '1000']));
    await until('the process has started', () =>
      line.received.some((message) => message.type === 'started' && message.id === id),
    );
  });
});
