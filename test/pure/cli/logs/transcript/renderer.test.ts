/** @module-tag fuzz */
import { array, assert, constantFrom, integer, jsonValue, oneof, property, string, tuple } from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { presetNamed } from '#adapters/presets.ts';
import { findAdapter } from '#adapters/registry.ts';
import { timeIn } from '#adapters/transcript/details.ts';
import { lineCount, linesOfDiff, linesOfReplacement } from '#adapters/transcript/diff.ts';
import { lastReadable } from '#cli/logs/transcript/renderer.ts';
import { measureWidth } from '#cli/terminal/width.ts';
import { demoMapping } from '#demo/mapping.ts';
import { readMapping } from '#protocol/mapping.ts';
import { fuzzRuns } from '../../../../support/fuzz-runs.ts';
import { recordings, replay } from '../../../../support/recordings.ts';
import { linesOf, logOf, narrow, readerOf, rendererOf } from '../../../../support/rendered-logs.ts';
import { launch } from '../../../../support/streams.ts';
import { hostileText, steering } from '../../../../support/terminal.ts';

const clis = ['claude', 'codex', 'gemini', 'opencode'] as const;
const claude = readerOf('claude');
const codex = readerOf('codex');
const squeezed = (text: string) =>
  text
    .replaceAll('\\', '')
    .replace(/[\s*`]+/g, ' ')
    .trim();

const says = (text: string) => ({ type: 'assistant', message: { model: 'm', content: [{ type: 'text', text }] } });
const calls = (id: string, name: string, input: object, timestamp?: string) => ({
  type: 'assistant',
  timestamp,
  message: { model: 'm', content: [{ type: 'tool_use', id, name, input }] },
});
const gives = (id: string, result: unknown, content = '', timestamp?: string) => ({
  type: 'user',
  timestamp,
  message: { content: [{ type: 'tool_result', tool_use_id: id, content }] },
  tool_use_result: result,
});
const ran = (command: string, output: string, exit: number) => ({
  type: 'item.completed',
  item: {
    id: command,
    type: 'command_execution',
    command,
    aggregated_output: output,
    exit_code: exit,
    status: 'completed',
  },
});

for (const cli of clis) {
  describe(`the text of recorded runs of ${cli}`, () => {
    test.each(recordings(cli))('has the final message, and no event as raw JSON: $name', (recording) => {
      const lines = linesOf(readerOf(cli), recording.stdout);
      const shown = lines.join('\n');
      expect(lines.filter((line) => /^\s*\[?\{"/.test(line))).toEqual([]);
      expect(steering(shown)).toEqual([]);
      const { text, result } = replay(findAdapter(launch(cli).agent), recording);
      expect(squeezed(shown)).toContain(squeezed(text).slice(0, 1_000));
      if (result?.failure) expect(squeezed(shown)).toContain(squeezed(result.failure.message));
      for (const width of [40, 80, 200])
        expect(
          linesOf(readerOf(cli), recording.stdout, { look: narrow(width) }).filter(
            (line) => measureWidth(line) > width,
          ),
        ).toEqual([]);
    });

    test('is the same, however the bytes arrive', () => {
      for (const { stdout } of recordings(cli).filter(({ stdout: bytes }) => bytes.length < 10_000)) {
        const renderer = rendererOf(readerOf(cli));
        const pieces = Array.from({ length: Math.ceil(stdout.length / 7) }, (_, index) =>
          stdout.subarray(7 * index, 7 * index + 7),
        );
        expect([...pieces.flatMap((piece) => renderer.push(piece)), ...renderer.rest()]).toEqual(
          linesOf(readerOf(cli), stdout),
        );
      }
    });

    test('ends with the lines of stderr, unchanged', () => {
      for (const { stderr } of recordings(cli))
        expect(() => linesOf(readerOf(cli), stderr, { stream: 'stderr' })).not.toThrow();
    });
  });
}

describe('a tool of an agent', () => {
  it('is shown with its exit code, and its duration when the stream has times', () => {
    const log = logOf(
      calls('1', 'Bash', { command: 'npm test' }, '2026-11-22T12:00:00.000Z'),
      gives('1', { stdout: 'fine', stderr: '', interrupted: false }, '', '2026-11-22T12:00:01.250Z'),
    );
    expect(linesOf(claude, log)).toEqual(['$ npm test → exit 0 · 1.2 s', '    fine']);
    expect(linesOf(codex, logOf(ran('make', '', 2)))).toEqual(['$ make → exit 2']);
  });

  it('that changed a file is shown as the change, with its known lines', () => {
    const patch = [{ lines: [' a', '-b', '+x', '+y'] }];
    const edited = logOf(
      calls('1', 'Edit', { file_path: '/home/demo/project/src/a.ts', old_string: 'b', new_string: 'x\ny' }),
      gives('1', { filePath: '/home/demo/project/src/a.ts', structuredPatch: patch }),
    );
    expect(linesOf(claude, edited)).toEqual(['M src/a.ts +2 −1']);
    const bare = logOf(
      calls('1', 'Edit', { file_path: '/elsewhere/a.ts', old_string: 'a\nb', new_string: 'a\nc\nd' }),
      gives('1', 'done'),
    );
    expect(linesOf(claude, bare)).toEqual(['M /elsewhere/a.ts +2 −1']);
    const told = {
      type: 'item.completed',
      item: {
        id: '1',
        type: 'file_change',
        status: 'completed',
        changes: [
          { path: 'b.ts', kind: 'add' },
          { path: 'c.ts', kind: 'delete' },
        ],
      },
    };
    expect(linesOf(codex, logOf(told))).toEqual(['A b.ts', 'D c.ts']);
    const withDiff = {
      type: 'item.completed',
      item: {
        id: '1',
        type: 'file_change',
        status: 'completed',
        changes: [{ path: 'b.ts', kind: 'update', diff: '@@ -1 +1,2 @@\n-a\n+b\n+c\n' }],
      },
    };
    expect(linesOf(codex, logOf(withDiff))).toEqual(['M b.ts +2 −1']);
    const written = logOf(
      {
        type: 'tool_use',
        tool_id: '1',
        tool_name: 'replace',
        parameters: { file_path: '/home/demo/project/d.ts', old_string: 'a', new_string: 'b' },
      },
      { type: 'tool_result', tool_id: '1', status: 'success' },
    );
    expect(linesOf(readerOf('gemini'), written)).toEqual(['M d.ts +1 −1']);
    const state = {
      status: 'completed',
      input: { filePath: '/home/demo/project/e.ts' },
      metadata: { filediff: { additions: 4, deletions: 0 } },
      time: { start: 5, end: 105 },
    };
    expect(
      linesOf(readerOf('opencode'), logOf({ type: 'tool_use', part: { tool: 'edit', callID: '1', state } })),
    ).toEqual(['M e.ts +4 −0']);
  });

  it('is named with its main argument, and marked if failed or refused', () => {
    const denied = {
      ...gives('2', 'Error'),
      tool_result_meta: [{ id: '2', permission_decision: { decision: 'reject' } }],
    };
    denied.message = { content: [{ type: 'tool_result', tool_use_id: '2', content: 'No.', is_error: true } as never] };
    const log = logOf(
      calls('1', 'Read', { file_path: '/home/demo/project/src/a.ts' }),
      gives('1', 'x', 'the whole file'),
      calls('2', 'WebFetch', { url: 'https://x.example' }),
      denied,
    );
    expect(linesOf(claude, log)).toEqual(['Read src/a.ts', 'WebFetch https://x.example → not allowed', '    No.']);
  });

  it('with much output is folded, with the command that shows it all', () => {
    const output = Array.from({ length: 223 }, (_, index) => `line ${index + 1}`).join('\n');
    const lines = linesOf(codex, logOf(ran('make', output, 0)));
    expect(lines).toEqual([
      '$ make → exit 0',
      ...[1, 2, 3, 4].map((n) => `    line ${n}`),
      '    … 214 more lines: clip logs 7 --raw',
      ...[219, 220, 221, 222, 223].map((n) => `    line ${n}`),
    ]);
  });

  it('is shown as started while no further event comes, and its end below', () => {
    const renderer = rendererOf(claude);
    expect(renderer.push(Buffer.from(logOf(calls('1', 'Bash', { command: 'make' }))))).toEqual([]);
    expect([renderer.pause(), renderer.pause()]).toEqual([['$ make'], []]);
    expect(renderer.push(Buffer.from(logOf(gives('1', { stdout: '', stderr: '' }))))).toEqual(['  → exit 0']);
    renderer.push(Buffer.from(logOf(calls('2', 'Bash', { command: 'make it' }))));
    renderer.pause();
    renderer.push(Buffer.from(logOf(says('Meanwhile.'))));
    expect(renderer.push(Buffer.from(logOf(gives('2', { stdout: '', stderr: '' }))))).toEqual([
      '',
      '$ make it → exit 0',
    ]);
  });

  it('without an end is marked as such', () => {
    expect(linesOf(claude, logOf(calls('1', 'Bash', { command: 'sleep 1000' })))).toEqual([
      '$ sleep 1000',
      '… 1 tool had not ended',
    ]);
  });

  it('prints no control sequence, whatever its output', () => {
    const log = logOf(ran(`echo ${hostileText}`, `${hostileText}\n10 %\r20 %\r\n`, 1), {
      type: 'item.completed',
      item: { id: 'm', type: 'agent_message', text: `# ${hostileText}\n\n[${hostileText}](http://x/${hostileText})` },
    });
    const shown = linesOf(codex, log).join('\n');
    expect(steering(shown)).toEqual([]);
    expect(shown).toContain('    20 %');
    expect(shown).not.toContain('10 %');
  });
});

describe("an agent's reports and usage", () => {
  it('include its reports in words, and never their tokens', () => {
    const line = '::clip-report tok-123 {"id":"r1","kind":"next","text":"run the tests"}';
    const lines = linesOf(codex, logOf(ran('clip report next', `${line}\n`, 0)), {
      hide: (text) => text.replace('tok-123', '***'),
    });
    expect(lines).toEqual(['$ clip report next → exit 0', 'reports next: run the tests']);
    expect(linesOf(codex, `${line}\n`).join('\n')).toBe('reports next: run the tests');
  });

  it('include retries, errors and warnings, each error once', () => {
    const log = logOf(
      { type: 'error', message: 'Reconnecting... 2/5 (429)' },
      { type: 'error', message: 'Overloaded.' },
      { type: 'turn.failed', error: { message: 'Overloaded.' } },
    );
    expect(linesOf(codex, log)).toEqual([
      '↻ tries again, attempt 2 of 5: Reconnecting... 2/5 (429)',
      '✗ Overloaded.',
      '✗ failed',
    ]);
  });

  it('have secrets hidden that appear only in the decoded JSON', () => {
    const log = logOf({
      type: 'item.completed',
      item: { id: 'm', type: 'agent_message', text: 'It is pass"word\\1.' },
    });
    expect(log).not.toContain('pass"word\\1');
    expect(linesOf(codex, log, { hide: (text) => text.replaceAll('pass"word\\1', '***') })).toEqual(['It is ***.']);
  });

  it('include the total usage at the end, and no unreported cost', () => {
    const done = {
      type: 'turn.completed',
      usage: { input_tokens: 1_000, cached_input_tokens: 400, output_tokens: 20 },
    };
    expect(linesOf(codex, logOf(done))).toEqual(['✓ done · used 1000 in (400 cached), 20 out by the session so far']);
  });

  it('have messages in pieces joined to one text, block by block', () => {
    const delta = (content: string) => ({ type: 'message', role: 'assistant', content, delta: true });
    const renderer = rendererOf(readerOf('gemini'));
    expect(renderer.push(Buffer.from(logOf(delta('The first para'), delta('graph.\n\n```\na\n\nb'))))).toEqual([
      'The first paragraph.',
    ]);
    expect(renderer.push(Buffer.from(logOf(delta('\n```\n\nThe end'))))).toEqual(['', '  a', '', '  b']);
    expect(renderer.rest()).toEqual(['', 'The end']);
  });

  it('are the same when all pieces of the log share one buffer', () => {
    const stream = Buffer.from(
      [1, 2, 3, 4].map((id) => `${JSON.stringify(ran(`echo ${id}`, `${'x'.repeat(40)}\n`, 0))}\n`).join(''),
    );
    const [whole, pieces] = [rendererOf(readerOf('codex')), rendererOf(readerOf('codex'))];
    const buffer = Buffer.alloc(100);
    const lines: string[] = [];
    for (let at = 0; at < stream.length; at += buffer.length)
      lines.push(...pieces.push(buffer.subarray(0, stream.copy(buffer, 0, at))));
    expect([...lines, ...pieces.rest()]).toEqual([...whole.push(stream), ...whole.rest()]);
  });

  it('leave out a line of more than 8 MiB, and continue after it', () => {
    const long = `{"type":"item.completed","item":{"text":"${'x'.repeat(9 * 2 ** 20)}"}}\n`;
    expect(linesOf(codex, `${long}${logOf(ran('make', '', 0))}`)).toEqual([
      '… a line too long to be read: clip logs 7 --raw',
      '$ make → exit 0',
    ]);
  });
});

describe('agents with a mapping', () => {
  it('are shown by its rules', () => {
    const demo = readerOf('plain', readMapping(demoMapping, 'The demo'));
    const log = logOf(
      { type: 'session', id: 's1' },
      { type: 'words', text: 'I **plan**.' },
      { type: 'run', id: 1, command: 'make' },
      { type: 'ran', id: 1, exit: 0 },
      { type: 'edit', id: 2, file: 'a.ts' },
      { type: 'edited', id: 2 },
      { type: 'done' },
    );
    expect(linesOf(demo, log)).toEqual(['session s1', '', 'I plan.', '', '$ make → exit 0', 'write a.ts', '✓ done']);
  });

  it('without JSON have output shown as Markdown, by paragraph', () => {
    const aider = readerOf('plain', presetNamed('aider')?.mapping ?? null);
    expect(linesOf(aider, 'I look at\nthe **parser**.\n\nlitellm.AuthenticationError: no key\n')).toEqual([
      'I look at',
      'the parser.',
      '',
      '✗ litellm.AuthenticationError: no key',
    ]);
  });

  it('and plain commands have other lines shown unchanged', () => {
    expect(linesOf(readerOf('plain'), '  *not* markdown\n{"a":1}\n')).toEqual(['  *not* markdown', '{"a":1}']);
  });
});

describe('the last readable line', () => {
  const tail = (text: string, whole = true) =>
    lastReadable(claude, Buffer.from(text), { whole, hide: (words) => words });

  it('is the current message or tool of the agent', () => {
    expect(tail(logOf(says('First.\n\nAnd **then**.')))).toBe('And then.');
    expect(tail(logOf(says('First.'), calls('1', 'Bash', { command: 'make' })))).toBe('$ make');
  });

  it('is found in a tail that begins and ends in the middle of lines', () => {
    const log = logOf(says('First.'), says('Second.'));
    expect(tail(log.slice(20), false)).toBe('Second.');
    expect(tail(`${log}{"type":"assis`)).toBe('Second.');
  });

  it('is null where there is no message', () => {
    expect([tail(''), tail('{"type":"assis', false)]).toEqual([null, null]);
  });
});

describe('times and changes in a stream', () => {
  it.each([
    '1970-01-01T00:00:00.000Z',
    '2000-02-29T23:59:59.999Z',
    '2026-11-22T12:18:45.860Z',
    '2027-03-01T00:00:00.000Z',
    '2100-02-28T12:00:00.000Z',
  ])('are read: %s is its time', (time) => {
    expect(timeIn(time)).toBe(Date.parse(time));
  });

  it('are counted as a diff counts them', () => {
    expect([lineCount(''), lineCount('a'), lineCount('a\n'), lineCount('a\nb')]).toEqual([0, 1, 1, 2]);
    expect(linesOfReplacement('a\nb\nc\n', 'a\nx\ny\nc\n')).toEqual({ added: 2, removed: 1 });
    expect(linesOfDiff('--- a\n+++ b\n@@ -1,2 +1,2 @@\n a\n--- b\n+++ c\n')).toEqual({ added: 1, removed: 1 });
    expect(linesOfDiff('no diff')).toBe(null);
  });
});

describe('arbitrary output of other programs', () => {
  const words = oneof(
    string({ unit: 'binary', maxLength: 60 }),
    constantFrom(
      hostileText,
      '# a\n\n- b\n',
      '```\nx',
      '| a |\n|---|\n| b',
      '@@ -1 +1 @@\n-a\n+b',
      '/home/demo/project/a.ts',
      '\r\n\r10 %\r',
    ),
  );
  const leaf = oneof(words, jsonValue({ maxDepth: 2 }), constantFrom(null, 0, -1, 1e308));
  /** Events of a known shape with arbitrary values. */
  const event = tuple(
    constantFrom(
      ...clis.flatMap((cli) =>
        recordings(cli)
          .slice(0, 40)
          .map(({ stdout }) => Buffer.from(stdout).toString().split('\n')[0] ?? ''),
      ),
    ),
    leaf,
    integer({ min: 0, max: 200 }),
  ).map(([line, value, at]) => JSON.stringify(spoilt(parsed(line), value, at)));
  const tools = tuple(constantFrom('Bash', 'Edit', 'Read', 'TodoWrite'), leaf, leaf).map(([name, input, result]) =>
    logOf(
      calls('1', name, {
        file_path: input,
        command: input,
        old_string: result,
        new_string: input,
        todos: [input],
      } as object),
      gives('1', result),
    ).trim(),
  );

  it.each(clis)('of %s becomes lines that fit and hold no control sequence', (cli) => {
    assert(
      property(array(oneof(event, tools, words), { maxLength: 12 }), constantFrom(null, 30, 80), (lines, width) => {
        const shown = linesOf(readerOf(cli), lines.join('\n'), { look: { colour: true, width } });
        expect(steering(shown.join('\n'))).toEqual([]);
      }),
      { numRuns: fuzzRuns(300) },
    );
  });
});

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}

/** Returns the same value with another value in one place. */
function spoilt(value: unknown, other: unknown, at: number): unknown {
  let place = 0;
  const walk = (each: unknown): unknown => {
    if (place++ === at) return other;
    if (Array.isArray(each)) return each.map(walk);
    return typeof each === 'object' && each !== null
      ? Object.fromEntries(Object.entries(each).map(([key, inner]) => [key, walk(inner)]))
      : each;
  };
  return walk(value);
}
