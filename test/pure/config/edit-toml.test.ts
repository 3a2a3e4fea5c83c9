import fc from 'fast-check';
import { parse, stringify } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { edited } from '#config/edit-toml.ts';

const text = (...lines: string[]): string => `${lines.join('\n')}\n`;

describe('a setting in config.toml', () => {
  it('is changed in its place, and every comment stays', () => {
    const before = text(
      '# mine',
      'max_runs = 4   # a laptop',
      '',
      '[logs] # of ended runs',
      '# three months',
      'keep_days=90 # days',
      'size_max_gb = 1',
    );
    expect(edited(before, 'max_runs', 8)).toBe(before.replace('max_runs = 4', 'max_runs = 8'));
    expect(edited(before, 'logs.keep_days', 30)).toBe(before.replace('keep_days=90', 'keep_days= 30'));
  });

  it('may have many lines, and text like a key, a table or a comment', () => {
    const before = text(
      'leftovers_keep = [ # these',
      '  "tmux", # a',
      '  "[logs]", "max_runs = 1"',
      '] # all',
      'after_crash = "hold" # "#"',
    );
    expect(edited(before, 'leftovers_keep', ['a#b'])).toBe(
      text('leftovers_keep = [ "a#b" ] # all', 'after_crash = "hold" # "#"'),
    );
    expect(edited(before, 'after_crash', 'continue')).toBe(before.replace('"hold"', '"continue"'));
  });

  it('is added after the others of its table when it is new', () => {
    const before = text('# head', 'max_runs = 4', '', '# limits', '[budget]', 'day = "5usd"', '', '[logs]');
    expect(edited(before, 'auto_done', true)).toBe(
      before.replace('max_runs = 4\n', 'max_runs = 4\nauto_done = true\n'),
    );
    expect(edited(before, 'budget.run', '1usd')).toBe(before.replace('day = "5usd"\n', 'day = "5usd"\nrun = "1usd"\n'));
    expect(edited(before, 'logs.keep_days', 1)).toBe(`${before}keep_days = 1\n`);
    expect(edited(before, 'hooks.failed', ['a', 'b c'])).toBe(`${before}\n[hooks]\nfailed = [ "a", "b c" ]\n`);
    expect(edited('', 'max_runs', 1)).toBe('max_runs = 1\n');
    expect(edited('', 'logs.keep_days', 1)).toBe('[logs]\nkeep_days = 1\n');
    expect(edited(text('# logs', '[logs]'), 'max_runs', 1)).toBe(text('max_runs = 1', '', '# logs', '[logs]'));
    expect(edited(text('logs.keep_days = 3', 'max_runs = 1'), 'logs.size_max_gb', 1)).toBe(
      text('logs.keep_days = 3', 'logs.size_max_gb = 1', 'max_runs = 1'),
    );
  });

  it('is removed, and nothing else', () => {
    const before = text('# a', 'max_runs = 4', '# b', '[logs]', 'keep_days = 9');
    expect(edited(before, 'max_runs', undefined)).toBe(before.replace('max_runs = 4\n', ''));
    expect(edited(before, 'logs.keep_days', undefined)).toBe(before.replace('keep_days = 9\n', ''));
    expect(edited(before, 'auto_done', undefined)).toBe(before);
  });

  it('is left to a person when it has no line of its own', () => {
    expect(edited('logs = { keep_days = 3 }\n', 'logs.keep_days', 4)).toBeNull();
    expect(edited('logs = { keep_days = 3 }\n', 'logs.size_max_gb', 4)).toBeNull();
  });

  it('is the only one whose value changes', () => {
    const word = fc.string({ maxLength: 12 });
    const file = fc.record(
      {
        max_runs: fc.integer(),
        leftovers_keep: fc.array(word, { maxLength: 4 }),
        after_crash: word,
        logs: fc.record({ keep_days: fc.integer(), size_max_gb: fc.integer() }, { requiredKeys: [] }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        file,
        word,
        fc.constantFrom('after_crash', 'logs.keep_days', 'hooks.failed'),
        (values, value, key) => {
          const after = edited(`${stringify(values)}\n# the end`, key, value) ?? '';
          expect(after).toContain('# the end');
          const [first = '', second] = key.split('.');
          const told = (parse(after) as Record<string, Record<string, unknown>>)[first];
          expect(second === undefined ? told : told?.[second]).toBe(value);
        },
      ),
    );
  });
});
