import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunView } from '#protocol/answers.ts';
import { addSpeaker, codexSays } from '../support/agents.ts';
import { deep } from '../support/deep.ts';
import { createHome, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const { session, words, command, done, failed } = codexSays;
const well = [words('All is done.'), done(1_000, 20), { exit: 0 }];

async function runs(home: TestHome): Promise<RunView[]> {
  return (await home.json<{ runs: RunView[] }>(['runs', '--json'])).runs.reverse();
}

const retry = async (home: TestHome, ...args: string[]): Promise<number> =>
  Number((await home.clip(['retry', '-q', ...args])).stdout);

describe('the session of an agent', () => {
  it('is resumed by a retry with its own prompt, and charged only once', async () => {
    const home = createHome();
    const { seen } = await addSpeaker(home, [
      [session('s1'), words('Half.'), done(1_000, 20), { exit: 1 }],
      [session('s1'), words('All is done.'), done(1_700, 25), { exit: 0 }],
    ]);
    const first = await home.submit(['--agent', 'coder', 'build it']);
    // The result is complete, so the exit of the process does not change it.
    const remark = 'It exited with code 1 after its complete result.';
    expect(await home.untilStatus(first, 'succeeded')).toMatchObject({ exitCode: 1, error: null, remark });
    const second = await home.untilStatus(await retry(home, String(first)), 'succeeded');
    expect(second).toMatchObject({
      sessionIdBefore: 's1',
      sessionIdAfter: 's1',
      retryReason: 'manual',
      usage: { inputTokens: 700, outputTokens: 5 },
    });
    expect(seen()[1]?.argv.slice(-3)).toEqual(['resume', 's1', '-']);
    expect(seen()[1]?.stdin).toContain('build it');
    expect(seen()[1]?.stdin).toContain('same session');
    expect(await home.show(first)).toMatchObject({ usage: { inputTokens: 1_000, outputTokens: 20 } });
    // The third run gets the first prompt, not a prompt that quotes a prompt.
    await home.untilStatus(await retry(home, String(second.number)), 'succeeded');
    expect(seen()[2]?.stdin.match(/same session/g)).toHaveLength(1);
  });

  it('is not resumed with --fresh: the retry gets the first prompt alone', deep, async () => {
    const home = createHome();
    const { seen } = await addSpeaker(home, [
      [session('s1'), ...well],
      [session('s2'), ...well],
    ]);
    const first = await home.submit(['--agent', 'coder', 'build it']);
    await home.untilStatus(first, 'succeeded');
    expect(await home.untilStatus(await retry(home, '--fresh', String(first)), 'succeeded')).toMatchObject({
      sessionIdBefore: null,
      sessionIdAfter: 's2',
    });
    expect(seen()[1]).toMatchObject({ stdin: 'build it' });
    expect(seen()[1]?.argv).not.toContain('resume');
  });

  it('has one run at a time, even if the first reports it late', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    await addSpeaker(
      home,
      [
        [session('s1'), ...well],
        [session('s1'), { await: gate }, ...well],
      ],
      ['--share-worktree', '--concurrency', '5'],
    );
    const first = await home.submit(['--agent', 'coder', 'x']);
    await home.untilStatus(first, 'succeeded');
    const second = await home.submit(['--agent', 'coder', 'x']);
    await until('the session of the run is known', async () => (await home.show(second)).sessionIdAfter === 's1');
    const third = await retry(home, String(first));
    expect(await home.show(third)).toMatchObject({
      status: 'queued',
      waitingFor: `lock session:codex:s1 is held by run ${second}`,
    });
    writeFileSync(gate, '');
    await home.untilStatus(third, 'succeeded');
  });

  it('stays reserved for its run after the daemon was killed', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    await addSpeaker(
      home,
      [
        [session('s1'), ...well],
        [session('s1'), { await: gate }, ...well],
      ],
      ['--share-worktree', '--concurrency', '5'],
    );
    const first = await home.submit(['--agent', 'coder', 'x']);
    await home.untilStatus(first, 'succeeded');
    const second = await home.submit(['--agent', 'coder', 'x']);
    await until('the session of the run is known', async () => (await home.show(second)).sessionIdAfter === 's1');
    const third = await retry(home, String(first));
    await home.kill(home.daemonPid());
    expect(await home.show(third)).toMatchObject({
      status: 'queued',
      waitingFor: `lock session:codex:s1 is held by run ${second}`,
    });
    writeFileSync(gate, '');
    await home.untilStatus(third, 'succeeded');
  });

  it('that is unknown to the agent leads to one fresh run', async () => {
    const home = createHome();
    const unknown = [
      { complain: 'Error: thread/resume failed: no rollout found for thread id s1 (code -32600)' },
      { exit: 1 },
    ];
    const { seen } = await addSpeaker(home, [
      [session('s1'), words('Half.'), failed('overloaded'), { exit: 1 }],
      unknown,
      unknown,
    ]);
    const first = await home.submit(['--agent', 'coder', 'build it']);
    await home.untilStatus(first, 'failed');
    const second = await retry(home, String(first));
    const all = await until('all runs have settled', async () => {
      const found = await runs(home);
      return found.length >= 3 && found.every(({ settled }) => settled) ? found : null;
    });
    expect(all.map(({ errorCode, retryReason, sessionIdBefore }) => [errorCode, retryReason, sessionIdBefore])).toEqual(
      [
        ['provider_unavailable', null, null],
        ['unknown_session', 'manual', 's1'],
        ['unknown_session', 'unknown_session', null],
      ],
    );
    expect(all[2]?.retryOfRunId).toBe((await home.show(second)).id);
    expect(seen()[2]?.stdin).toBe('build it');
  });
});

describe('an agent without daemon and keeper', () => {
  const count = 60;
  const story = (gate: string, gate2: string) => [
    session('s1'),
    ...Array.from({ length: count }, (_, index) => command(`a${index}`, `make ${index}`, index % 5 === 0 ? 1 : 0)),
    { raw: '{"type":"item.completed","item":{"id":"w","type":"agent_message","text":"Hal' },
    { await: gate },
    { raw: 'f done."}}\n' },
    ...Array.from({ length: count }, (_, index) => command(`b${index}`, `make ${index}`)),
    { await: gate2 },
    done(500, 50),
    { exit: 0 },
  ];
  const counted = { toolCalls: 2 * count, commands: 2 * count, commandsFailed: count / 5, messages: 1 };

  it('has its stream counted once, despite a cut line', deep, async () => {
    const home = createHome();
    const gates = [join(home.base, 'gate1'), join(home.base, 'gate2')] as const;
    await addSpeaker(home, [story(...gates)]);
    const number = await home.submit(['--agent', 'coder', 'x']);
    await until('half of it was read', async () => (await home.show(number)).evidence?.toolCalls === count);
    await home.kill(home.daemonPid());
    writeFileSync(gates[0], '');
    await until('the rest was read', async () => (await home.show(number)).evidence?.toolCalls === 2 * count);
    await home.kill(home.daemonPid());
    writeFileSync(gates[1], '');
    expect(await home.untilStatus(number, 'succeeded')).toMatchObject({
      evidence: counted,
      usage: { inputTokens: 500, outputTokens: 50 },
      sessionIdAfter: 's1',
      lastMessage: 'Half done.',
      exitCode: 0,
    });
    expect((await home.history(number)).filter(({ type }) => type === 'session')).toHaveLength(1);
  });

  it('has its final output read when it ends without a daemon', async () => {
    const home = createHome();
    const gates = [join(home.base, 'gate1'), join(home.base, 'gate2')] as const;
    await addSpeaker(home, [story(...gates)]);
    const number = await home.submit(['--agent', 'coder', 'x']);
    const { processPid } = await home.untilStatus(number, 'running');
    await home.clip(['daemon', 'stop']);
    for (const gate of gates) writeFileSync(gate, '');
    await until('the process has ended', () => {
      try {
        process.kill(processPid ?? 0, 0);
        return false;
      } catch {
        return true;
      }
    });
    expect(await home.untilStatus(number, 'succeeded')).toMatchObject({
      evidence: counted,
      usage: { inputTokens: 500 },
    });
  });

  it('is judged by its stream, with an unknown exit code', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    await addSpeaker(home, [[session('s1'), { await: gate }, ...well]]);
    const number = await home.submit(['--agent', 'coder', 'x']);
    await until('the session of the run is known', async () => (await home.show(number)).sessionIdAfter === 's1');
    for (const keeper of home.pidsOf('keeper')) await home.kill(keeper);
    await until('the run is detached', async () => (await home.show(number)).errorCode === 'process_detached');
    writeFileSync(gate, '');
    expect(await home.untilStatus(number, 'succeeded')).toMatchObject({
      exitCode: null,
      exitKnown: false,
      stopReason: 'completed',
      lastMessage: 'All is done.',
    });
    expect(await runs(home)).toHaveLength(1);
  });

  it('is lost without a result, and a retry has its session', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    const { seen } = await addSpeaker(home, [
      [session('s1'), words('Working.'), { await: gate }, { exit: 0 }],
      [session('s1'), ...well],
    ]);
    const number = await home.submit(['--agent', 'coder', 'x']);
    await until('the session of the run is known', async () => (await home.show(number)).sessionIdAfter === 's1');
    for (const keeper of home.pidsOf('keeper')) await home.kill(keeper);
    await until('the run is detached', async () => (await home.show(number)).errorCode === 'process_detached');
    writeFileSync(gate, '');
    expect(await home.untilStatus(number, 'failed')).toMatchObject({ errorCode: 'process_lost', exitKnown: false });
    const again = await home.untilStatus(number + 1, 'succeeded');
    expect(again).toMatchObject({ retryReason: 'process_lost', processLossRetryCount: 1, sessionIdBefore: 's1' });
    expect(seen()[1]?.argv).toContain('s1');
    expect(seen()[1]?.stdin).toContain('its process was lost');
  });
});
