import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DocumentCheck } from '#http/response-document.ts';

const verdictOf = (...chunks: readonly string[]) => {
  const check = new DocumentCheck();
  return chunks.map((chunk) => check.take(Buffer.from(chunk))).at(-1);
};

describe('a beginning of one JSON document', () => {
  it('is recognized in every document, wherever it is cut', () => {
    const documents = fc.oneof(
      fc.jsonValue().map((value) => [value]),
      fc.jsonValue().map((value) => ({ value, '': [] })),
    );
    fc.assert(
      fc.property(documents, fc.constantFrom(0, 2), fc.nat(), (value, indent, at) => {
        const text = JSON.stringify(value, null, indent);
        const cut = at % text.length;
        expect(verdictOf(text.slice(0, cut), text.slice(cut), ' ')).toBe('open');
      }),
    );
  });

  it.each([
    '',
    ' \r\n\t',
    '[',
    '{',
    '[]',
    '{}',
    '[12',
    '[-1.5e+3 ,',
    '["\\"]',
    '{"a"',
    '{"a":[',
    '[tr',
    '{\n}\n\n',
    '[\n1]',
  ])('is %j', (text) => {
    expect(verdictOf(text)).toBe('open');
  });

  it.each(['{}\n', '\n\n[1,2]\n', '{"a":{"b":[]}} \r\n{"a":1}'])('is not a complete first line, like %j', (text) => {
    expect(verdictOf(text)).toBe('line');
  });

  it.each([
    'x',
    '12',
    '"a"',
    '[1 2',
    '[1,]',
    '{,',
    '{"a",',
    '{"a":1,}',
    '{1',
    '[}',
    '{]',
    '[]]',
    '[nul]',
    '[01:',
    '["a\n',
    '[x',
    '[+1',
    '[1-2]',
  ])('is not %j', (text) => {
    expect(verdictOf(text)).toBe('none');
  });

  it('is not a picture made of brackets', () => {
    expect([verdictOf('['.repeat(1_000)), verdictOf('['.repeat(1_001))]).toEqual(['open', 'none']);
  });
});
