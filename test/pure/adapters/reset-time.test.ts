/** @module-tag fuzz */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { resetAtEpoch, resetIn, resetInHeaders } from '#adapters/reset-time.ts';
import { fuzzRuns } from '../../support/fuzz-runs.ts';
import { type Given, resetForms } from './reset-time-forms.ts';

const noonish = '2026-11-22T12:20:00Z';
const said = (text: string, now: string = noonish, timeZone = 'UTC', locale = 'en-US') => {
  const instant = resetIn(text, { at: Date.parse(now), timeZone, locale });
  return instant === null ? null : new Date(instant).toISOString();
};

test('the table has the forms of many CLIs, each with its source', () => {
  expect(resetForms.length).toBeGreaterThanOrEqual(120);
  expect(new Set(resetForms.map(([source]) => source)).size).toBeGreaterThan(50);
});

describe('the reset time of a limit', () => {
  test.each<[string, string, string | null, Given?]>(resetForms.map((form) => [...form]))(
    'is read from the text of %s: %s',
    (_, text, meaning, { now, zone, locale } = {}) => {
      expect(said(text, now, zone, locale)).toBe(meaning);
    },
  );
});

describe('the headers of a response', () => {
  const headers = (of: Record<string, unknown>) => {
    const instant = resetInHeaders(of, { at: Date.parse(noonish), timeZone: 'UTC' });
    return instant === null ? null : new Date(instant).toISOString();
  };

  test.each<[Record<string, unknown>, string | null]>([
    [{ 'retry-after': '30' }, '2026-11-22T12:20:30.000Z'],
    [{ 'Retry-After': 'Wed, 25 Nov 2026 07:28:00 GMT' }, '2026-11-25T07:28:00.000Z'],
    [{ 'Retry-After': 'Wednesday, 25-Nov-26 07:28:00 GMT' }, '2026-11-25T07:28:00.000Z'],
    [{ 'Retry-After': 'Wed Nov 25 07:28:00 2026' }, '2026-11-25T07:28:00.000Z'],
    [{ 'retry-after-ms': '1500', 'retry-after': '2' }, '2026-11-22T12:20:01.500Z'],
    [{ 'retry-after': 30 }, '2026-11-22T12:20:30.000Z'],
    [{ 'retry-after': 'soon' }, null],
    [{ 'retry-after': '-5' }, null],
    [{ 'retry-after': '99999999999' }, null],
    [
      {
        'anthropic-ratelimit-unified-reset': '1795400000',
        'anthropic-ratelimit-requests-reset': '2026-11-22T12:21:00Z',
      },
      '2026-11-23T02:13:20.000Z',
    ],
    [
      { 'anthropic-ratelimit-tokens-remaining': '0', 'anthropic-ratelimit-tokens-reset': '2026-11-22T12:21:00Z' },
      '2026-11-22T12:21:00.000Z',
    ],
    [{ 'anthropic-ratelimit-tokens-remaining': '9', 'anthropic-ratelimit-tokens-reset': '2026-11-22T12:21:00Z' }, null],
    [{ 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '6m0s' }, '2026-11-22T12:26:00.000Z'],
    [{ 'x-ratelimit-remaining-requests': '9', 'x-ratelimit-reset-requests': '6m0s' }, null],
    [{ 'x-ratelimit-reset': '1795400000' }, '2026-11-23T02:13:20.000Z'],
    [{ 'ratelimit-reset': '30' }, '2026-11-22T12:20:30.000Z'],
    [{}, null],
  ])('give a reset time or none: %j', (of, meaning) => {
    expect(headers(of)).toBe(meaning);
  });
});

describe('a number in a stream', () => {
  test.each([
    [1_795_400_000, '2026-11-23T02:13:20.000Z'],
    [1_795_400_000_000, '2026-11-23T02:13:20.000Z'],
    [1_795_400_000_000_000, '2026-11-23T02:13:20.000Z'],
    [1_795_400_000_000_000_000_000, null],
    [1_900_000_000, null],
    [-1, null],
    [0, null],
    [null, null],
  ])('is a time in seconds, milliseconds or microseconds, or none: %s', (value, meaning) => {
    const instant = resetAtEpoch(value, { at: Date.parse(noonish), timeZone: 'UTC' });
    expect(instant === null ? null : new Date(instant).toISOString()).toBe(meaning);
  });
});

describe('a time of day', () => {
  test('without a zone is read in the zone of this machine', () => {
    expect(said('try again at 1:21 PM.', noonish, 'America/New_York')).toBe('2026-11-22T18:22:00.000Z');
    expect(said('try again at 1:21 PM.', noonish, 'Asia/Tokyo')).toBe('2026-11-23T04:22:00.000Z');
  });

  test('in the past is tomorrow, unless it is only just over', () => {
    expect(said('try again at 11:00 AM')).toBe('2026-11-23T11:01:00.000Z');
    expect(said('try again at 12:20 PM', '2026-11-22T12:20:40Z')).toBe('2026-11-22T12:21:00.000Z');
    expect(said('try again at 12:20 PM', '2026-11-22T12:26:00Z')).toBe('2026-11-23T12:21:00.000Z');
  });

  test('of a day without a year is the next such day, or a recent one', () => {
    expect(said('resets Jan 2, 1am (UTC)', '2026-12-31T23:00:00Z')).toBe('2027-01-02T01:01:00.000Z');
    expect(said('resets Dec 31, 9pm (UTC)', '2026-12-31T23:00:00Z')).toBe('2026-12-31T21:01:00.000Z');
    expect(said('resets Feb 29, 9pm (UTC)', '2028-02-28T23:00:00Z')).toBe('2028-02-29T21:01:00.000Z');
  });

  test('on the night when clocks are put back is the second of the two hours', () => {
    // New York, 2026-11-01: 02:00 in summer time is 01:00 in winter time, at 06:00 in UTC.
    const evening = '2026-11-01T03:00:00Z';
    expect(said('resets 12:30am (America/New_York)', evening)).toBe('2026-11-01T04:31:00.000Z');
    expect(said('resets 3am (America/New_York)', evening)).toBe('2026-11-01T08:01:00.000Z');
    expect(said('resets 1:30am (America/New_York)', evening)).toBe('2026-11-01T06:31:00.000Z');
    expect(said('resets 8pm (America/New_York)', '2026-11-01T01:00:00Z')).toBe('2026-11-02T01:01:00.000Z');
  });

  test('on the night when clocks are put forward is the moment after the gap', () => {
    // New York, 2026-03-08: after 01:59 comes 03:00, at 07:00 in UTC.
    const midnight = '2026-03-08T05:00:00Z';
    expect(said('resets 1:30am (America/New_York)', midnight)).toBe('2026-03-08T06:31:00.000Z');
    expect(said('resets 3am (America/New_York)', midnight)).toBe('2026-03-08T07:01:00.000Z');
    expect(said('resets 2:30am (America/New_York)', midnight)).toBe('2026-03-08T07:31:00.000Z');
  });
});

describe('no text of a limit', () => {
  test('makes the search for a reset time slow', () => {
    for (const words of ['retry', 'resets ', 'try again in 1s', 'again at Nov 1']) {
      const begun = performance.now();
      said(words + ' '.repeat(2 ** 20));
      said(words.repeat(2 ** 17));
      expect(performance.now() - begun).toBeLessThan(1000);
    }
  });

  test('makes the search for a reset time throw', () => {
    const words = fc.constantFrom(
      'try again in',
      'at',
      'resets',
      'Nov',
      '99',
      '1:99',
      'PM',
      '(UTC)',
      '9'.repeat(30),
      's',
      '31st,',
      '0000',
      '(',
      '|',
      'retry after',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string()), { maxLength: 12 }), (parts) => {
        resetIn(parts.join(' '), { at: Date.parse(noonish), timeZone: 'America/New_York' });
      }),
      { seed: 4, numRuns: fuzzRuns(2000) },
    );
  });
});
