import { describe, expect, inject, it } from 'vitest';
import { adapterNames } from '../support/agent-clis.ts';
import { createAgentHome } from '../support/agent-home.ts';

for (const cli of adapterNames) {
  describe.skipIf(inject('programs')[cli].why !== null)(cli, () => {
    it('a run with a command that changed a file is advanced', async () => {
      const run = await (await createAgentHome(cli, 'tool_shell')).run();
      expect(run).toMatchObject({ livenessState: 'advanced', lastUsefulActionAt: expect.any(String) });
    });

    it('a run with an answer that only announces work is plan_only, with its next action', async () => {
      const run = await (await createAgentHome(cli, 'plan_only')).run();
      expect(run).toMatchObject({ livenessState: 'plan_only', nextAction: expect.stringMatching(/inspect the repo/) });
    });

    it('a run with an empty answer is empty_response, or failed when the agent reports a failure', async () => {
      const run = await (await createAgentHome(cli, 'empty')).run();
      expect(run).toMatchObject({ livenessState: cli === 'gemini' ? 'failed' : 'empty_response' });
    });
  });
}
