import { describe, expect, test } from 'vitest';
import type { AgentEvent, Failure, FileChange, ToolKind } from '#run/agent-event.ts';
import { limits } from '#run/limits.ts';
import { emptyStreamState, fold, type StreamState } from '#run/stream-state.ts';

const now = 1_795_350_000_000;
const after = (...readings: readonly AgentEvent[]): StreamState => fold(emptyStreamState, readings, now);

const says = (text: string, delta = false): AgentEvent => ({ type: 'message', text, delta });
const starts = (
  id: string,
  kind: ToolKind = 'command',
  more: { tool?: string; command?: string; paths?: readonly string[] } = {},
): AgentEvent => ({
  type: 'tool-started',
  id,
  tool: more.tool ?? kind,
  kind,
  command: kind === 'command' ? (more.command ?? id) : null,
  paths: more.paths ?? [],
});
const ends = (
  id: string,
  more: { exitCode?: number; failed?: boolean; denied?: boolean; files?: readonly FileChange[]; output?: string } = {},
): AgentEvent => ({
  type: 'tool-ended',
  id,
  exitCode: more.exitCode ?? null,
  failed: more.failed ?? false,
  denied: more.denied ?? false,
  files: more.files ?? null,
  ...(more.output === undefined ? {} : { output: more.output }),
});
const failure = (message = 'It broke.', more: Partial<Failure> = {}): Failure => ({
  class: null,
  message,
  resetsAt: null,
  ...more,
});
const fails = (message?: string, more?: Partial<Failure>): AgentEvent => ({
  type: 'error',
  failure: failure(message, more),
});
const result = (of: Failure | null = null): AgentEvent => ({ type: 'result', failure: of });
const retries = (attempt: number): AgentEvent => ({ type: 'retrying', attempt, of: 10, message: 'busy' });
const begins: AgentEvent = { type: 'session', id: 's', model: 'm', permission: 'ask', version: '1' };

describe('a sign of activity', () => {
  const trouble = [retries(1), fails(), result(failure())];

  test.each([
    ['words', says('On we go.')],
    ['a tool that begins', starts('a')],
    ['a tool that ends', ends('open')],
  ])('such as %s cancels a result, an error and a retry', (_, reading) => {
    expect(after(starts('open'), ...trouble, reading)).toMatchObject({ retrying: null, lastError: null, result: null });
  });

  test.each([
    ['tokens', { type: 'tokens', scope: 'part', tokens: { input: 1, cached: 0, output: 1 }, model: null } as const],
    ['the end of a tool that had ended before', ends('a')] as const,
    ['costs', { type: 'cost', scope: 'part', usd: 1 } as const],
    ['a limit', { type: 'limit', resetsAt: now } as const],
    ['fewer background tasks', { type: 'background', tasks: 0 } as const],
  ])('is not given by %s', (_, reading) => {
    expect(after(...trouble, reading)).toMatchObject({ lastError: failure(), result: { failure: failure() } });
  });

  test('in a session that begins again cancels its result', () => {
    expect(after(begins, result(), begins).result).toBeNull();
    expect(after(fails(), begins).lastError).toEqual(failure());
  });

  test('such as a result ends a retry, even one that is read later', () => {
    expect(after(retries(3), result()).retrying).toBeNull();
    expect(after(result(), retries(3)).retrying).toBeNull();
    expect(after(retries(3), retries(4)).retrying).toEqual({ attempt: 4, of: 10, message: 'busy', at: now });
  });
});

describe('a result in a stream', () => {
  test('is replaced by a later one', () => {
    expect(after(result(failure()), result()).result).toEqual({ failure: null, at: now });
    expect(after(result(), result(failure())).result?.failure).toEqual(failure());
  });

  test.each([
    [
      'its own words and class',
      failure('It was me.', { class: 'rate_limited', resetsAt: 5 }),
      failure('It was me.', { class: 'rate_limited', resetsAt: 5 }),
    ],
    ['no class', failure('It was me.'), failure('It was me.', { class: 'auth_required', resetsAt: 7 })],
    ['no words', failure(''), failure('No key.', { class: 'auth_required', resetsAt: 7 })],
  ])('with %s, after an error, has the message: %s', (_, own, told) => {
    expect(after(fails('No key.', { class: 'auth_required', resetsAt: 7 }), result(own)).result?.failure).toEqual(told);
  });

  test('without a text, after no error, has a default message', () => {
    expect(after(result(failure(''))).result?.failure?.message).toBe('It said that it failed, but not why.');
  });
});

describe('a message in a stream', () => {
  test('in pieces is one message', () => {
    expect(after(says('Hel', true), says('lo ', true), says('there', true))).toMatchObject({
      text: 'Hello there',
      messages: 1,
    });
  });

  test('after a tool is a new message', () => {
    expect(after(says('One', true), starts('a'), ends('a'), says('Two', true))).toMatchObject({
      text: 'Two',
      messages: 2,
    });
  });

  test('that is blank is ignored', () => {
    expect(after(says(' \n'), says('', true))).toMatchObject({ text: '', messages: 0 });
    expect(after(says('a', true), says(' ', true), says('b', true)).text).toBe('a b');
  });

  test('keeps its beginning when it is long, in whole characters', () => {
    const { text } = after(says('x', true), says('🙂'.repeat(limits.accountTextLength), true));
    expect(text).toBe(`x${'🙂'.repeat(limits.accountTextLength / 2 - 1)}`);
  });
});

describe('a tool in a stream', () => {
  test('that is reported twice is one call', () => {
    expect(after(starts('a'), starts('a'), ends('a'), ends('a'))).toMatchObject({
      toolCalls: 1,
      commands: 1,
      openTools: {},
    });
  });

  test('is open until it ends', () => {
    expect(after(starts('a', 'command', { command: 'make' })).openTools).toEqual({
      a: { tool: 'command', kind: 'command', command: 'make', paths: [], at: now },
    });
  });

  test('that was not started has not ended', () => {
    expect(after(ends('a', { denied: true }))).toEqual(emptyStreamState);
  });

  test('may have any name', () => {
    const names = ['__proto__', 'constructor', ''];
    const streamState = after(
      ...names.map((name) => starts(name)),
      ...names.map((name) => ends(name, { files: [{ path: name, kind: 'add' }] })),
    );
    expect(streamState).toMatchObject({ toolCalls: 3, commands: 3 });
    expect(Object.keys(streamState.files)).toEqual(names);
  });

  test.each<[string, readonly AgentEvent[], number | null]>([
    ['a command that worked', [starts('a'), ends('a')], now],
    ['a command that failed', [starts('a'), ends('a', { failed: true })], now],
    ['a file that was written', [starts('a', 'write'), ends('a')], now],
    ['a file that could not be written', [starts('a', 'write'), ends('a', { failed: true })], null],
    ['reading', [starts('a', 'read'), ends('a')], null],
    ['a command that was refused', [starts('a'), ends('a', { failed: true, denied: true })], null],
    ['a command that has only started', [starts('a')], null],
  ])('counts as an action or not: %s', (_, readings, at) => {
    expect(after(...readings).lastActionAt).toBe(at);
  });

  test('that is a command is counted, even if failed, and kept if recent', () => {
    const many = Array.from({ length: limits.accountCommands + 5 }, (_, i) => [
      starts(`c${i}`),
      ends(`c${i}`, { exitCode: i % 2, failed: i % 2 === 1 }),
    ]).flat();
    const { commands, commandsFailed, recentCommands } = after(...many);
    expect({ commands, commandsFailed, kept: recentCommands.length }).toEqual({
      commands: 45,
      commandsFailed: 22,
      kept: 40,
    });
    expect(recentCommands.at(-1)).toEqual({ command: 'c44', exitCode: 0, failed: false, at: now });
  });

  test('that is a command is kept with its last lines if it failed lately', () => {
    const many = Array.from({ length: 6 }, (_, i) => [
      starts(`c${i}`),
      ends(`c${i}`, { exitCode: i === 5 ? 0 : 1, failed: i !== 5, output: `${'long line\n'.repeat(9_000)}end ${i}\n` }),
    ]).flat();
    const outputs = after(...many).recentCommands.map(({ output }) => output ?? null);
    expect(outputs.map((output) => output?.split('\n').at(-1))).toEqual([
      ...[undefined, 'end 1', 'end 2', 'end 3', 'end 4', undefined],
    ]);
    for (const output of outputs) expect(output ?? 'long line').toMatch(/^long line/);
    expect(Math.max(...outputs.map((output) => output?.length ?? 0))).toBeLessThanOrEqual(600);
  });
});

describe('a changed file', () => {
  const wrote = (...files: readonly FileChange[]) => [starts('w', 'write'), ends('w', { files })];

  test('is read at the end of its tool, or else at its beginning', () => {
    expect(after(...wrote({ path: 'a', kind: 'add' })).files).toEqual({ a: { kind: 'add', times: 1, at: now } });
    expect(after(starts('w', 'write', { paths: ['b'] }), ends('w')).files).toEqual({
      b: { kind: null, times: 1, at: now },
    });
    expect(after(starts('w', 'write', { paths: ['b'] }), ends('w', { files: [] })).files).toEqual({});
  });

  test('is not read from a tool that failed or only read', () => {
    expect(after(starts('w', 'write', { paths: ['b'] }), ends('w', { failed: true })).files).toEqual({});
    expect(after(starts('r', 'read', { paths: ['b'] }), ends('r')).files).toEqual({});
  });

  test.each<[FileChange['kind'], FileChange['kind'], FileChange['kind']]>([
    ['add', 'update', 'add'],
    ['add', 'delete', 'delete'],
    ['update', 'delete', 'delete'],
    ['add', null, 'add'],
  ])('that is first %s, then %s, is reported as: %s', (first, second, kind) => {
    expect(after(...wrote({ path: 'a', kind: first }), ...wrote({ path: 'a', kind: second })).files['a']).toMatchObject(
      { kind, times: 2 },
    );
  });

  test('beyond the listed ones is counted', () => {
    const many = Array.from(
      { length: limits.accountFiles + 3 },
      (_, i): FileChange => ({ path: `f${i}`, kind: 'add' }),
    );
    const streamState = after(...wrote(...many), ...wrote({ path: 'f0', kind: 'update' }));
    expect([Object.keys(streamState.files).length, streamState.filesMore, streamState.files['f0']?.times]).toEqual([
      limits.accountFiles,
      3,
      2,
    ]);
  });
});

describe('a refused tool', () => {
  const refused = (tool: string) => [starts(tool, 'command', { tool }), ends(tool, { failed: true, denied: true })];

  test('is counted, named once, and is not a command', () => {
    expect(after(...refused('Bash'), ...refused('Bash'), ...refused('Write'))).toMatchObject({
      denials: { count: 3, tools: ['Bash', 'Write'], worked: false },
      commands: 0,
    });
  });

  test.each<[string, readonly AgentEvent[], boolean]>([
    ['a command that works', [starts('a'), ends('a')], true],
    ['a file that is written', [starts('a', 'write'), ends('a')], true],
    ['a command that fails', [starts('a'), ends('a', { failed: true })], false],
    ['reading', [starts('a', 'read'), ends('a')], false],
    ['words', [says('Done!')], false],
  ])('is overcome, or not, by %s', (_, readings, worked) => {
    expect(after(...refused('Bash'), ...readings).denials.worked).toBe(worked);
    expect(after(...readings, ...refused('Bash')).denials.worked).toBe(worked);
  });
});

describe('the reset time of a limit', () => {
  test('is the last reported one', () => {
    expect(after({ type: 'limit', resetsAt: 1 }, { type: 'limit', resetsAt: 2 }).limitResetsAt).toBe(2);
    expect(after({ type: 'limit', resetsAt: 1 }, fails('x', { resetsAt: 3 }), fails()).limitResetsAt).toBe(3);
    expect(after(result(failure('x', { resetsAt: 4 }))).limitResetsAt).toBe(4);
  });

  test('is null when it is invalid', () => {
    expect(after({ type: 'limit', resetsAt: 1e300 }, fails('x', { resetsAt: -1e300 }))).toMatchObject({
      limitResetsAt: null,
      lastError: { resetsAt: null },
    });
    expect(after(fails('x', { resetsAt: Number.NaN })).lastError?.resetsAt).toBeNull();
  });
});

describe('a stream state', () => {
  test('is bounded, whatever the stream contains', () => {
    const long = 'y'.repeat(20_000);
    const readings = Array.from({ length: 250 }, (_, i): readonly AgentEvent[] => [
      { type: 'session', id: long, model: long, permission: long, version: long },
      says(long, i % 2 === 0),
      starts(`${i}${long}`, 'write', {
        tool: `${i}${long}`,
        paths: [`${i}${long}`, ...Array.from({ length: 100 }, (__, j) => `${i}/${j}`)],
      }),
      ends(`${i}${long}`, { denied: i % 3 === 0 }),
      starts(`open${i}${long}`, 'command', { tool: `${i}${long}`, command: long }),
      { type: 'retrying', attempt: i, of: null, message: long },
      fails(long),
      result(failure(long)),
    ]);
    expect(JSON.stringify(after(...readings.flat())).length).toBeLessThan(250_000);
  });

  test('is a plain value that can be stored and continued at any point', () => {
    const readings = [begins, says('a', true), starts('a'), fails(), says('b'), ends('a'), result()];
    for (let cut = 0; cut <= readings.length; cut += 1) {
      const stored = JSON.parse(JSON.stringify(after(...readings.slice(0, cut))));
      expect(fold(stored, readings.slice(cut), now)).toEqual(after(...readings));
    }
  });
});
