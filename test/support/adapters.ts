/** Replaying lines through an adapter, and what they amount to. */
import { type Adapter, type Launch, type ReadAt, read, readFrom, readRest, type Stream } from '../../src/adapters/adapter.ts';
import { type Account, emptyAccount, fold } from '../../src/run/account.ts';
import type { AgentProfile } from '../../src/run/agent.ts';
import type { Reading } from '../../src/run/reading.ts';
import { type Report, reportOf, type SeenExit } from '../../src/run/report.ts';
import { noTotals, type Usage, usageOf } from '../../src/run/usage.ts';

export const readAt: ReadAt = { at: Date.UTC(2026, 5, 1, 12), timeZone: 'UTC' };

export function anAgent(given: Partial<AgentProfile> = {}): AgentProfile {
  return { id: 'a1', name: 'ada', adapter: 'plain', command: null, model: null, role: null, args: [], permission: 'edit', mapping: null, ...given };
}

export function aLaunch(agent: Partial<AgentProfile> = {}, given: Partial<Launch> = {}): Launch {
  return { agent: anAgent(agent), sessionId: null, promptPath: '/runs/1/prompt.txt', environment: {}, ...given };
}

/** Lines as objects, or as they are. */
export function replay(adapter: Adapter, lines: readonly (object | string)[], stream: Stream = 'stdout'): Reading[] {
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  const from = { stream, at: readAt };
  const { state, readings } = read(adapter, readFrom(0), Buffer.from(text), from);
  return [...readings, ...readRest(adapter, state, from).readings];
}

export type Told = { readonly account: Account; readonly usage: Usage | null; readonly report: Report | null };

/** What is made of a run with these lines and this end. */
export function told(adapter: Adapter, lines: readonly (object | string)[], exit: SeenExit = { code: 0, signal: null }, stderr: readonly string[] = []): Told {
  if (!adapter.stream) throw new Error('This adapter reads nothing.');
  const account = fold(emptyAccount, [...replay(adapter, lines), ...replay(adapter, stderr, 'stderr')], readAt.at);
  return { account, usage: usageOf(account.meter, noTotals), report: reportOf(account, exit, adapter.stream) };
}
