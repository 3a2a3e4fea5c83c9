import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { reportMarker } from '#run/agent-report.ts';
import { createAgentHome } from '../support/agent-home.ts';
import { withEachCli } from '../support/agent-scenarios.ts';

withEachCli(
  (cli, scenario) => {
    for (const permission of ['full', 'edit', 'ask'] as const) {
      // In its sandbox codex may not use the socket. The report is printed instead, and appears in the output of its
      // tool.
      const inItsStream = cli === 'codex' && permission !== 'full';
      scenario(
        `report, ${permission}`,
        `with permission ${permission}, a tool reports ${inItsStream ? 'in the stream' : 'over the socket'}`,
        async () => {
          const agent = await createAgentHome(cli, 'report_done', { permission });
          const run = await agent.run();
          expect(run).toMatchObject({
            status: 'succeeded',
            errorCode: null,
            livenessState: 'advanced',
            evidence: { reports: 1 },
          });
          const reports = (await agent.history(run.number)).filter(({ type }) => type === 'report');
          expect(reports).toMatchObject([{ data: { kind: 'done', text: 'all of it, checked' } }]);
          expect(readFileSync(run.stdoutPath, 'utf8').includes(reportMarker)).toBe(inItsStream);
          return run;
        },
      );
    }

    // The sandbox of codex is not tested here.
    if (cli !== 'claude') return;
    scenario(
      'report and more',
      'an agent with the permission ask can use the permission to report for nothing else',
      async () => {
        const agent = await createAgentHome(cli, 'report_and_more', { permission: 'ask' });
        const run = await agent.run();
        expect(existsSync(agent.file('more.txt'))).toBe(false);
        expect(run).toMatchObject({
          status: 'failed',
          errorCode: 'permission_denied',
          evidence: { toolCalls: 3, reports: 0 },
        });
        return run;
      },
    );
  },
  ['codex', 'claude'],
);
