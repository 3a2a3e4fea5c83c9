import { describe, expect, inject, it } from 'vitest';
import { adapterNames } from '../support/agent-clis.ts';
import { createAgentHome } from '../support/agent-home.ts';

for (const cli of adapterNames) {
  describe.skipIf(inject('programs')[cli].why !== null)(cli, () => {
    it('a command that changed a file advanced its work', async () => {
      const run = await (await createAgentHome(cli, 'tool_shell')).run();
      expect(run).toMatchObject({ livenessState: 'advanced', lastUsefulActionAt: expect.any(String) });
    });

    it('an answer that only announces work is plan_only, and says what comes next', async () => {
      const run = await (await createAgentHome(cli, 'plan_only')).run();
      expect(run).toMatchObject({ livenessState: 'plan_only', nextAction: expect.stringMatching(/inspect the repo/) });
    });

    it('an empty answer is an empty_response, or failed where the agent says so itself', async () => {
      const run = await (await createAgentHome(cli, 'empty')).run();
      expect(run).toMatchObject({ livenessState: cli === 'gemini' ? 'failed' : 'empty_response' });
    });
  });
}
