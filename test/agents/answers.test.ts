import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { createAgentHome, tokensOf } from '../support/agent-home.ts';
import { withEachCli } from '../support/agent-scenarios.ts';

const well = { status: 'succeeded', stopReason: 'completed', errorCode: null, exitCode: 0, timeoutFired: false };

withEachCli((cli, scenario) => {
  scenario('plain', 'an answer without work succeeds, with its session, its tokens, and no evidence', async () => {
    const agent = await createAgentHome(cli, 'plain');
    const run = await agent.run();
    expect(run).toMatchObject({
      ...well,
      adapter: cli,
      agentName: cli,
      sessionIdBefore: null,
      sessionIdAfter: expect.stringMatching(/./),
    });
    expect(run).toMatchObject({
      evidence: { toolCalls: 0, commands: 0, filesChanged: 0, messages: 1 },
      usage: tokensOf(agent.requests()),
    });
    expect(agent.leftOf(run.id, null)).toEqual([]);
    return run;
  });

  scenario('tool_shell', 'a command that ran is evidence', async () => {
    const agent = await createAgentHome(cli, 'tool_shell');
    const run = await agent.run();
    expect(readFileSync(agent.file('out.txt'), 'utf8')).toBe('hi\n');
    expect(run).toMatchObject({
      ...well,
      evidence: { toolCalls: 1, commands: 1, commandsFailed: 0, messages: 1 },
      usage: tokensOf(agent.requests()),
    });
    return run;
  });

  scenario('tool_write', 'a file that was written is evidence', async () => {
    // Codex offers its own tool for patches only to models it knows.
    const agent = await createAgentHome(cli, 'tool_write', cli === 'codex' ? { model: 'gpt-5.5' } : {});
    const run = await agent.run();
    expect(readFileSync(agent.file('written.txt'), 'utf8')).toBe('hello from the write tool\n');
    expect(run).toMatchObject({ ...well, evidence: { toolCalls: 1, commands: 0, filesChanged: 1 } });
    return run;
  });

  scenario('plan_only', 'an answer that only announces work is no evidence', async () => {
    const agent = await createAgentHome(cli, 'plan_only');
    const run = await agent.run();
    expect(run).toMatchObject({ ...well, evidence: { toolCalls: 0, commands: 0, filesChanged: 0, messages: 1 } });
    return run;
  });

  scenario('empty', 'an empty answer does not count as work', async () => {
    const agent = await createAgentHome(cli, 'empty');
    const run = await agent.run();
    // Only gemini reports the error in its stream. It exits with 0 nevertheless.
    const end = cli === 'gemini' ? { status: 'failed', exitCode: 0, stopReason: 'adapter_failed' } : well;
    expect(run).toMatchObject({ ...end, evidence: { toolCalls: 0, messages: 0 } });
    expect(existsSync(agent.file('out.txt'))).toBe(false);
    return run;
  });

  scenario('long prompt', 'a prompt of 300 kB reaches the agent completely', async () => {
    const agent = await createAgentHome(cli, 'plain');
    const prompt = `Please do the task. ${'And do it well. '.repeat(20_000)}`;
    writeFileSync(agent.file('prompt.txt'), prompt);
    const run = await agent.ended(await agent.submit(['--agent', cli, '--prompt-file', agent.file('prompt.txt')]));
    expect(run).toMatchObject({ ...well, usage: tokensOf(agent.requests()) });
    expect(agent.requests().at(-1)?.bytes).toBeGreaterThan(prompt.length);
    return run;
  });
});
