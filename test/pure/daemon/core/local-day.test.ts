import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dayAt, offsetMinutesAt } from '#daemon/core/local-day.ts';

const hour = 3_600_000;

describe('the local day in Berlin', () => {
  const before = process.env['TZ'];
  beforeEach(() => {
    process.env['TZ'] = 'Europe/Berlin';
  });
  afterEach(() => {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  });

  it.each([
    ['24 hours in June', Date.UTC(2026, 5, 1, 12), Date.UTC(2026, 4, 31, 22), 24, 120],
    ['23 hours when the clock is set forward', Date.UTC(2026, 2, 29, 12), Date.UTC(2026, 2, 28, 23), 23, 120],
    ['25 hours when the clock is set back', Date.UTC(2026, 9, 25, 12), Date.UTC(2026, 9, 24, 22), 25, 60],
  ])('has %s', (_, at, from, hours, offset) => {
    expect(dayAt(at)).toEqual({ from, to: from + hours * hour });
    expect(offsetMinutesAt(at)).toBe(offset);
  });

  it('ends when the next one begins', () => {
    const { to } = dayAt(Date.UTC(2026, 9, 25, 12));
    expect([dayAt(to - 1).to, dayAt(to).from]).toEqual([to, to]);
  });
});
