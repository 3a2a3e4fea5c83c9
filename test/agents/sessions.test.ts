import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { createAgentHome, tokensOf } from '../support/agent-home.ts';
import { withEachCli } from '../support/agent-scenarios.ts';

withEachCli((cli, scenario) => {
  scenario('session, again', 'a second run in the same session is charged for its own usage alone', async () => {
    const agent = await createAgentHome(cli, 'plain');
    const first = await agent.run();
    const before = agent.requests().length;
    const run = await agent.again(first);
    const { sessionIdAfter: session } = first;
    expect(run).toMatchObject({
      status: 'succeeded',
      retryOfRunId: first.id,
      sessionIdBefore: session,
      sessionIdAfter: session,
    });
    expect(run).toMatchObject({ usage: tokensOf(agent.requests().slice(before)), evidence: { messages: 1 } });
    expect(run.usage?.costUsd ?? 0).toBeLessThan((first.usage?.costUsd ?? 0) * 1.5 + 0.001);
    return run;
  });

  scenario(
    'session gone',
    'a session that the agent no longer knows is named as the reason of the failure',
    async () => {
      const agent = await createAgentHome(cli, 'plain');
      const first = await agent.run();
      for (const folder of ['.codex/sessions', '.claude/projects', '.gemini/tmp', '.local/share/opencode']) {
        rmSync(join(agent.agentHome, folder), { recursive: true, force: true });
      }
      const run = await agent.again(first);
      expect(run).toMatchObject({
        status: 'failed',
        errorCode: 'unknown_session',
        sessionIdBefore: first.sessionIdAfter,
      });
      return run;
    },
  );

  scenario('tool_background', 'a run ends with its agent, and so does a tool in the background', async () => {
    const agent = await createAgentHome(cli, 'tool_background');
    const run = await agent.run();
    expect(run).toMatchObject({
      status: 'succeeded',
      errorCode: null,
      evidence: { toolCalls: 1 },
      usage: tokensOf(agent.requests()),
    });
    await agent.untilSettled(run.number);
    expect(agent.leftOf(run.id, 'tool.pid')).toEqual([]);
    return run;
  });

  scenario('denied', 'an agent with the permission ask changes no file', async () => {
    const agent = await createAgentHome(cli, 'tool_write', {
      permission: 'ask',
      ...(cli === 'codex' ? { model: 'gpt-5.5' } : {}),
    });
    const run = await agent.run();
    expect(existsSync(agent.file('written.txt'))).toBe(false);
    expect(run).toMatchObject({ status: 'failed', errorCode: 'permission_denied', evidence: { filesChanged: 0 } });
    return run;
  });
});
