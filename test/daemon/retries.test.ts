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

  it('resumes the session whose id clip has chosen', async () => {
    const home = await createDaemonHome();
    const mapping = {
      command: 'talker',
      prompt: 'stdin',
      start: { args: ['--session-id', '{{newSession}}'] },
      resume: { args: ['--resume', '{{session}}'] },
      rules: [{ when: { type: 'result' }, result: {} }],
    };
    const request = { adapter: 'plain', mapping, command: process.execPath, cwd: home.work };
    await home.send('PUT', '/agents/talker', request);
    home.plan({ steps: [], isLocal: true });
    const first = await home.runAgent('talker', { key: 'once', prompt: 'go' });
    expect(await home.runAgent('talker', { key: 'once', prompt: 'go' })).toBe(first);
    const { launch } = await home.process(first);
    const chosen = launch.argv[2];
    expect(chosen).toMatch(/^[\da-f-]{36}$/);
    await home.keepers[0]?.die({ runs: true });
    await home.untilStatus(2, 'running');
    expect((await home.process(2)).launch.argv.slice(1)).toEqual(['--resume', chosen]);
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
