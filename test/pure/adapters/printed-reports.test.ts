import { describe, expect, it } from 'vitest';
import { type Adapter, read, readFrom } from '#adapters/adapter.ts';
import { plain } from '#adapters/plain.ts';
import { findAdapter } from '#adapters/registry.ts';
import type { AgentEvent } from '#run/agent-event.ts';
import { reportLine, type SentReport } from '#run/agent-report.ts';
import { recordedAt, recordings, replay } from '../../support/recordings.ts';
import { launch } from '../../support/streams.ts';

const sent: SentReport = { token: 'tok', id: 'r1', kind: 'blocked', text: 'no key\nfor the "registry"', who: 'ops' };
const line = reportLine(sent);
const output = `running\n${line}\nthe end\n`;
const report = { type: 'report', ...sent };

const clis = ['claude', 'codex', 'gemini', 'opencode'] as const;
const adapter = (name: (typeof clis)[number] | 'http') => findAdapter(launch(name).agent);

function readings(of: Adapter, text: string, stream: 'stdout' | 'stderr' = 'stdout'): AgentEvent[] {
  return read(of, readFrom(0), Buffer.from(`${text}\n`), { stream, at: recordedAt }).readings;
}

const reportsIn = (of: Adapter, text: string) => readings(of, text).filter(({ type }) => type === 'report');

describe('a report in the output of a tool', () => {
  it.each([
    [
      'claude',
      {
        type: 'user',
        message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: output }] },
        tool_use_result: { stdout: output },
      },
    ],
    [
      'claude',
      {
        type: 'user',
        message: { content: [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: output }] }] },
      },
    ],
    [
      'codex',
      {
        type: 'item.completed',
        item: { id: 'i', type: 'command_execution', command: 'make', aggregated_output: output, exit_code: 0 },
      },
    ],
    ['gemini', { type: 'tool_result', tool_id: 't', status: 'success', output }],
    [
      'opencode',
      {
        type: 'tool_use',
        part: { callID: 'c', tool: 'bash', state: { status: 'completed', output, metadata: { output, exit: 0 } } },
      },
    ],
  ] as const)('of %s is read once', (name, event) => {
    expect(reportsIn(adapter(name), JSON.stringify(event))).toEqual([report]);
  });

  it('is read in a line of plain text, which is no message then', () => {
    for (const of of [...clis, 'http' as const].map(adapter)) expect(readings(of, line)).toEqual([report]);
    expect(readings(adapter('codex'), `\u001b[1m${line}\u001b[0m`, 'stderr')).toEqual([report]);
  });

  it('is all that is read of an agent without a stream', () => {
    expect(readings(plain, `{"type":"result"}\nwords\n${output}`)).toEqual([report]);
    expect(readings(plain, JSON.stringify({ output }))).toEqual([report]);
  });

  it('is read at any depth of the JSON', () => {
    const depth = 5_000;
    expect(
      reportsIn(adapter('codex'), `${'{"a":'.repeat(depth)}${JSON.stringify(output)}${'}'.repeat(depth)}`),
    ).toEqual([report]);
  });
});

describe('every recording', () => {
  it.each(clis)('of %s has no report, and its stream state is not changed by one', (name) => {
    const of = adapter(name);
    for (const each of recordings(name)) {
      const logs = { stdout: Buffer.from(each.stdout).toString(), stderr: Buffer.from(each.stderr).toString() };
      for (const log of Object.values(logs)) expect(reportsIn(of, log), each.name).toEqual([]);
      const reporting = {
        stdout: Buffer.from(`${line}\n${logs.stdout}`),
        stderr: Buffer.from(`${line}\n${logs.stderr}`),
      };
      expect(replay(of, reporting), each.name).toEqual(replay(of, each));
    }
  });
});
