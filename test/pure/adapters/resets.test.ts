import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { resetIn } from '../../../src/adapters/resets.ts';

const noonish = '2026-11-22T12:20:00Z';
const said = (text: string, now: string = noonish, timeZone = 'UTC') => {
  const instant = resetIn(text, { at: Date.parse(now), timeZone });
  return instant === null ? null : new Date(instant).toISOString();
};

describe('a wait', () => {
  test.each([
    ['rate limit exceeded: Rate limit reached. Please try again in 1.5s.', '2026-11-22T12:20:01.500Z'],
    ['Please try again in 250ms.', '2026-11-22T12:20:00.250Z'],
    ['Fake: rate limit reached, try again later.\nSuggested retry after 3600s.', '2026-11-22T13:20:00.000Z'],
    ['Please retry in 2h13m5s', '2026-11-22T14:33:05.000Z'],
    ['Please retry in 17.5s.', '2026-11-22T12:20:17.500Z'],
    ['try again in 2 hours 5 minutes', '2026-11-22T14:25:00.000Z'],
    ['Your quota will reset after 30 seconds.', '2026-11-22T12:20:30.000Z'],
    ['Retry-After: 90s', '2026-11-22T12:21:30.000Z'],
  ])('%s', (text, expected) => {
    expect(said(text)).toBe(expected);
  });
});

describe('a time of day', () => {
  test.each([
    ["You've hit your limit · resets 8pm (America/New_York)", '2026-11-23T01:00:00.000Z'],
    ["You've hit your 5-hour limit · resets 1:20pm (UTC)", '2026-11-22T13:20:00.000Z'],
    ["You've hit your weekly limit · resets Nov 24, 7:54pm (UTC)", '2026-11-24T19:54:00.000Z'],
    ["You've hit your weekly limit · resets Nov 24 at 7pm (UTC)", '2026-11-24T19:00:00.000Z'],
    ["You're out of extra usage · resets 11:30am (Asia/Colombo)", '2026-11-23T06:00:00.000Z'],
    ['Your limit will reset at 12am (UTC)', '2026-11-23T00:00:00.000Z'],
    ['limit reached · resets 12am (UTC)', '2026-11-23T00:00:00.000Z'],
    ['limit reached · resets 12pm (UTC)', '2026-11-23T12:00:00.000Z'],
    ['limit reached · resets 12:30pm (UTC)', '2026-11-22T12:30:00.000Z'],
    ['You’ve hit your usage limit. Upgrade to Pro or try again at 1:21 PM.', '2026-11-22T13:21:00.000Z'],
    ["You've hit your usage limit for GPT-5. Switch to another model now, or try again at Nov 24th, 2026 7:54 PM.", '2026-11-24T19:54:00.000Z'],
  ])('%s', (text, expected) => {
    expect(said(text)).toBe(expected);
  });

  test('without a zone is one of this machine', () => {
    expect(said('try again at 1:21 PM.', noonish, 'America/New_York')).toBe('2026-11-22T18:21:00.000Z');
    expect(said('try again at 1:21 PM.', noonish, 'Asia/Tokyo')).toBe('2026-11-23T04:21:00.000Z');
  });

  test('that is over is tomorrow, unless it is just over', () => {
    expect(said('try again at 11:00 AM')).toBe('2026-11-23T11:00:00.000Z');
    expect(said('try again at 12:20 PM', '2026-11-22T12:20:40Z')).toBe('2026-11-22T12:20:00.000Z');
    expect(said('try again at 12:20 PM', '2026-11-22T12:26:00Z')).toBe('2026-11-23T12:20:00.000Z');
  });

  test('of a day without a year is the next such day, and a stale one stays in the past', () => {
    expect(said('resets Jan 2, 1am (UTC)', '2026-12-31T23:00:00Z')).toBe('2027-01-02T01:00:00.000Z');
    expect(said('resets Dec 31, 9pm (UTC)', '2026-12-31T23:00:00Z')).toBe('2026-12-31T21:00:00.000Z');
    expect(said('resets Feb 29, 9pm (UTC)', '2028-02-28T23:00:00Z')).toBe('2028-02-29T21:00:00.000Z');
  });

  test('on the night when clocks are put back counts the hour that comes twice', () => {
    // New York, 2026-11-01: 02:00 in summer time is 01:00 in winter time, at 06:00 in UTC.
    const evening = '2026-11-01T03:00:00Z';
    expect(said('resets 12:30am (America/New_York)', evening)).toBe('2026-11-01T04:30:00.000Z');
    expect(said('resets 3am (America/New_York)', evening)).toBe('2026-11-01T08:00:00.000Z');
    expect(['2026-11-01T05:30:00.000Z', '2026-11-01T06:30:00.000Z']).toContain(said('resets 1:30am (America/New_York)', evening));
    expect(said('resets 8pm (America/New_York)', '2026-11-01T01:00:00Z')).toBe('2026-11-02T01:00:00.000Z');
  });

  test('on the night when clocks are put forward leaves out the hour that is not there', () => {
    // New York, 2026-03-08: after 01:59 comes 03:00, at 07:00 in UTC.
    const midnight = '2026-03-08T05:00:00Z';
    expect(said('resets 1:30am (America/New_York)', midnight)).toBe('2026-03-08T06:30:00.000Z');
    expect(said('resets 3am (America/New_York)', midnight)).toBe('2026-03-08T07:00:00.000Z');
    const missing = Date.parse(said('resets 2:30am (America/New_York)', midnight) ?? '');
    expect(Math.abs(missing - Date.parse('2026-03-08T07:00:00Z'))).toBeLessThanOrEqual(30 * 60_000);
  });
});

describe('a number of seconds since 1970', () => {
  test('stands behind a bar, with or without milliseconds', () => {
    expect(said('Claude AI usage limit reached|1763000000')).toBe('2025-11-13T02:13:20.000Z');
    expect(said('Claude AI usage limit reached|1763000000000')).toBe('2025-11-13T02:13:20.000Z');
  });
});

describe('nothing', () => {
  test.each([
    'Try again later.',
    'resets 8pm (Mars/Olympus_Mons)',
    'We’re currently experiencing high demand, which may cause temporary errors.',
    'Reconnecting... 1/2 (stream disconnected before completion)',
    'Please retry 3 more times',
    'API Error: 500 Internal server error',
    '',
  ])('is known from: %s', (text) => {
    expect(said(text)).toBeNull();
  });

  test('makes it slow', () => {
    for (const words of ['retry', 'resets ', 'try again in 1s', 'again at Nov 1']) {
      const begun = performance.now();
      said(words + ' '.repeat(2 ** 20));
      said(words.repeat(2 ** 17));
      expect(performance.now() - begun).toBeLessThan(1000);
    }
  });

  test('makes it throw', () => {
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
      { seed: 4, numRuns: 2000 },
    );
  });
});
