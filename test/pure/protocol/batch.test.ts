import { describe, expect, it } from 'vitest';
import { ZodError } from 'zod';
import { batchDefaults, runOfLine } from '#protocol/batch.ts';
import { runRequest } from '#protocol/requests.ts';
import { ClipError } from '#run/errors.ts';

const line = { command: ['make'], cwd: '/work' };

describe('a line of a batch', () => {
  it('needs a command and a folder, its own or from the defaults', () => {
    expect(runOfLine({ command: ['make'] }, { cwd: '/work' })).toMatchObject(line);
    expect(() => runOfLine({ command: ['make'] }, {})).toThrow(ZodError);
    expect(runOfLine(line, {})).toEqual(runRequest.parse(line));
  });

  it('takes precedence over the defaults, field by field', () => {
    const defaults = { cwd: '/default', group: 'g', priority: 3, timeoutMs: 5_000 };
    expect(runOfLine({ ...line, priority: 0, timeoutMs: null }, defaults)).toMatchObject({
      cwd: '/work',
      group: 'g',
      priority: 0,
      timeoutMs: null,
    });
  });

  it('adds its variables and their names to those of the defaults', () => {
    const defaults = { env: { A: '1', B: '1' }, envNames: ['A'] };
    const run = runOfLine({ ...line, env: { B: '2', C: '3' } }, defaults);
    expect(run.env).toEqual({ A: '1', B: '2', C: '3' });
    expect(run.envNames.toSorted()).toEqual(['A', 'B', 'C']);
    expect(runOfLine(line, defaults)).toMatchObject({ env: { A: '1', B: '1' }, envNames: ['A'] });
  });

  it('may write times and sizes as on the command line', () => {
    const run = runOfLine({ ...line, timeout: '2m', silence: '30s', grace: '0', maxOutput: '1M' }, { timeoutMs: 1 });
    expect(run).toMatchObject({ timeoutMs: 120_000, silenceMs: 30_000, graceMs: 0, outputBytesMax: 2 ** 20 });
    expect(() => runOfLine({ ...line, timeout: '-5s' }, {})).toThrow(ClipError);
    expect(() => runOfLine({ ...line, timeout: 5 }, {})).toThrow(ZodError);
  });

  it.each([null, 'abc', 7, ['A=1'], { 'A=B': '1' }, { '': '1' }, { A: 1 }, { A: 'a\0b' }])(
    'is refused with the variables %j',
    (env) => {
      expect(() => runOfLine({ ...line, env }, {})).toThrow(ZodError);
    },
  );

  it.each([null, 7, 'make', ['make'], true])('is refused when it is %j', (text) => {
    expect(() => runOfLine(text, line)).toThrow(ZodError);
  });

  it('is refused with an unknown field', () => {
    expect(() => runOfLine({ ...line, tiemout: '2m' }, {})).toThrow(/tiemout/);
    expect(() => runOfLine({ ...line, defaults: {} }, {})).toThrow(ZodError);
  });

  it('may not be longer than a request', () => {
    const bad = [
      { command: [] },
      { command: [''] },
      { command: ['a\0b'] },
      { command: Array(4_097).fill('x') },
      { cwd: 'relative' },
      { name: '42' },
      { name: '@last' },
      { name: '-x' },
      { name: 'a\nb' },
      { name: 'x'.repeat(101) },
      { group: '' },
      { labels: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`k${n}`, 'v'])) },
      { locks: Array(17).fill('k') },
      { priority: 1.5 },
      { priority: 1_000_001 },
      { timeoutMs: -1 },
      { timeoutMs: 366 * 86_400_000 },
      { silenceMs: 0 },
      { outputBytesMax: 0 },
      { stdin: { kind: 'file', path: 'relative' } },
      { stdin: { kind: 'text', base64: '***' } },
    ];
    for (const fields of bad)
      expect(() => runOfLine({ ...line, ...fields }, {}), JSON.stringify(fields).slice(0, 80)).toThrow(ZodError);
  });
});

describe('the defaults of a batch', () => {
  it('may hold any field of a request, and no other', () => {
    expect(batchDefaults.safeParse({ defaults: { cwd: '/work', env: { A: '1' } } }).success).toBe(true);
    for (const header of [
      { defaults: { cwd: 'relative' } },
      { defaults: { nobody: 1 } },
      { defaults: {}, more: 1 },
      {},
      null,
    ]) {
      expect(batchDefaults.safeParse(header).success).toBe(false);
    }
  });
});
