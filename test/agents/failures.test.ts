import { expect } from 'vitest';
import type { CliName } from '../support/agent-clis.ts';
import { createAgentHome } from '../support/agent-home.ts';
import { withEachCli } from '../support/agent-scenarios.ts';
import type { ScenarioName } from '../support/agent-table.ts';

/** In these scenarios the CLI repeats its request silently, for minutes or forever. Only a time limit ends it. */
const neverGiveUp: Readonly<Partial<Record<ScenarioName, readonly CliName[]>>> = {
  http_429: ['gemini'],
  http_500: ['gemini', 'opencode'],
};

withEachCli((cli, scenario) => {
  /** Tests that a run fails with the expected error code when the model answers with an error. */
  function trouble(name: ScenarioName, errorCode: string, stopReason: string): void {
    const silent = neverGiveUp[name]?.includes(cli) ?? false;
    const sentence = silent
      ? `${name}: the agent retries forever, and the time limit ends the run`
      : `${name}: the run fails with ${errorCode}`;
    scenario(name, sentence, async () => {
      const agent = await createAgentHome(cli, name);
      const run = await agent.run('--timeout', silent ? '20s' : '120s');
      const end = silent
        ? { status: 'timed_out', errorCode: 'timeout', stopReason: 'timeout', timeoutFired: true }
        : { status: 'failed', errorCode, stopReason };
      expect(run).toMatchObject(end);
      expect(run.error).not.toBeNull();
      expect(agent.leftOf(run.id, null)).toEqual([]);
      return run;
    });
  }

  trouble('http_401', 'auth_required', 'adapter_failed');
  trouble('http_429', 'rate_limited', 'rate_limited');
  trouble('http_500', 'provider_unavailable', 'adapter_failed');
  trouble('context_exceeded', 'context_exhausted', 'context_exhausted');

  scenario('hang + timeout', 'a model that never answers: the time limit ends the run', async () => {
    const agent = await createAgentHome(cli, 'hang_before_headers');
    // Opencode may need half a minute before its first request to the model.
    const limitSec = cli === 'opencode' ? 45 : 15;
    const run = await agent.run('--timeout', `${limitSec}s`, '--grace', '2s');
    expect(run).toMatchObject({
      status: 'timed_out',
      errorCode: 'timeout',
      stopReason: 'timeout',
      timeoutFired: true,
      effectiveTimeoutSec: limitSec,
    });
    expect(agent.requests().length).toBeGreaterThan(0);
    expect(agent.leftOf(run.id, null)).toEqual([]);
    return run;
  });
});
