import { describe, expect, it } from 'vitest';
import { findMeaning } from '../../../src/cli/synonyms.ts';
import { verbName, verbs } from '../../../src/cli/verbs.ts';

describe('A verb of another tool', () => {
  it.each([
    ['stop', ['6'], 'clip cancel 6'],
    ['kill', ['6', '7'], 'clip cancel --now 6 7'],
    ['tail', ['build'], 'clip logs -f build'],
    ['top', [], 'clip status --watch'],
    ['start', [], 'clip run --'],
    ['send', ['T7', 'also the lexer'], 'clip continue T7'],
    ['done', ['T7'], 'clip task done T7'],
    ['history', [], 'clip ledger'],
    ['info', ['6'], 'clip show 6'],
  ])('%s %j means %s', (word, rest, meaning) => {
    expect(findMeaning(word, rest)).toBe(meaning);
  });

  it('is not one of clip itself, and what it means is one', () => {
    const names = verbs.flatMap((verb) => [verbName(verb), verb.alias ?? verbName(verb)]);
    expect(names.filter((name) => findMeaning(name, []) !== null)).toEqual([]);
    for (const word of ['stop', 'add', 'restart', 'ps', 'tell', 'unpause'])
      expect(names).toContain(findMeaning(word, [])?.split(' ')[1]);
  });

  it('has no meaning when it is unknown, or a property of every object', () => {
    expect(['frobnicate', 'constructor', ''].map((word) => findMeaning(word, []))).toEqual([null, null, null]);
  });
});
