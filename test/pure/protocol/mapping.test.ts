import { describe, expect, it } from 'vitest';
import { presets } from '#adapters/presets.ts';
import { readMapping } from '#protocol/mapping.ts';
import { ClipError } from '#run/errors.ts';

/** Returns the refusal of this mapping. It must name the file and the documentation. */
function refusal(value: unknown): string {
  try {
    readMapping(value, 'smith.json');
  } catch (error) {
    if (!(error instanceof ClipError)) throw error;
    expect([error.code, error.hint]).toEqual([
      'usage',
      'docs/agents/presets-and-mappings.md has a worked example of a mapping.',
    ]);
    expect(error.message).toMatch(/^smith\.json: .*\.$/);
    return error.message.slice('smith.json: '.length, -1);
  }
  throw new Error('It was taken.');
}

const rule = { when: { type: 'x' }, message: { text: 'text' } };
const withRule = (given: object) => ({ command: 'smith', rules: [rule, { ...rule, ...given }] });

describe('a mapping', () => {
  it('needs nothing but a command', () => {
    expect(readMapping({ command: 'smith' }, 'smith.json')).toEqual({
      command: 'smith',
      prompt: 'stdin',
      start: {},
      resume: null,
      model: {},
      permission: { ask: {}, edit: {}, full: {} },
      removeEnv: [],
      politeSignal: null,
      needsResult: false,
      text: 'words',
      errorPrefixes: [],
      exitCodes: {},
      rules: [],
    });
  });

  it.each(presets.map(({ name, mapping }) => ({ name, mapping })))(
    'is valid as the preset $name, and unchanged after it was stored and read',
    ({ mapping }) => {
      expect(readMapping(JSON.parse(JSON.stringify(mapping)), 'preset')).toEqual(mapping);
    },
  );

  it.each([
    [null, /^the mapping is not right/],
    [[], /^the mapping is not right/],
    [{}, /^command is not right/],
    [{ command: '' }, /^command is not right/],
    [{ command: 'a\0b' }, /^command must not contain a NUL character/],
    [{ command: 'smith', prompt: 'argument' }, /^prompt is not right/],
    [{ command: 'smith', colour: 1 }, /^the mapping is not right: .*colour/],
    [{ command: 'smith', start: ['run'] }, /^start is not right/],
    [{ command: 'smith', start: { args: 'run' } }, /^start\.args is not right/],
    [{ command: 'smith', start: { env: { 'A B': 'x' } } }, /^start\.env\.A B is not right/],
    [{ command: 'smith', permission: { ask: {}, root: {} } }, /^permission is not right: .*root/],
    [{ command: 'smith', politeSignal: 'SIGKILL' }, /^politeSignal is not right/],
    [{ command: 'smith', exitCodes: { 1: 'broken' } }, /^exitCodes\.1 is not right/],
    [{ command: 'smith', exitCodes: { one: 'rate_limited' } }, /^exitCodes\.one is not right/],
    [withRule({ when: undefined }), /^rules\[1\]\.when is not right/],
    [withRule({ when: { type: { contains: 'x' } } }), /^rules\[1\]\.when\.type must be a value, a list of texts/],
    [withRule({ when: { 'a..b': 1 } }), /^rules\[1\]\.when\.a\.\.b/],
    [withRule({ message: { text: 'a b' } }), /^rules\[1\]\.message\.text must be a dotted path/],
    [withRule({ message: { text: '__proto__.x' } }), /^rules\[1\]\.message\.text must name a field of the line/],
    [withRule({ message: 'text' }), /^rules\[1\]\.message is not right/],
    [withRule({ tool: { id: 'id', kind: 'shell' } }), /^rules\[1\]\.tool\.kind is not right/],
    [withRule({ tool: { name: 'name' } }), /^rules\[1\]\.tool\.id must be a dotted path/],
    [withRule({ toolEnd: { id: 'id', failed: false } }), /^rules\[1\]\.toolEnd\.failed must be true, a dotted path/],
    [withRule({ tokens: { input: 'a' } }), /^rules\[1\]\.tokens\.scope is not right/],
    [withRule({ cost: { usd: 'a', scope: 'run' } }), /^rules\[1\]\.cost\.scope is not right/],
    [withRule({ where: { a: 1 } }), /^rules\[1\]\.where needs each/],
    [{ command: 'smith', rules: [{ when: {} }] }, /^rules\[0\] reads nothing/],
    [withRule({ results: {} }), /^rules\[1\] is not right: .*results/],
    [
      { command: 'smith', start: { args: ['-p', '{{prompt}}'] } },
      /^start\.args\[1\] has \{\{prompt\}\}: the prompt is never an argument/,
    ],
    [
      { command: 'smith', start: { args: ['{{modle}}'] } },
      /^start\.args\[0\] has \{\{modle\}\}, which is not known here; known: \{\{promptFile\}\}/,
    ],
    [{ command: 'smith', start: { env: { S: '{{session}}' } } }, /^start\.env\.S has \{\{session\}\}/],
    [
      { command: 'smith', permission: { full: { args: ['{{model}}'] } } },
      /^permission\.full\.args\[0\] has \{\{model\}\}/,
    ],
    [{ command: 'smith', prompt: 'file' }, /^start needs \{\{promptFile\}\}/],
    [{ command: 'smith', start: { args: ['{{promptFile}}'] } }, /^start has \{\{promptFile\}\}, but prompt is "stdin"/],
    [{ command: 'smith', resume: { args: ['-c'] } }, /^resume needs \{\{session\}\}/],
    [
      { command: 'smith', prompt: 'file', start: { args: ['{{promptFile}}'] }, resume: { args: ['{{session}}'] } },
      /^resume needs \{\{promptFile\}\}/,
    ],
    [{ command: 'smith', needsResult: true }, /^needsResult is true, but no rule has a result/],
  ])('%j is refused with the name of the field', (value, words) => {
    expect(refusal(value)).toMatch(words);
  });

  it('with several errors is refused with their number', () => {
    expect(refusal({ command: '', prompt: 'x', text: 'y' })).toContain('(and 2 more)');
  });
});
