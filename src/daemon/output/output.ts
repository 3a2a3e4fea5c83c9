/** What runs say: their streams, and the reports that they send. */
import type { AgentServices } from '../agents/agents.ts';
import type { Core } from '../core/core.ts';
import { createReports, type Reports } from './agent-reports.ts';
import { LogFollower } from './log-follower.ts';

export type Output = { readonly reports: Reports; readonly logFollower: LogFollower };

export function createOutput(core: Core, { tokens, secretsOfRun: secretsOf }: AgentServices): Output {
  const { store, supervisor, now } = core;
  const reports = createReports({ store, supervisor, tokens, secretsOf, now });
  return { reports, logFollower: new LogFollower(core, { tokens, reports, secretsOf }) };
}
