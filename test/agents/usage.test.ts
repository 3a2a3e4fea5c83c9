/** The usage of runs is counted while they work: budgets are enforced, and killed or stopped runs keep their usage. */
import { expect } from 'vitest';
import { cliNames } from '../support/agent-clis.ts';
import { createAgentHome, type ModelRequest } from '../support/agent-home.ts';
import { withEachCli } from '../support/agent-scenarios.ts';
import { until } from '../support/until.ts';

const tokensMax = 60_000;
const usedBy = ({ usage }: ModelRequest): number => (usage === null ? 0 : usage.in + usage.out);
const sum = (requests: readonly ModelRequest[]) => ({
  inputTokens: requests.reduce((all, { usage }) => all + (usage?.in ?? 0), 0),
  outputTokens: requests.reduce((all, { usage }) => all + (usage?.out ?? 0), 0),
});

/** Returns how many requests the model had served when the limit was reached. */
function requestsUntil(limit: number, requests: readonly ModelRequest[]): number {
  return (
    requests.findIndex(
      (_, index) => requests.slice(0, index + 1).reduce((all, request) => all + usedBy(request), 0) >= limit,
    ) + 1
  );
}

withEachCli((cli, scenario) => {
  scenario('budget', 'an agent that never stops is stopped within one call above its limit on tokens', async () => {
    const agent = await createAgentHome(cli, 'endless', { options: ['--budget-run', `${tokensMax} tokens`] });
    const number = await agent.begin();
    const run = await agent.ended(number);
    expect(run).toMatchObject({ status: 'cancelled', stopReason: 'budget_paused' });
    await agent.untilSettled(number);
    const served = agent.requests();
    const needed = requestsUntil(tokensMax, served);
    expect([needed, served.length]).toEqual([
      needed,
      expect.toSatisfy((count: number) => count > 0 && count <= needed + 1),
    ]);
    const { inputTokens, outputTokens } = sum(served);
    expect((run.usage?.inputTokens ?? 0) + (run.usage?.outputTokens ?? 0)).toBeGreaterThanOrEqual(tokensMax);
    expect(run.usage?.inputTokens).toBeLessThanOrEqual(inputTokens);
    expect(run.usage?.outputTokens).toBeLessThanOrEqual(outputTokens);
    return run;
  });

  scenario(
    'killed, counted',
    'a killed run keeps its usage, and the next run of its session is charged for its own',
    async () => {
      const agent = await createAgentHome(cli, 'endless');
      const number = await agent.begin();
      await until(
        'three calls of the model are counted',
        async () => ((await agent.show(number)).evidence?.commands ?? 0) >= 3,
        90_000,
      );
      process.kill((await agent.show(number)).processPid ?? Number.NaN, 'SIGKILL');
      const killed = await agent.ended(number);
      await agent.untilSettled(number);
      const first = agent.requests();
      expect(killed).toMatchObject({ status: 'failed', signal: 'SIGKILL', usage: { partial: true } });
      // The model may have served the call that was in progress, but its usage was never reported.
      for (const which of ['inputTokens', 'outputTokens'] as const) {
        expect(killed.usage?.[which]).toBeLessThanOrEqual(sum(first)[which]);
      }
      expect(killed.usage?.inputTokens).toBeGreaterThanOrEqual(sum(first.slice(0, -1)).inputTokens);

      await agent.clip(['agent', 'edit', cli, '--budget-run', '40k tokens']);
      const next = await agent.again(killed);
      await agent.untilSettled(next.number);
      const second = agent.requests().slice(first.length);
      expect(next.usage?.inputTokens).toBeLessThanOrEqual(sum(second).inputTokens);
      expect(next.usage?.inputTokens).toBeGreaterThanOrEqual(sum(second.slice(0, -1)).inputTokens);
      return next;
    },
  );
}, cliNames);
