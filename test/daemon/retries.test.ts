import { describe, expect, it } from 'vitest';
import { codexSays } from '../support/agents.ts';
import { createDaemonHome } from '../support/daemon/daemon-home.ts';

const { session, failed } = codexSays;

describe('the retry of a run of an agent', () => {
  it.each([
    ['resumes the session if the agent has the same CLI', 'codex', 's1'],
    ['begins a session if the agent has got another CLI', 'gemini', null],
  ] as const)('%s', async (_, adapter, sessionIdBefore) => {
    const home = await createDaemonHome();
    await home.addAgent('coder', [[session('s1'), failed('overloaded'), { exit: 1 }], []]);
    await home.untilSettled(await home.runAgent('coder'));
    await home.editAgent('coder', { adapter });
    await home.send('POST', '/runs/1/retry', {});
    expect(await home.show(2)).toMatchObject({ adapter, sessionIdBefore, retryOfRunId: (await home.show(1)).id });
  });

  it('with an unknown session is no retry after a loss', async () => {
    const home = await createDaemonHome();
    const unknown = [{ complain: 'Error: thread/resume failed: no rollout found for thread id s1 (code -32600)' }];
    const fails = [session('s1'), failed('overloaded'), { exit: 1 }];
    await home.addAgent('coder', [fails, [...unknown, { exit: 1 }], []]);
    await home.untilSettled(await home.runAgent('coder'));
    await home.send('POST', '/runs/1/retry', {});
    expect(await home.untilStatus(3, 'running')).toMatchObject({
      retryReason: 'unknown_session',
      processLossRetryCount: 0,
    });
  });
});
