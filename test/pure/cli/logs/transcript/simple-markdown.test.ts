import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { lexer, type Token } from 'marked';
import { describe, expect, it } from 'vitest';
import { parseSimple } from '#cli/logs/transcript/simple-markdown.ts';

/** Returns what the renderer reads of tokens. */
function shown(tokens: readonly Token[]): unknown[] {
  const all: unknown[] = [];
  for (const token of tokens) {
    const { type, text, depth, ordered, start, loose, task, tokens: inner, items } = token as Record<string, unknown>;
    if (type === 'space') continue;
    if (type === 'text' && inner === undefined) {
      const last = all.at(-1) as { type: unknown; words: string } | undefined;
      if (last?.type === 'words') last.words += text;
      else all.push({ type: 'words', words: text });
    } else if (type === 'list') all.push({ type, ordered, start, loose, items: shown(items as Token[]) });
    else if (type === 'codespan' || type === 'code') all.push({ type, text });
    else all.push({ type, depth, task, loose, inner: shown((inner ?? []) as Token[]) });
  }
  return all;
}

const lines = [
  'Some words.',
  'I read `src/a.ts` and **then** run it:',
  'a **bold `code` word**, (**x**) and my_long_name, 3 > 2 & 1 | 0!',
  '- an item',
  '- **first**: `x_1`',
  '* another bullet',
  '1. one',
  '2. two `2`',
  '10. ten',
  '# Title',
  '### The `third` part',
  '## closed ##',
  '```ts',
  '```',
  'const a = `b`;  // <c> [d](e)',
  '    indented',
  '',
  '',
  '',
  '---',
  '===',
  '| a | b |',
  '|---|---|',
  '> quoted',
  'ends with space ',
  'ends with two  ',
  '2026 was “good” – größer → ✓ 漢字 👩‍👩‍👧',
  '3.5 of 4',
  'see https://example.org/x_y and a@b.org',
  '[link](x) ![i](y) <b>html</b> ~~gone~~ *em* _em_ \\* a*b*c __b__',
  '“**Note**: x” **a:** b **c.** d**e** **f**g ** h **',
  '`` a ` b `` ` c ` `d` e` f',
  '**a `**` b** and `x` **y** `[`',
  '-',
  '- ',
  '- - a',
  '-  two',
  '- # a',
  '- [ ] task',
  '- 1. a',
  '1) one',
  '+ plus',
  '   three',
];
const pieces = [
  'a',
  'b1',
  ' ',
  ' ',
  '\n',
  '**',
  '*',
  '_',
  '`',
  '```',
  '(',
  ')',
  '.',
  ':',
  '-',
  '- ',
  '# ',
  '1. ',
  '|',
  '!',
  '<',
  '[x]',
  'ö',
  '“',
  '&',
  '~',
  '\\',
  '@',
];

describe('the reader of simple Markdown', () => {
  it('reads a text as the full parser does, or not at all', () => {
    const text = fc.oneof(
      fc.array(fc.constantFrom(...lines), { maxLength: 7 }).map((all) => all.join('\n')),
      fc.array(fc.constantFrom(...pieces), { maxLength: 14 }).map((all) => all.join('')),
      fc
        .tuple(
          fc.constantFrom(...lines),
          fc.array(fc.constantFrom(...pieces), { maxLength: 6 }),
          fc.constantFrom(...lines),
        )
        .map(([before, middle, after]) => before + middle.join('') + after),
    );
    let simple = 0;
    fc.assert(
      fc.property(text, (source) => {
        const found = parseSimple(source);
        if (found === null) return;
        simple += 1;
        expect(shown(found)).toEqual(shown(lexer(source, { gfm: true })));
      }),
      { numRuns: Number(process.env['FUZZ'] ?? 5_000) },
    );
    expect(simple).toBeGreaterThan(200);
  });

  it('reads the messages that agents write most', () => {
    for (const message of [
      'All done. The change is in place.',
      'I read `src/a.ts`, then:\n\n- **first** the test\n- then the code\n\nIt passes now.',
      '## Result\n\n1. one\n2. two\n\n```ts\nconst a = b[0];\n\n// c\n```\nIt is in my_file.ts.',
    ])
      expect(shown(parseSimple(message) ?? [])).toEqual(shown(lexer(message, { gfm: true })));
  });

  it('leaves everything else to the full parser', () => {
    for (const text of [
      'a <b>',
      'see https://x.org',
      '*em*',
      '[a](b)',
      '| a |\n|---|',
      '- a\n  - b',
      'a\n---',
      '> a',
      'a  \nb',
    ])
      expect(parseSimple(text), text).toBeNull();
  });

  it('reads the recorded messages as the full parser does', () => {
    const folder = join(import.meta.dirname, '../../../../fixtures/streams');
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.jsonl')) continue;
      for (const [, quoted] of readFileSync(join(folder, name), 'utf8').matchAll(
        /"(?:text|content|message)":("(?:[^"\\]|\\.)*")/g,
      )) {
        const text = JSON.parse(quoted as string) as string;
        const found = parseSimple(text);
        if (found !== null) expect(shown(found)).toEqual(shown(lexer(text, { gfm: true })));
      }
    }
  });
});
