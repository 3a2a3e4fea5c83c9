import { describe, expect, it } from 'vitest';
import { dueAt, formatQuiet, nextTimerAt, type Timer } from '#run/schedule.ts';

const minute = 60_000;
const hour = 60 * minute;
/** Returns a time on 1 June in UTC. */
const at = (hours: number, minutes = 0): number => Date.UTC(2026, 5, 1, hours, minutes);
const hours = (from: number, to: number) => ({ fromMinute: from * 60, toMinute: to * 60 });
const timer = (given: Partial<Timer> = {}): Timer => ({
  everyMs: 30 * minute,
  quiet: null,
  lastAt: at(12),
  offsetMinutesAt: () => 0,
  ...given,
});

describe('a timer of an agent', () => {
  it('is due one interval after it was last due', () => {
    expect(nextTimerAt(timer())).toBe(at(12, 30));
    expect(dueAt(timer(), at(12, 10))).toBe(at(12, 30));
  });

  it('that is late is due at once, and once, however many times were missed', () => {
    const woken = at(20);
    expect(dueAt(timer(), woken)).toBe(woken);
    expect(dueAt(timer({ lastAt: woken }), woken)).toBe(at(20, 30));
  });
});

describe('quiet hours', () => {
  it.each<[string, number, number]>([
    ['before them', at(21, 29), at(21, 59)],
    ['at their beginning', at(21, 30), at(31)],
    ['in the evening', at(22, 45), at(31)],
    ['after midnight', at(26), at(31)],
    ['just before their end', at(30, 29), at(31)],
    ['at their end', at(30, 30), at(31)],
    ['after them', at(31), at(31, 30)],
  ])('over midnight, 22-7, move only a time within them: %s', (_, lastAt, next) => {
    expect(nextTimerAt(timer({ quiet: hours(22, 7), lastAt }))).toBe(next);
  });

  it('within a day, 9-17, move a time within them to their end', () => {
    expect(nextTimerAt(timer({ quiet: hours(9, 17), lastAt: at(12) }))).toBe(at(17));
    expect(nextTimerAt(timer({ quiet: hours(9, 17), lastAt: at(8) }))).toBe(at(8, 30));
    expect(nextTimerAt(timer({ quiet: hours(9, 17), lastAt: at(17) }))).toBe(at(17, 30));
  });

  it('apply to a late timer', () => {
    expect(dueAt(timer({ quiet: hours(22, 7), lastAt: at(12) }), at(23))).toBe(at(31));
  });

  it('are in local time', () => {
    const east = () => 2 * 60;
    // 20:30 UTC is 22:30 local time, and 7:00 local time is 5:00 UTC.
    expect(nextTimerAt(timer({ quiet: hours(22, 7), lastAt: at(20), offsetMinutesAt: east }))).toBe(at(29));
    const west = () => -8 * 60;
    expect(nextTimerAt(timer({ quiet: hours(22, 7), lastAt: at(20), offsetMinutesAt: west }))).toBe(at(20, 30));
  });

  it('end at the same local time when daylight saving time begins or ends in them', () => {
    const change = at(26);
    expect(
      nextTimerAt(
        timer({ quiet: hours(22, 7), lastAt: at(23), offsetMinutesAt: (moment) => (moment < change ? 0 : 60) }),
      ),
    ).toBe(at(30));
    expect(
      nextTimerAt(
        timer({ quiet: hours(22, 7), lastAt: at(22), offsetMinutesAt: (moment) => (moment < change ? 60 : 0) }),
      ),
    ).toBe(at(31));
  });

  it('contain no time at which a timer is due', () => {
    for (let lastAt = at(0); lastAt < at(48); lastAt += 7 * minute) {
      const next = nextTimerAt(timer({ quiet: hours(22, 7), lastAt }));
      const onTheWall = (next / hour) % 24;
      expect(onTheWall >= 7 && onTheWall < 22).toBe(true);
      expect(next - (lastAt + 30 * minute)).toBeLessThanOrEqual(9 * hour);
    }
  });

  it('are formatted as they are written', () => {
    expect(formatQuiet(hours(22, 7))).toBe('22-7');
    expect(formatQuiet({ fromMinute: 22 * 60 + 30, toMinute: 5 })).toBe('22:30-0:05');
  });
});
