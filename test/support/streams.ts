/** Shared parts of the adapter tests: a launch, lines written by hand, and the table of all recordings. */
import { expect, test } from 'vitest';
import type { Adapter, Launch } from '#adapters/adapter.ts';
import type { AdapterName, AgentProfile } from '#run/agent.ts';
import type { StreamState } from '#run/stream-state.ts';
import { describeActions, endOf, recordings, replay, type Table } from './recordings.ts';

export function launch(
  adapter: AdapterName,
  changes: Partial<AgentProfile> = {},
  sessionId: string | null = null,
  environment: Record<string, string> = {},
): Launch {
  const bare = {
    id: 'a',
    name: 'a',
    adapter,
    command: null,
    model: null,
    role: null,
    args: [],
    permission: 'ask',
    mapping: null,
  } as const;
  return {
    agent: { ...bare, ...changes },
    sessionId,
    newSessionId: 'new-1',
    promptPath: '/home/demo/prompt',
    environment,
  };
}

/** Returns the stream state after these events and lines. */
export function streamStateOf(adapter: Adapter, events: readonly object[], stderr = ''): StreamState {
  const stdout = events.map((event) => `${JSON.stringify(event)}\n`).join('');
  return replay(adapter, { stdout: Buffer.from(stdout), stderr: Buffer.from(stderr) });
}

/** Defines one test for each recording: its row, or that of its scenario, says what it did and how it ended. */
export function testRecordings(cli: string, adapter: Adapter, table: Table): void {
  const all = recordings(cli);
  for (const each of all) {
    const [did, end] = table[each.name] ?? table[each.scenario] ?? ['a row of the table', each.scenario];
    test(`${each.name}: ${did}; ${end}`, () => {
      const streamState = replay(adapter, each);
      expect([describeActions(streamState), endOf(adapter, streamState, each.exit)]).toEqual([did, end]);
    });
  }
  test('every row of the table is about a recording', () => {
    const known = new Set(all.flatMap(({ name, scenario }) => [name, scenario]));
    expect(Object.keys(table).filter((key) => !known.has(key))).toEqual([]);
  });
}
