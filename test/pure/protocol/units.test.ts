import { describe, expect, it } from 'vitest';
import { parseDuration, parseSize } from '#protocol/units.ts';
import { ClipError } from '#run/errors.ts';

const second = 1_000;
const day = 86_400 * second;

/** Returns the error of a parser. It must be a usage error that names the option and the value. */
function refusal(parse: (text: string, what: string) => number, text: string): string {
  try {
    const value = parse(text, '--limit');
    throw new Error(`"${text}" was taken for ${value}`);
  } catch (error) {
    if (!(error instanceof ClipError)) throw error;
    expect([error.code, error.hint === null]).toEqual(['usage', false]);
    expect(error.message).toContain('--limit: ');
    return error.message;
  }
}

describe('a duration', () => {
  it.each([
    ['0', 0],
    ['0s', 0],
    ['1ms', 1],
    ['90s', 90 * second],
    ['30m', 1_800 * second],
    ['2h', 7_200 * second],
    ['7d', 7 * day],
    ['1h30m', 5_400 * second],
    ['1.5h', 5_400 * second],
    ['1d2h3m4s5ms', day + 7_384_005],
    ['007s', 7 * second],
    ['365d', 365 * day],
  ])('written %s is %d ms', (text, ms) => {
    expect(parseDuration(text, '--limit')).toBe(ms);
  });

  it.each([
    '',
    ' ',
    '90',
    '1',
    '-1s',
    '-0',
    '+5s',
    '1 s',
    ' 1s',
    '1s ',
    '1S',
    '1H',
    's',
    '.5h',
    '1.h',
    '1e3s',
    '1,5h',
    's1',
    '1w',
    '1y',
    'Infinityd',
    'NaNs',
    '0x10s',
    '1s\n',
    '٣s',
  ])('is not "%s"', (text) => {
    expect(refusal(parseDuration, text)).toBe(`--limit: "${text}" is not a duration.`);
  });

  it.each(['366d', '365d1ms', '8761h', '31536001s', `${'9'.repeat(20)}d`, `${'9'.repeat(400)}d`])(
    'is at most 365 days, so not %s',
    (text) => {
      expect(refusal(parseDuration, text)).toContain('is longer than 365 days.');
    },
  );

  it('that is greater than zero is never rounded to zero', () => {
    expect(parseDuration('0.4ms', '--limit')).toBeGreaterThan(0);
  });

  it('is refused quickly, however long the text', () => {
    expect(refusal(parseDuration, `${'1'.repeat(100_000)}x`)).toContain('is not a duration.');
    expect(refusal(parseDuration, `${'1s'.repeat(50_000)}x`)).toContain('is not a duration.');
  });
});

describe('a size', () => {
  it.each([
    ['1', 1],
    ['4096', 4_096],
    ['12B', 12],
    ['1K', 1_024],
    ['1k', 1_024],
    ['500M', 500 * 2 ** 20],
    ['500MB', 500 * 2 ** 20],
    ['10G', 10 * 2 ** 30],
    ['10GiB', 10 * 2 ** 30],
    ['0.5K', 512],
    ['2T', 2 * 2 ** 40],
  ])('written %s is %d bytes', (text, bytes) => {
    expect(parseSize(text, '--limit')).toBe(bytes);
  });

  it.each([
    '',
    '0',
    '0K',
    '0.1',
    '-1',
    '-5M',
    '+5M',
    '1 K',
    '1P',
    'K',
    '.5M',
    '1e3',
    'NaN',
    'Infinity',
    '5iB',
    '1Ki',
    '8192T',
    '9'.repeat(30),
    '9'.repeat(400),
    '1\n',
  ])('is not "%s"', (text) => {
    expect(refusal(parseSize, text)).toBe(`--limit: "${text}" is not a size.`);
  });
});
