/** @module-tag fuzz */
import {
  type Arbitrary,
  anything,
  array,
  assert,
  constantFrom,
  dictionary,
  double,
  integer,
  jsonValue,
  letrec,
  oneof,
  property,
  record,
  string,
  uint8Array,
} from 'fast-check';
import { describe, expect, it } from 'vitest';
import { presets } from '#adapters/presets.ts';
import { findAdapter } from '#adapters/registry.ts';
import { parseConfig } from '#config/config.ts';
import { ConfigError } from '#config/config-error.ts';
import { parseEnvFile } from '#daemon/agents/env-file.ts';
import { readMessage } from '#keeper/messages.ts';
import { wrongWithBudget } from '#protocol/budget.ts';
import { tooMuchIn } from '#protocol/json-size.ts';
import { readMapping } from '#protocol/mapping.ts';
import type { Mapping } from '#run/agent.ts';
import { visibleJson } from '#run/control-chars.ts';
import { ClipError } from '#run/errors.ts';
import { judgeStream } from '#run/stream-outcome.ts';
import { fuzzRuns } from '../../support/fuzz-runs.ts';
import { replay } from '../../support/recordings.ts';
import { launch } from '../../support/streams.ts';
import { steering } from '../../support/terminal.ts';

const numRuns = fuzzRuns(400);
const text = string({ unit: 'binary', maxLength: 40 });
const pieces = (...some: string[]) =>
  array(oneof({ weight: 5, arbitrary: constantFrom(...some) }, text), { maxLength: 16 }).map((parts) => parts.join(''));

/** Returns the result, or null when `work` throws an error of these kinds. Any other error is a bug. */
function outcome<T>(work: () => T, ...kinds: (new (...args: never[]) => Error)[]): T | null {
  try {
    return work();
  } catch (error) {
    if (kinds.some((kind) => error instanceof kind)) return null;
    throw error;
  }
}

describe('arbitrary files of a person', () => {
  it('are read as a configuration, or refused with the line', () => {
    const toml = pieces(
      'max_runs',
      'after_crash',
      '[budget]',
      'budget.day',
      'leftovers_keep',
      ' = ',
      '2',
      '"hold"',
      '"5usd"',
      '[',
      ']',
      '{',
      '}',
      '"',
      "'''",
      '\n',
      '# x',
      '.',
      ',',
      '1e999',
      'true',
      '\0',
    );
    assert(
      property(toml, (written) => {
        const config = outcome(() => parseConfig(written, '/c', wrongWithBudget), ConfigError);
        if (config) expect(Number.isSafeInteger(config.max_runs) && config.max_runs >= 1).toBe(true);
        else expect(() => parseConfig(written, '/c', wrongWithBudget)).toThrow(/^The configuration \/c, line \d+/);
      }),
      { numRuns },
    );
  });

  it('give the texts of an env file, or an error without any of them', () => {
    const lines = pieces(
      'A',
      'KEY',
      '=',
      '"',
      "'",
      '`',
      '\n',
      '\r\n',
      ' ',
      '#',
      'export ',
      'value',
      '\\n',
      '$A',
      '\0',
      '__proto__',
    );
    assert(
      property(oneof(lines, text), (written) => {
        try {
          for (const [name, value] of Object.entries(parseEnvFile(written)))
            expect([typeof name, typeof value]).toEqual(['string', 'string']);
        } catch (error) {
          expect((error as Error).message).toMatch(/^line \d+ is not KEY=VALUE$/);
        }
      }),
      { numRuns },
    );
  });

  it('are a mapping that starts a program, or a usage error', () => {
    const part = record(
      {
        args: array(oneof(text, constantFrom('{{session}}', '{{promptFile}}', '{{model}}', '{{prompt}}'))),
        env: dictionary(text, text),
      },
      { requiredKeys: [] },
    );
    const path = oneof(constantFrom('type', 'a.b', 'message.content', '__proto__', 'constructor.name', '0'), text);
    const rule = dictionary(
      constantFrom(
        'when',
        'each',
        'where',
        'session',
        'message',
        'tool',
        'toolEnd',
        'tokens',
        'cost',
        'error',
        'retrying',
        'result',
      ),
      oneof(
        dictionary(oneof(constantFrom('id', 'text', 'usd', 'scope', 'input', 'kind'), path), oneof(path, jsonValue())),
        jsonValue(),
      ),
    );
    const mapping = record(
      {
        command: oneof(text, constantFrom('x')),
        prompt: constantFrom('stdin', 'file', 'no'),
        start: part,
        resume: oneof(part, jsonValue()),
        model: part,
        permission: jsonValue(),
        rules: array(rule, { maxLength: 4 }),
        exitCodes: dictionary(text, text),
      },
      { requiredKeys: ['command'] },
    );
    assert(
      property(oneof(mapping, anything()), uint8Array({ maxLength: 200 }), (written, bytes) => {
        const read = outcome(() => readMapping(written, 'The mapping'), ClipError);
        if (!read) return;
        const adapter = findAdapter({ ...launch('plain').agent, mapping: read });
        expect(adapter.prepare({ ...launch('plain'), sessionId: 's' }).argv[0]).not.toBe('');
        replay(adapter, { stdout: bytes, stderr: bytes });
      }),
      { numRuns },
    );
  });
});

describe('arbitrary output of an agent', () => {
  /** Fields that mappings and adapters read, with nested values of every kind. */
  const names = [
    'type',
    'subtype',
    'result',
    'error',
    'message',
    'content',
    'usage',
    'status',
    'output',
    'part',
    'tool',
    'id',
    'session_id',
    'text',
    'is_error',
    'cost',
    '__proto__',
    'constructor',
    'toString',
  ];
  const values = ['assistant', 'result', 'tool_use', 'error', 'text', 'success', 'message', 'completed', 'running', ''];
  const { json } = letrec<{ json: unknown }>((tie) => ({
    json: oneof(
      { maxDepth: 4 },
      constantFrom(...values),
      integer(),
      double(),
      constantFrom(null, true, -1, 1e308),
      text,
      array(tie('json'), { maxLength: 3 }),
      dictionary(constantFrom(...names), tie('json'), { maxKeys: 5 }),
    ),
  }));
  const lines: Arbitrary<string> = array(
    oneof(
      json.map((value) => JSON.stringify(value) ?? ''),
      text,
      pieces('::clip-report ', 'abc ', '{"id":"1","kind":"next","text":"x"}', '{', '\u001b[31m'),
    ),
    { maxLength: 12 },
  ).map((some) => some.join('\n'));
  const described: { name: string; mapping: Mapping | null; adapter: 'http' | 'plain' }[] = [
    { name: 'http', mapping: null, adapter: 'http' },
    ...presets.map(({ name, mapping }) => ({ name, mapping, adapter: 'plain' as const })),
  ];

  it.each(described)('gives the adapter $name an end and a stream state to store', ({ mapping, adapter: kind }) => {
    const adapter = findAdapter({ ...launch(kind).agent, mapping });
    assert(
      property(lines, oneof(lines, text), integer({ min: 0, max: 255 }), (stdout, stderr, code) => {
        const streamState = replay(adapter, { stdout: Buffer.from(stdout), stderr: Buffer.from(stderr) });
        expect(JSON.parse(JSON.stringify(streamState))).toEqual(streamState);
        expect(JSON.stringify(streamState).length).toBeLessThan(400_000);
        if (adapter.stream) judgeStream(streamState, { code, signal: null }, adapter.stream);
      }),
      { numRuns: fuzzRuns(150) },
    );
  });
});

describe('arbitrary data from a socket', () => {
  it('is a message that the keeper can carry out, or is ignored', () => {
    const odd = oneof(
      constantFrom<unknown>(null, '', 'x', '\0', -1, 0, 1e308, true, [], {}),
      anything({ maxDepth: 1 }),
      text,
    );
    const launchLike = record(
      Object.fromEntries(
        ['argv', 'cwd', 'deadlineAt', 'graceMs', 'stdin', 'mergeOutput', 'token', 'task', 'continuation'].map(
          (name) => [name, name === 'argv' ? oneof(array(odd, { maxLength: 3 }), odd) : odd],
        ),
      ),
      { requiredKeys: [] },
    );
    const message = record(
      {
        type: oneof(constantFrom('hello', 'spawn', 'drain', 'bye'), odd),
        id: oneof(constantFrom('r1', '..', 'r/1', 'R1', 'r'.repeat(65)), odd),
        launch: oneof(launchLike, odd),
        generation: odd,
        protocol: odd,
      },
      { requiredKeys: [] },
    );
    assert(
      property(
        oneof(
          message.map((value) => JSON.stringify(value) ?? ''),
          jsonValue().map((value) => JSON.stringify(value)),
          text,
        ),
        (line) => {
          const read = readMessage(line);
          if (read?.type !== 'spawn') return;
          expect(read.id).toMatch(/^[a-z0-9]{1,64}$/);
          const { argv, cwd, graceMs } = read.launch;
          expect(
            [...argv, cwd].every((each) => typeof each === 'string' && !each.includes('\0')) &&
              argv.length > 0 &&
              graceMs >= 0,
          ).toBe(true);
        },
      ),
      { numRuns: fuzzRuns(1_000) },
    );
  });

  it('is checked to its bounds, however deep or wide it is', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i += 1) deep = i % 2 === 0 ? [deep] : { deep };
    expect(tooMuchIn(deep)).toMatch(/deep/);
    expect(tooMuchIn(Array.from({ length: 2_000_000 }, () => 1))).toMatch(/values/);
    expect(tooMuchIn(JSON.parse('{"a":[{"__proto__":{"x":1}}]}'))).toMatch(/__proto__/);
    assert(
      property(jsonValue(), (value) => {
        expect(
          tooMuchIn(value) === null || JSON.stringify(value).includes('__proto__') || JSON.stringify(value).length > 30,
        ).toBe(true);
      }),
      { numRuns },
    );
  });

  it('is printed as JSON of the same meaning without control codes', () => {
    assert(
      property(
        oneof(
          jsonValue({ stringUnit: 'binary' }),
          text,
          pieces('\u009b', '\u202e', '\ufeff', '\u{e0041}', '\u007f', '"', '\\'),
        ),
        (value) => {
          expect(JSON.parse(visibleJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
          expect(steering(visibleJson(value))).toEqual([]);
        },
      ),
      { numRuns },
    );
  });
});
