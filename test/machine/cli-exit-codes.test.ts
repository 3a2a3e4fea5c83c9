import { describe, expect, it } from 'vitest';
import { deep } from '../support/deep.ts';
import { createHome } from '../support/home.ts';

const ends: [command: string[], options: string[], code: number][] = [
  [['true'], [], 0],
  [['sh', '-c', 'exit 7'], [], 7],
  [['sh', '-c', 'exit 121'], [], 121],
  [['sh', '-c', 'kill -TERM $$'], [], 143],
  [['sh', '-c', 'kill -KILL $$'], [], 137],
  [['/etc/passwd'], [], 126],
  [['/no/such/command'], [], 127],
  [['sleep', '1000'], ['--timeout', '200ms'], 124],
];

describe('the exit code of a waiting verb', () => {
  it.each(ends)('is that of the run: %j %j gives %i', deep, async (command, options, code) => {
    const home = createHome();
    const codes = [
      (await home.clip(['run', '--wait', ...options, '--', ...command])).code,
      (await home.clip(['run', '--follow', ...options, '--', ...command])).code,
      (await home.clip(['wait', '1'])).code,
      (await home.clip(['logs', '-f', '--exit-code', '1'])).code,
      (await home.clip(['run', '-w', '--json', ...options, '--', ...command])).code,
    ];
    expect(codes).toEqual(codes.map(() => code));
    // Showing the output is not a wait for the run.
    expect((await home.clip(['logs', '-f', '1'])).code).toBe(0);
  });

  it('is 130 for a canceled run, even if that exits with 0', deep, async () => {
    const home = createHome();
    await home.submit(['--', 'sleep', '1000']);
    await home.submit(['--', 'sh', '-c', 'trap "exit 0" TERM; echo ready; while :; do sleep 0.05; done']);
    await home.untilStatus(1, 'running');
    const output = home.start(['logs', '-f', '2']);
    await new Promise((resolve) => output.stdout?.once('data', resolve));
    const waiting = home.clip(['wait', '1', '2']);
    expect((await home.clip(['cancel', '1', '2'])).code).toBe(0);
    expect((await waiting).code).toBe(130);
    expect((await home.clip(['wait', '2'])).code).toBe(130);
    expect(await home.show(2)).toMatchObject({ status: 'cancelled', stopReason: 'cancelled', exitCode: 0 });
  });

  it('is 120 for a run that was lost', deep, async () => {
    const home = createHome();
    await home.submit(['--', 'sleep', '1000']);
    const { processPid } = await home.untilStatus(1, 'running');
    const waiting = home.clip(['wait', '1']);
    for (const pid of home.pidsOf('keeper')) await home.kill(pid);
    await home.kill(processPid as number);
    expect((await waiting).code).toBe(120);
    expect(await home.show(1)).toMatchObject({
      status: 'failed',
      stopReason: 'process_lost',
      exitCode: null,
      exitKnown: false,
    });
  });

  it('for several runs is the first in order that is not 0', deep, async () => {
    const home = createHome();
    await home.submit(['--', 'true']);
    await home.submit(['--', 'sh', '-c', 'exit 3']);
    await home.submit(['--', 'sh', '-c', 'exit 4']);
    expect((await home.clip(['wait', '1', '2', '3'])).code).toBe(3);
    expect((await home.clip(['wait', '3', '1', '2'])).code).toBe(4);
    expect((await home.clip(['wait', '1', '1'])).code).toBe(0);
    const numbers = JSON.parse((await home.clip(['wait', '3', '1', '2', '--json'])).stdout).runs.map(
      (run: { number: number }) => run.number,
    );
    expect(numbers).toEqual([3, 1, 2]);
  });

  it('with --any is that of the first run that ends', deep, async () => {
    const home = createHome();
    await home.submit(['--', 'sleep', '1000']);
    await home.submit(['--', 'sh', '-c', 'exit 9']);
    const result = await home.clip(['wait', '--any', '1', '2', '--json']);
    expect(result.code).toBe(9);
    expect(JSON.parse(result.stdout).runs).toHaveLength(1);
    expect((await home.show(1)).endedAt).toBe(null);
  });

  it('is 121 at the time limit of the wait, and the run lives on', deep, async () => {
    const home = createHome();
    await home.submit(['--', 'sleep', '1000']);
    const { processPid } = await home.untilStatus(1, 'running');
    const result = await home.clip(['wait', '1', '--timeout', '150ms']);
    expect([result.code, result.stdout]).toEqual([121, '']);
    expect(result.stderr).toContain('run 1 is still alive');
    expect(await home.show(1)).toMatchObject({ status: 'running', processPid });
    const asJson = await home.clip(['wait', '1', '--timeout', '150ms', '--json']);
    expect([asJson.code, JSON.parse(asJson.stdout)]).toEqual([121, { schema: 1, runs: [] }]);
  });

  it('is 0 for --for started once the run has a process', deep, async () => {
    const home = createHome();
    await home.clip(['queue', 'hold']);
    await home.submit(['--', 'sleep', '1000']);
    const early = await home.clip(['wait', '1', '--for', 'started', '--timeout', '150ms']);
    expect(early.code).toBe(121);
    const waiting = home.clip(['wait', '1', '--for', 'started', '--json']);
    await home.clip(['queue', 'release']);
    const result = await waiting;
    expect(result.code).toBe(0);
    expect(JSON.parse(result.stdout).runs[0]).toMatchObject({ status: 'running', endedAt: null });
  });

  it('is 125 when clip itself fails', async () => {
    const home = createHome();
    const codes = await Promise.all(
      [
        ['wait', '99'],
        ['wait'],
        ['wait', '1', '--timeout', '-5s'],
        ['wait', '1', '--timeout', '0'],
        ['run', '--wait', '--cwd', '/no/such', '--', 'true'],
        ['run', '-w'],
        ['logs', '-f', '--exit-code', '99'],
      ].map(async (args) => [args, (await home.clip(args)).code]),
    );
    expect(codes).toEqual(codes.map(([args]) => [args, 125]));
    const alone = await home.clip(['wait', '1'], { env: { CLIP_NO_SPAWN: '1', CLIP_HOME: `${home.base}/other` } });
    expect(alone.code).toBe(125);
  });
});

describe('the exit code of other verbs', () => {
  it('distinguishes wrong usage, not found, unreachable and refused', deep, async () => {
    const home = createHome();
    await home.submit(['--', 'true']);
    await home.clip(['wait', '1']);
    const codes: [string[], number][] = [
      [['runs', '--nonsense'], 2],
      [['show', '99'], 3],
      [['cancel', '99'], 3],
      [['rm', '99'], 3],
      [['logs', '99'], 3],
      [['cancel', '1'], 5],
      [['cancel'], 2],
      [['run'], 2],
    ];
    for (const [args, code] of codes) expect([args, (await home.clip(args)).code]).toEqual([args, code]);
    const forbidden = await home.clip(['runs'], { env: { CLIP_NO_SPAWN: '1', CLIP_HOME: `${home.base}/other` } });
    expect([forbidden.code, forbidden.stdout]).toEqual([4, '']);
    expect(forbidden.stderr).toContain('CLIP_NO_SPAWN');
    expect(
      (await home.clip(['events', '-f'], { env: { CLIP_NO_SPAWN: '1', CLIP_HOME: `${home.base}/other` } })).code,
    ).toBe(4);
  });
});
