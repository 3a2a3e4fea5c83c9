import { describe, expect, it } from 'vitest';
import { isNeeded, verbName, verbs } from '#cli/verbs.ts';

const needed = (line: string) =>
  verbs.filter((verb) => isNeeded(verb, line.split(' ').filter(Boolean))).map((verb) => verbName(verb));

describe('a command line', () => {
  it.each([
    ['show 1', ['show']],
    ['ls --all', ['runs']],
    ['--color never show 1', ['show']],
    ['--color=never show 1', ['show']],
    ['', ['status']],
    ['--watch', ['status']],
    ['help run', ['run', 'help']],
    ['help', ['help']],
    ['--help', []],
    ['--version', []],
    ['shwo 1', []],
  ])('"%s" loads only the verbs that it needs', (line, names) => {
    expect(needed(line)).toEqual(names);
  });

  it('of any verb loads that verb', () => {
    for (const verb of verbs) expect(needed(verbName(verb))).toContain(verbName(verb));
  });
});
