/** Feeds lines to an adapter and returns what it reads. */
import { type Adapter, type Launch, type ReadAt, read, readFrom, readRest, type Stream } from '#adapters/adapter.ts';
import type { AgentProfile } from '#run/agent.ts';
import type { AgentEvent } from '#run/agent-event.ts';
import { judgeStream, type SeenExit, type StreamOutcome } from '#run/stream-outcome.ts';
import { emptyStreamState, fold, type StreamState } from '#run/stream-state.ts';
import { noTotals, toUsage, type Usage } from '#run/usage.ts';

export const readAt: ReadAt = { at: Date.UTC(2026, 5, 1, 12), timeZone: 'UTC' };

export function anAgent(given: Partial<AgentProfile> = {}): AgentProfile {
  return {
    id: 'a1',
    name: 'ada',
    adapter: 'plain',
    command: null,
    model: null,
    role: null,
    args: [],
    permission: 'edit',
    mapping: null,
    ...given,
  };
}

export function aLaunch(agent: Partial<AgentProfile> = {}, given: Partial<Launch> = {}): Launch {
  return {
    agent: anAgent(agent),
    sessionId: null,
    newSessionId: 'new-1',
    promptPath: '/runs/1/prompt.txt',
    environment: {},
    ...given,
  };
}

/** Returns the agent events that the adapter reads from these lines. */
export function replay(adapter: Adapter, lines: readonly (object | string)[], stream: Stream = 'stdout'): AgentEvent[] {
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  const from = { stream, at: readAt };
  const { state, readings } = read(adapter, readFrom(0), Buffer.from(text), from);
  return [...readings, ...readRest(adapter, state, from).readings];
}

export type Told = {
  readonly streamState: StreamState;
  readonly usage: Usage | null;
  readonly report: StreamOutcome | null;
};

/** Returns what is read from a run with these lines and this exit. */
export function readStream(
  adapter: Adapter,
  lines: readonly (object | string)[],
  exit: SeenExit = { code: 0, signal: null },
  stderr: readonly string[] = [],
): Told {
  if (!adapter.stream) throw new Error('This adapter reads nothing.');
  const streamState = fold(
    emptyStreamState,
    [...replay(adapter, lines), ...replay(adapter, stderr, 'stderr')],
    readAt.at,
  );
  return {
    streamState,
    usage: toUsage(streamState.meter, noTotals),
    report: judgeStream(streamState, exit, adapter.stream),
  };
}
