import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { createAgentHome, tokensOf } from '../support/agent-home.ts';
import { withEachCli } from '../support/agent-scenarios.ts';
import { until } from '../support/until.ts';

withEachCli((cli, scenario) => {
  scenario('agent killed, retry', 'an agent that was killed in a tool continues its session in the retry', async () => {
    const agent = await createAgentHome(cli, 'once_long');
    const number = await agent.begin();
    await agent.untilFile('tool.pid');
    const { processPid } = await agent.show(number);
    process.kill(processPid ?? Number.NaN, 'SIGKILL');
    const killed = await agent.ended(number);
    expect(killed).toMatchObject({ status: 'failed', signal: 'SIGKILL', sessionIdAfter: expect.stringMatching(/./) });
    expect(agent.leftOf(killed.id, 'tool.pid')).toEqual([]);

    const run = await agent.again(killed);
    const { sessionIdAfter: session } = killed;
    expect(run).toMatchObject({
      status: 'succeeded',
      errorCode: null,
      retryOfRunId: killed.id,
      sessionIdBefore: session,
      sessionIdAfter: session,
    });
    expect(agent.requests().at(-1)?.typed.length).toBeGreaterThan(1);
    return run;
  });

  scenario('run lost', 'an agent that is lost with its keeper is started once more, in its session', async () => {
    const agent = await createAgentHome(cli, 'once_long');
    const number = await agent.begin();
    await agent.untilFile('tool.pid');
    const { processPid } = await agent.show(number);
    for (const pid of [...agent.pidsOf('keeper'), processPid ?? Number.NaN]) process.kill(pid, 'SIGKILL');
    const lost = await agent.ended(number);
    expect(lost).toMatchObject({ status: 'failed', errorCode: 'process_lost', exitCode: null, exitKnown: false });
    const run = await agent.ended(number + 1);
    const { sessionIdAfter: session } = lost;
    expect(run).toMatchObject({
      status: 'succeeded',
      retryOfRunId: lost.id,
      retryReason: 'process_lost',
      processLossRetryCount: 1,
    });
    expect(run).toMatchObject({ sessionIdBefore: session, sessionIdAfter: session });
    expect(agent.leftOf(lost.id, 'tool.pid')).toEqual([]);
    return run;
  });

  scenario('daemon killed', 'a daemon that is killed twice during a run counts all usage once', async () => {
    const agent = await createAgentHome(cli, 'three_gated');
    const number = await agent.begin();
    for (const [before, step] of ['one', 'two'].entries()) {
      await until(`step ${step} has begun`, () => readFileSync(agent.file('steps.txt'), 'utf8').includes(step), 90_000);
      // What was counted so far could be counted twice after the restart.
      await until(
        `${before} commands are counted`,
        async () => ((await agent.show(number)).evidence?.commands ?? 0) >= before,
      );
      await agent.kill(await until('one daemon is running', () => agent.daemonPid()));
      writeFileSync(agent.file(`go-${step}`), '');
    }
    const run = await agent.ended(number);
    expect(readFileSync(agent.file('steps.txt'), 'utf8')).toBe('one\ntwo\nthree\n');
    expect(run).toMatchObject({ status: 'succeeded', errorCode: null, exitCode: 0 });
    expect(run).toMatchObject({
      evidence: { toolCalls: 3, commands: 3, commandsFailed: 0, messages: 1 },
      usage: tokensOf(agent.requests()),
    });
    return run;
  });
});
