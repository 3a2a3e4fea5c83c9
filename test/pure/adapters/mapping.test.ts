import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromMapping } from '#adapters/mapping.ts';
import { plain } from '#adapters/plain.ts';
import { findAdapter } from '#adapters/registry.ts';
import { readMapping } from '#protocol/mapping.ts';
import type { Mapping, MappingRule } from '#run/agent.ts';
import { aLaunch, anAgent, readAt, readStream, replay } from '../../support/adapters.ts';

const docs =
  readFileSync(join(import.meta.dirname, '../../../docs/agents/presets-and-mappings.md'), 'utf8').split(
    '## A mapping of your own',
  )[1] ?? '';
const blocks = [...docs.matchAll(/```\w*\n([\s\S]*?)```/g)].map(([, text = '']) => text);
const [stream = '', worked = ''] = blocks;

/** Returns a mapping with these parts and nothing else. */
const mapping = (given: Partial<Mapping>) => readMapping({ command: 'smith', ...given }, 'smith.json');
const reading = (rule: MappingRule, ...lines: object[]) => replay(fromMapping(mapping({ rules: [rule] })), lines);

describe('the example in docs/agents/presets-and-mappings.md', () => {
  const lines = stream.trim().split('\n');
  const smith = fromMapping(readMapping(JSON.parse(worked), 'docs'));

  it('is shorter than forty lines', () => {
    expect(worked.trim().split('\n').length).toBeLessThan(40);
  });

  it('is started as the page describes', () => {
    expect(smith.prepare(aLaunch({ args: ['--fast'] }))).toEqual({
      argv: ['smith', 'run', '--json', '--fast'],
      env: {},
      removeEnv: [],
      stdin: 'prompt',
    });
    expect(
      smith.prepare(aLaunch({ command: '/opt/smith', permission: 'full', model: 'm2' }, { sessionId: 's-1' })),
    ).toEqual({
      argv: ['/opt/smith', 'run', '--json', '--session', 's-1', '--yes', '--model', 'm2'],
      env: { SMITH_SANDBOX: 'off' },
      removeEnv: [],
      stdin: 'prompt',
    });
    expect(smith.politeSignal).toBe('SIGINT');
  });

  it('is read as the page describes', () => {
    const { streamState, usage, report } = readStream(smith, lines.slice(0, -1));
    expect(report).toMatchObject({ failure: null });
    expect(usage).toEqual({ inputTokens: 1_000, cachedInputTokens: 100, outputTokens: 50, costUsd: 0.01 });
    expect([streamState.sessionId, streamState.model, streamState.text]).toEqual([
      's-1',
      'm1',
      'I look at the tests first.',
    ]);
    expect([streamState.toolCalls, streamState.commandsFailed, streamState.openTools]).toEqual([2, 1, {}]);
    expect(streamState.recentCommands).toEqual([{ command: 'npm test', exitCode: 1, failed: true, at: readAt.at }]);
    expect(streamState.files).toMatchObject({ 'src/a.ts': { times: 1 } });
  });

  it('fails as the page describes', () => {
    const failed = readStream(smith, lines, { code: 1, signal: null });
    expect(failed.report?.failure).toEqual({
      class: 'rate_limited',
      message: 'Too many requests, retry after 30s',
      resetsAt: readAt.at + 30_000,
    });
    expect(readStream(smith, [], { code: 42, signal: null }).report?.failure?.class).toBe('unknown_session');
    expect(readStream(smith, lines.slice(0, 3)).report?.failure?.message).toBe(
      'It exited with 0, but never said that it was done.',
    );
  });
});

describe('the command line of a mapping', () => {
  it('is used for a plain agent with a mapping only', () => {
    const agent = anAgent({ mapping: mapping({ start: { args: ['go'] } }) });
    expect(findAdapter(agent).prepare(aLaunch(agent)).argv).toEqual(['smith', 'go']);
    expect(findAdapter(anAgent())).toBe(plain);
    expect(findAdapter(null)).toBe(plain);
  });

  it('never contains the prompt, but may have the path of its file', () => {
    const smith = fromMapping(mapping({ prompt: 'file', start: { args: ['-f', '{{promptFile}}'] } }));
    expect(smith.prepare(aLaunch())).toMatchObject({ argv: ['smith', '-f', '/runs/1/prompt.txt'], stdin: 'none' });
  });

  it('starts a fresh session where the CLI cannot resume one', () => {
    const smith = fromMapping(mapping({ start: { args: ['go'] } }));
    expect(smith.prepare(aLaunch({}, { sessionId: 's1' })).argv).toEqual(['smith', 'go']);
  });

  it('has no model option when the agent names no model', () => {
    const smith = fromMapping(mapping({ model: { args: ['-m', '{{model}}'], env: { MODEL: '{{model}}' } } }));
    expect(smith.prepare(aLaunch())).toMatchObject({ argv: ['smith'], env: {} });
    expect(smith.prepare(aLaunch({ model: 'm1' }))).toMatchObject({
      argv: ['smith', '-m', 'm1'],
      env: { MODEL: 'm1' },
    });
  });

  it('takes each value literally', () => {
    const smith = fromMapping(mapping({ model: { args: ['{{model}}'] }, resume: { args: ['{{session}}'] } }));
    const argv = smith.prepare(aLaunch({ model: '{{session}} $& $1' }, { sessionId: '{{model}}' })).argv;
    expect(argv).toEqual(['smith', '{{model}}', '{{session}} $& $1']);
  });
});

describe('a rule of a mapping', () => {
  const words = (when: MappingRule['when'], line: object) =>
    reading({ when, message: { text: 'text' } }, { text: 'hi', ...line }).length === 1;

  it('applies when all its conditions hold', () => {
    expect(words({}, {})).toBe(true);
    expect(words({ a: 1, 'b.c': 'x' }, { a: 1, b: { c: 'x' } })).toBe(true);
    expect(words({ a: 1, 'b.c': 'x' }, { a: 1, b: { c: 'y' } })).toBe(false);
    expect(words({ a: false }, { a: false })).toBe(true);
    expect(words({ a: false }, {})).toBe(false);
    expect(words({ a: 1 }, { a: '1' })).toBe(false);
    expect(words({ a: ['x', 'y'] }, { a: 'y' })).toBe(true);
    expect(words({ a: ['x', 'y'] }, { a: 'z' })).toBe(false);
    expect(words({ a: { startsWith: '[E' } }, { a: '\n[Error' })).toBe(true);
    expect(words({ a: { startsWith: '[E' } }, { a: 'no [Error' })).toBe(false);
    expect(words({ 'list.1.a': 2 }, { list: [{}, { a: 2 }] })).toBe(true);
  });

  it.each([undefined, null, false, 0, '', []])('treats %j as absent', (a) => {
    expect([words({ a: { present: true } }, { a }), words({ a: { present: false } }, { a })]).toEqual([false, true]);
  });

  it.each([true, 1, 'x', {}, [0]])('treats %j as present', (a) => {
    expect([words({ a: { present: true } }, { a }), words({ a: { present: false } }, { a })]).toEqual([true, false]);
  });

  it('may apply to each element of a list', () => {
    const rule: MappingRule = {
      when: { type: 'm' },
      each: 'm.parts',
      where: { type: 'text' },
      message: { text: 'text', delta: true },
    };
    const parts = [{ type: 'text', text: 'a' }, { type: 'image' }, 'nonsense', { type: 'text', text: 'b' }];
    expect(reading(rule, { type: 'm', m: { parts } })).toEqual([
      { type: 'message', text: 'a', delta: true },
      { type: 'message', text: 'b', delta: true },
    ]);
    expect(reading(rule, { type: 'm', m: { parts: 'no list' } }, { type: 'x', m: { parts } }, { type: 'm' })).toEqual(
      [],
    );
  });

  it('uses the first of several paths that has a value', () => {
    const rule: MappingRule = { when: {}, message: { text: ['a', 'b.c'] } };
    expect(reading(rule, { a: '', b: { c: 'x' } }, { a: 7, b: { c: 'y' } }, { a: 'z', b: { c: 'n' } })).toMatchObject([
      { text: 'x' },
      { text: 'y' },
      { text: 'z' },
    ]);
  });

  it('reads all fields of a tool', () => {
    const rules: MappingRule[] = [
      {
        when: { type: 'begin' },
        tool: { id: 'id', name: 'name', kind: 'read', kinds: { sh: 'command' }, command: 'cmd', file: 'file' },
      },
      { when: { type: 'end', ok: false }, toolEnd: { id: 'id', failed: true } },
      { when: { type: 'end' }, toolEnd: { id: 'id', exitCode: 'code', failed: 'error', denied: 'denied' } },
    ];
    const lines = [
      { type: 'begin', id: 1, name: 'sh', cmd: 'make' },
      { type: 'begin', id: '2', name: 'constructor', file: 'a' },
      { type: 'begin', id: '3' },
      { type: 'begin' },
      { type: 'end', id: 1, code: 0 },
      { type: 'end', id: '2', error: 'no' },
      { type: 'end', id: '3', denied: true },
      { type: 'end', id: '4', ok: false },
    ];
    expect(replay(fromMapping(mapping({ rules })), lines)).toEqual([
      { type: 'tool-started', id: '1', tool: 'sh', kind: 'command', command: 'make', paths: [] },
      { type: 'tool-started', id: '2', tool: 'constructor', kind: 'read', command: null, paths: ['a'] },
      { type: 'tool-started', id: '3', tool: 'read', kind: 'read', command: null, paths: [] },
      { type: 'tool-ended', id: '1', exitCode: 0, failed: false, denied: false, files: null },
      { type: 'tool-ended', id: '2', exitCode: null, failed: true, denied: false, files: null },
      { type: 'tool-ended', id: '3', exitCode: null, failed: true, denied: true, files: null },
      { type: 'tool-ended', id: '4', exitCode: null, failed: true, denied: false, files: null },
      { type: 'tool-ended', id: '4', exitCode: null, failed: false, denied: false, files: null },
    ]);
  });

  it('reads errors with their status, and retries', () => {
    expect(reading({ when: {}, error: { message: 'm', status: 's' } }, { m: 'Bad', s: 503 }, {})).toEqual([
      { type: 'error', failure: { class: 'provider_unavailable', message: 'Bad', resetsAt: null } },
      {
        type: 'error',
        failure: { class: null, message: 'It failed, and did not say why.', resetsAt: null, by: 'clip' },
      },
    ]);
    expect(
      reading({ when: {}, retrying: { attempt: 'n', of: 'of', message: 'm' } }, { n: 2, of: 5, m: 'busy' }, {}),
    ).toEqual([
      { type: 'retrying', attempt: 2, of: 5, message: 'busy' },
      { type: 'retrying', attempt: null, of: null, message: 'It tries again.' },
    ]);
  });

  it('reads counts that are numbers, and nothing else', () => {
    const rule: MappingRule = {
      when: {},
      tokens: { input: ['a', 'b'], output: 'c', scope: 'session' },
      cost: { usd: 'd', scope: 'part' },
    };
    expect(reading(rule, { a: 1, b: 2, c: 3, d: 0 }, { a: '1', c: null, d: 'free' }, { b: 4 })).toEqual([
      { type: 'tokens', scope: 'session', tokens: { input: 3, cached: null, output: 3 }, model: null },
      { type: 'cost', scope: 'part', usd: 0 },
      { type: 'tokens', scope: 'session', tokens: { input: 4, cached: null, output: null }, model: null },
    ]);
  });
});

describe('lines that are not JSON', () => {
  const text = (given: Partial<Mapping>, line: string, from: 'stdout' | 'stderr' = 'stdout') =>
    replay(fromMapping(mapping(given)), [line], from);
  const result: MappingRule = { when: { type: 'end' }, result: {} };

  it('are messages of the agent, or ignored', () => {
    expect(text({ text: 'words' }, 'Hello.')).toEqual([{ type: 'message', text: 'Hello.\n', delta: true }]);
    expect(text({ text: 'words' }, 'Hello.', 'stderr')).toEqual([]);
    expect(text({ text: 'ignored' }, 'Hello.')).toEqual([]);
  });

  it('are errors when they begin with an error prefix', () => {
    expect(text({ errorPrefixes: ['Fatal: '] }, 'Fatal: 401 Unauthorized')).toMatchObject([
      { type: 'error', failure: { class: 'auth_required' } },
    ]);
    expect(text({ errorPrefixes: ['Fatal: '] }, 'No Fatal: 401')).toMatchObject([{ type: 'message' }]);
  });

  it('are complaints on stderr if their text is known, and no failure', () => {
    const strict = { needsResult: true, rules: [result] };
    for (const each of [strict, { rules: [result] }]) {
      expect(text(each, 'Error: not logged in', 'stderr')).toMatchObject([
        { type: 'complaint', failure: { class: 'auth_required' } },
      ]);
      expect(text(each, 'Loading.', 'stderr')).toEqual([]);
    }
    const smith = fromMapping(mapping(strict));
    expect(readStream(smith, [], { code: 1, signal: null }, ['Error: not logged in']).report?.failure?.class).toBe(
      'auth_required',
    );
    expect(
      readStream(smith, [{ type: 'end' }], { code: 0, signal: null }, ['Error: not logged in']).report,
    ).toMatchObject({
      failure: null,
    });
  });
});
