/** Why a run stopped, and under which limit: the cases of the reference system, with its names. */
import { describe, expect, it } from 'vitest';
import { codexSays } from '../../support/agents.ts';
import { deep } from '../../support/deep.ts';
import { createHome } from '../../support/home.ts';
import { ends, homeWith } from '../../support/task-runs.ts';
import { until } from '../../support/until.ts';

const { session } = codexSays;
const stays = [[session('s1')]];
const unlimited = { effectiveTimeoutSec: 0, timeoutConfigured: false, timeoutSource: 'default', timeoutFired: false };

describe('the stop metadata', () => {
  it.each(['codex', 'claude', 'gemini', 'opencode', 'plain'])(
    'have no limit for an agent of %s: 0, not configured, default, not fired',
    deep,
    async (adapter) => {
      const home = createHome();
      await home.clip(['agent', 'add', 'coder', '--adapter', adapter, '--command', '/bin/true']);
      await home.clip(['run', '-w', '--agent', 'coder', 'go']);
      expect(await home.show('@last')).toMatchObject(unlimited);
    },
  );

  it('have no limit for a plain command', async () => {
    const home = createHome();
    await home.clip(['run', '-w', '--', 'true']);
    expect(await home.show('@last')).toMatchObject({ ...unlimited, stopReason: 'completed' });
  });

  it('have the limit that a run passed: configured, config, timeout, fired', deep, async () => {
    const { home } = await homeWith(() => stays, ['--timeout', '2s']);
    const result = await home.clip(['run', '-w', '--agent', 'coder', 'go']);
    expect(result.code).toBe(124);
    expect(await home.show('@last')).toMatchObject({
      status: 'timed_out',
      stopReason: 'timeout',
      errorCode: 'timeout',
      effectiveTimeoutSec: 2,
      timeoutConfigured: true,
      timeoutSource: 'config',
      timeoutFired: true,
    });
  });

  it('have an unreached limit as not fired, and 0 as set without a limit', deep, async () => {
    const { home } = await homeWith(() => [ends.changes], ['--timeout', '45s']);
    await home.clip(['run', '-w', '--agent', 'coder', 'go']);
    const completed = { stopReason: 'completed', timeoutSource: 'config', timeoutFired: false };
    expect(await home.show('@last')).toMatchObject({
      ...completed,
      effectiveTimeoutSec: 45,
      timeoutConfigured: true,
    });
    await home.clip(['run', '-w', '--agent', 'coder', '--timeout', '0s', 'go']);
    expect(await home.show('@last')).toMatchObject({
      ...completed,
      effectiveTimeoutSec: 0,
      timeoutConfigured: false,
    });
  });

  // This differs from the reference, because the words of a message may change.
  it.each([
    ['a person', [], ['cancel', '--no-wait', '@last'], 'cancelled'],
    ['a pause of its agent', [], ['agent', 'pause', '--now', 'coder'], 'paused'],
    ['a budget', ['--budget-run', '1s'], null, 'budget_paused'],
  ] as const)(
    'distinguish a stop by %s by the recorded order, not its message',
    deep,
    async (_, options, stop, stopReason) => {
      const { home } = await homeWith(() => stays, options);
      const number = await home.submit(['--agent', 'coder', '--name', 'budget-pause', 'cancel: budget pause']);
      await until('the agent is working', async () => (await home.show(number)).sessionIdAfter === 's1');
      if (stop !== null) await home.clip([...stop]);
      const run = await home.untilStatus(number, 'cancelled');
      expect(run).toMatchObject({ status: 'cancelled', errorCode: 'cancelled', stopReason, timeoutFired: false });
    },
  );

  it('are kept beside the output and usage of the run, and change neither', deep, async () => {
    const { home } = await homeWith(() => [ends.changes]);
    await home.clip(['run', '-w', '--agent', 'coder', 'go']);
    expect(await home.show('@last')).toMatchObject({
      ...unlimited,
      stopReason: 'completed',
      lastMessage: 'Changed.',
      sessionIdAfter: 's1',
      usage: { inputTokens: 10, outputTokens: 1 },
      exitCode: 0,
    });
  });
});
