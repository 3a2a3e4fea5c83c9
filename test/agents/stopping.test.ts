import { expect } from 'vitest';
import { createAgentHome } from '../support/agent-home.ts';
import { withEachCli } from '../support/agent-scenarios.ts';

const cancelled = { status: 'cancelled', errorCode: 'cancelled', stopReason: 'cancelled' };

withEachCli((cli, scenario) => {
  /** Cancels a run while a tool is running, and looks for processes that are still alive. */
  function cancelDuring(name: 'tool_long' | 'tool_trap' | 'tool_background', sentence: string, pidFile: string): void {
    scenario(`${name} + cancel`, sentence, async () => {
      const agent = await createAgentHome(cli, name);
      const number = await agent.begin();
      await agent.untilFile(pidFile);
      const { code, stderr } = await agent.clip(['cancel', String(number), '--grace', '2s']);
      const run = await agent.ended(number);
      expect(agent.leftOf(run.id, pidFile)).toEqual([]);
      if (name === 'tool_background') {
        // The turn continues without waiting for the tool, so it may have ended before the cancel.
        expect(['cancelled', 'succeeded'], stderr).toContain(run.status);
      } else {
        expect({ code, stderr }).toMatchObject({ code: 0 });
        expect(run).toMatchObject(cancelled);
      }
      return run;
    });
  }

  cancelDuring('tool_long', 'a run that is canceled in a tool leaves no process', 'tool.pid');
  cancelDuring('tool_trap', 'a tool that ignores every polite signal is ended as well', 'tool.pid');
  cancelDuring('tool_background', 'a tool in the background does not outlive a canceled run', 'tool.pid');

  scenario('hang + cancel', 'a run that waits for the model can be canceled', async () => {
    const agent = await createAgentHome(cli, 'hang_before_headers');
    const number = await agent.begin();
    await agent.untilAsked();
    expect(await agent.clip(['cancel', String(number), '--grace', '2s'])).toMatchObject({ code: 0 });
    const run = await agent.ended(number);
    expect(run).toMatchObject(cancelled);
    expect(agent.leftOf(run.id, null)).toEqual([]);
    return run;
  });

  scenario('tool_daemon', 'a process that a tool left behind is listed and ended', async () => {
    const agent = await createAgentHome(cli, 'tool_daemon');
    const { number } = await agent.run();
    const run = await agent.untilSettled(number);
    expect(run).toMatchObject({ status: 'succeeded', errorCode: null });
    expect(run.leaked).toContainEqual(
      expect.objectContaining({ command: expect.stringContaining('sleep'), ended: true }),
    );
    expect(agent.leftOf(run.id, 'daemon.pid')).toEqual([]);
    return run;
  });
});
