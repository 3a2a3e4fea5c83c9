import { describe, expect, it } from 'vitest';
import { detectStall } from '#run/silence.ts';
import { emptyStreamState, type StreamState } from '#run/stream-state.ts';
import { aProfile, aRun, aSpec, noon, running } from '../../support/runs.ts';

const minute = 60_000;
const agentRun = aRun(running(), { spec: { agent: aProfile(), adapter: 'codex' } });
const inTool: StreamState = {
  ...emptyStreamState,
  openTools: { a: { tool: 'shell', kind: 'command', command: 'npm test', paths: [], at: 0 } },
};
const started = (minutes: number) =>
  running({ startedAt: noon - minutes * minute, silentSince: noon - minutes * minute });
const stall = (streamState: StreamState | null, minutes: number, lastOutputAt: number | null = null) =>
  detectStall(agentRun, started(minutes), { streamState, lastOutputAt, at: noon });

describe('An agent run', () => {
  it('stalls after ten minutes without output and without an open tool', () => {
    expect(stall(emptyStreamState, 10)).toEqual({
      why: 'silent',
      since: noon - 10 * minute,
      tool: null,
      lastError: null,
    });
    expect(stall(emptyStreamState, 9)).toBeNull();
    expect(stall(emptyStreamState, 60, noon - 9 * minute)).toBeNull();
  });

  it('stalls after thirty minutes in a tool without output', () => {
    expect(stall(inTool, 29)).toBeNull();
    expect(stall(inTool, 30)).toEqual({ why: 'tool', since: noon - 30 * minute, tool: 'npm test', lastError: null });
  });

  it('stalls after thirty minutes where no stream shows its tool', () => {
    expect(stall(null, 29)).toBeNull();
    expect(stall(null, 31)).toEqual({ why: 'silent', since: noon - 31 * minute, tool: null, lastError: null });
  });

  it('stalls once: a reported stall is not reported again', () => {
    const state = running({ ...started(11), stall: { why: 'silent', since: noon, tool: null, acknowledged: true } });
    expect(detectStall(agentRun, state, { streamState: emptyStreamState, lastOutputAt: null, at: noon })).toBeNull();
  });
});

describe('A stall', () => {
  it('is not reported of an agent that has given its result', () => {
    expect(stall({ ...emptyStreamState, result: { failure: null, at: noon - 20 * minute } }, 30)).toBeNull();
  });

  it('is not reported of a plain command, however silent', () => {
    expect(
      detectStall({ spec: aSpec() }, started(600), { streamState: null, lastOutputAt: null, at: noon }),
    ).toBeNull();
  });
});
