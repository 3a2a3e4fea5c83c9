import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readStat } from '#process/process-birth.ts';
import type { RunView } from '#protocol/answers.ts';
import { deep } from '../support/deep.ts';
import { agent, createHome, isAlive, program, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const clip = [process.execPath, program];

/** Creates a home in which this many runs may be live at once. */
function createHomeWith(slots: number): TestHome {
  const home = createHome();
  const folder = join(home.base, 'config', 'clip');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.toml'), `max_runs = ${slots}\n`);
  return home;
}

const environmentOf = (pid: number): string[] => readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');

describe('a run inside a run', () => {
  it('shows its parent, and its exit code is known to its parent', deep, async () => {
    const home = createHome();
    expect((await home.clip(['run', '--wait', '--', ...clip, 'run', '--wait', '--', 'sh', '-c', 'exit 6'])).code).toBe(
      6,
    );
    const [outer, inner] = [await home.show(1), await home.show(2)];
    expect([outer.parentRunId, inner.parentRunId, outer.exitCode, inner.exitCode]).toEqual([null, outer.id, 6, 6]);
  });

  it("shares its parent's lock", async () => {
    const home = createHome();
    const { code } = await home.clip([
      'run',
      '--wait',
      '--lock',
      'K',
      '--',
      ...clip,
      'run',
      '--wait',
      '--lock',
      'K',
      '--',
      'true',
    ]);
    expect([code, (await home.show(2)).status]).toEqual([0, 'succeeded']);
  });

  it.each([
    ['itself', ['wait', '1'], 'A wait for run 1 would never be over: this command is a part of it.'],
    [
      'a run that starts after it',
      ['run', '--wait', '--after', '1', '--', 'true'],
      'A wait for run 2 would never be over: it starts after run 1, which this command is a part of.',
    ],
  ])('is refused a wait for %s, which would never end', deep, async (_, args, sentence) => {
    const home = createHome();
    expect((await home.clip(['run', '--wait', '--', ...clip, ...args])).code).toBe(125);
    expect((await home.clip(['logs', '1'])).stderr).toContain(sentence);
  });

  it('does not share the lock of an unrelated run', deep, async () => {
    const home = createHomeWith(4);
    const gate = join(home.base, 'gate');
    const holder = await home.submit(['--lock', 'K', '--', agent('waits-for-a-file.sh'), gate]);
    await home.untilStatus(holder, 'running');
    const outer = home.resultOf(
      home.start(['run', '--wait', '--', ...clip, 'run', '--wait', '--lock', 'K', '--', 'true']),
    );
    const inner = await until('the inner run waits', async () => (await home.show(3)).waitingFor);
    expect(inner).toBe(`lock K is held by run ${holder}`);
    writeFileSync(gate, '');
    expect((await outer).code).toBe(0);
  });

  it.each([1, 2])('takes no slot of its own: three such runs end when max_runs is %i', deep, async (slots) => {
    const home = createHomeWith(slots);
    const nested = ['run', '--wait', '--', ...clip, 'run', '--wait', '--', ...clip, 'run', '--wait', '--', 'true'];
    const results = await Promise.all([home.clip(nested), home.clip(nested), home.clip(nested)]);
    expect(results.map(({ code }) => code)).toEqual([0, 0, 0]);
    const { runs } = await home.json<{ runs: RunView[] }>(['runs', '--json']);
    expect(runs.map(({ status }) => status)).toEqual(Array(9).fill('succeeded'));
  });

  it('is allowed three levels deep; a fourth is refused with code 5', deep, async () => {
    const home = createHome();
    const nests = (deep: number) => ['run', '--wait', '--', agent('nests.sh'), String(deep), ...clip];
    expect((await home.clip(nests(2))).code).toBe(0);
    expect((await home.clip(nests(3))).code).toBe(5);
    const { runs } = await home.json<{ runs: RunView[] }>(['runs', '--json']);
    expect(runs).toHaveLength(8);
    const deepest = await home.clip(['logs', '8', '--stream', 'stderr']);
    expect(deepest.stdout).toContain('3 is the limit');
  });

  it('outlives a canceled parent, and ends when the tree is canceled', deep, async () => {
    const home = createHomeWith(4);
    const outer = ['sh', '-c', '"$@" && exec sleep 1000', 'sh', ...clip, 'run', '-q', '--', 'sleep', '1000'];
    const [alone, whole] = [await home.submit(['--', ...outer]), await home.submit(['--', ...outer])];
    const children = await until('both have a child that runs', async () => {
      const { runs } = await home.json<{ runs: RunView[] }>(['runs', '--json']);
      const found = runs.filter(({ parentRunId, status }) => parentRunId !== null && status === 'running');
      return found.length === 2 ? found : null;
    });
    const childOf = async (number: number) => {
      const { id } = await home.show(number);
      return children.find(({ parentRunId }) => parentRunId === id) as RunView;
    };
    const [orphan, doomed] = [await childOf(alone), await childOf(whole)];
    expect((await home.clip(['cancel', String(alone)])).code).toBe(0);
    expect((await home.clip(['cancel', '--tree', String(whole)])).code).toBe(0);
    expect((await Promise.all([orphan.number, doomed.number].map(home.show))).map(({ status }) => status)).toEqual([
      'running',
      'cancelled',
    ]);
    expect([isAlive(orphan.processPid ?? 0), isAlive(doomed.processPid ?? 0)]).toEqual([true, false]);
  });

  it('is reached by cancel --tree also below a run that has ended', deep, async () => {
    const home = createHomeWith(4);
    const inner = ['sh', '-c', '"$@"', 'sh', ...clip, 'run', '-q', '--', 'sleep', '1000'];
    const outer = await home.submit([
      '--',
      'sh',
      '-c',
      '"$@" && exec sleep 1000',
      'sh',
      ...clip,
      'run',
      '-q',
      '--wait',
      '--',
      ...inner,
    ]);
    const deepest = await until('the innermost run is live while its parent has ended', async () => {
      const { runs } = await home.json<{ runs: RunView[] }>(['runs', '--json']);
      const between = runs.find(({ parentRunId, status }) => parentRunId !== null && status === 'succeeded');
      return runs.find(
        ({ parentRunId, status }) => between !== undefined && parentRunId === between.id && status === 'running',
      );
    });
    expect((await home.clip(['cancel', '--tree', String(outer)])).code).toBe(0);
    expect((await home.show(deepest.number)).status).toBe('cancelled');
    expect(isAlive(deepest.processPid ?? 0)).toBe(false);
  });
});

describe('a daemon started inside a run', () => {
  it('of another home has no mark and outlives that run', async () => {
    const [outer, inner] = [createHome(), createHome()];
    const command = ['env', `CLIP_HOME=${inner.folder}`, ...clip, 'run', '-q', '--', 'sleep', '1000'];
    const { code } = await outer.clip(['run', '--wait', '--', ...command]);
    expect(code).toBe(0);
    expect(await outer.show(1)).toMatchObject({ status: 'succeeded', leaked: [], settled: true });
    const processes = [...inner.pidsOf('daemon'), ...inner.pidsOf('keeper')];
    expect(processes).toHaveLength(2);
    for (const pid of processes)
      expect(environmentOf(pid).filter((each) => each.startsWith('CLIP_RUN_ID'))).toEqual([]);
    const run = await inner.untilStatus(1, 'running');
    expect(environmentOf(run.processPid ?? 0)).toContain(`CLIP_RUN_ID=${run.id}`);
    expect(run.parentRunId).toBe(null);
  });

  it("outlives its cancel, even as its leader's descendant", deep, async () => {
    const [outer, inner] = [createHome(), createHome()];
    const command = ['env', `CLIP_HOME=${inner.folder}`, ...clip, 'run', '-q', '--wait', '--', 'sleep', '1000'];
    const number = await outer.submit(['--', ...command]);
    await until('the other daemon is running', () => inner.listens());
    const run = await inner.untilStatus(1, 'running');
    const { processPid } = await outer.show(number);
    expect(readStat(inner.daemonPid())?.ppid).toBe(processPid);
    const processes = [inner.daemonPid(), ...inner.pidsOf('keeper'), run.processPid ?? 0];
    expect((await outer.clip(['cancel', String(number)])).code).toBe(0);
    expect(isAlive(processPid ?? 0)).toBe(false);
    expect(processes.map(isAlive)).toEqual([true, true, true]);
  });

  it('of the same home carries no mark', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    const script = `${agent('waits-for-a-file.sh')} ${gate} && "$@" > /dev/null`;
    const number = await home.submit(['--', 'sh', '-c', script, 'sh', ...clip, 'runs', '--json']);
    await home.untilStatus(number, 'running');
    await home.kill(home.daemonPid());
    writeFileSync(gate, '');
    await until('the run has ended', async () => (await home.listens()) && (await home.show(number)).settled);
    expect(await home.show(number)).toMatchObject({ status: 'succeeded', leaked: [] });
    const [daemon = 0] = await until('one daemon is running', () =>
      home.pidsOf('daemon').length === 1 ? home.pidsOf('daemon') : null,
    );
    expect(environmentOf(daemon).filter((each) => each.startsWith('CLIP_RUN_ID'))).toEqual([]);
    // The killed daemon and its successor: it was not removed as a leftover and started a second time.
    const starts = readFileSync(join(home.folder, 'daemon.log'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('daemon ready'));
    expect(starts).toHaveLength(2);
  });
});
