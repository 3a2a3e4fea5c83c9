/** Dates and wall-clock times, computed without reading a clock. */

export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

/** The date and time of the wall clock. `local`: the same in milliseconds, as if it were UTC. */
export type WallClock = { readonly year: number; readonly month: number; readonly day: number; readonly local: number };

/** Returns the wall-clock time at this instant in this zone, or null for an unknown zone. */
export function wallClock(at: number, timeZone: string): WallClock | null {
  try {
    const options = {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    } as const;
    const parts = new Intl.DateTimeFormat('en-US', options).formatToParts(at);
    const part = (type: string) => Number(parts.find((each) => each.type === type)?.value);
    const [year, month, date] = [part('year'), part('month'), part('day')];
    return {
      year,
      month,
      day: date,
      local:
        daysSinceEpoch(year, month, date) * day +
        part('hour') * hour +
        part('minute') * minute +
        part('second') * second,
    };
  } catch {
    return null;
  }
}

/**
 * Returns the instant of a wall-clock time. When clocks are set back, it returns the later of two instants. In a
 * skipped hour, it returns the instant that it would have been. A wait until then is certainly long enough. Returns
 * null for an unknown zone.
 */
export function fromLocal(local: number, timeZone: string): number | null {
  const candidates: number[] = [];
  for (const near of [local - day, local + day]) {
    const shown = wallClock(near, timeZone);
    if (shown === null) return null;
    candidates.push(local - (shown.local - near));
  }
  const right = candidates.filter(
    (instant) => wallClock(instant, timeZone)?.local === Math.floor(local / second) * second,
  );
  return Math.max(...(right.length > 0 ? right : candidates));
}

/** Returns the days since 1970-01-01 in the Gregorian calendar (Howard Hinnant, "days_from_civil"). */
export function daysSinceEpoch(year: number, month: number, date: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + date - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** Returns the day of the week, 0 for Sunday, of a day since 1970-01-01, which was a Thursday. */
export function weekdayAt(days: number): number {
  return (((days + 4) % 7) + 7) % 7;
}

const iso = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s?(Z|UTC|[-+]\d{2}:?\d{2})?/i;

/**
 * Returns the instant of an ISO 8601 time at the beginning of the text, or null. `timeZone` applies to a time without a
 * zone.
 */
export function isoInstant(text: string, timeZone: string): number | null {
  const match = iso.exec(text);
  if (match === null) return null;
  const [, year, month, date, hours, minutes, seconds = '0', fraction = '', zone] = match;
  if (
    Number(month) < 1 ||
    Number(month) > 12 ||
    Number(date) < 1 ||
    Number(date) > 31 ||
    Number(hours) > 24 ||
    Number(minutes) > 59
  )
    return null;
  const time =
    Number(hours) * hour +
    Number(minutes) * minute +
    Number(seconds) * second +
    Math.floor(Number(`0.${fraction || '0'}`) * second);
  const local = daysSinceEpoch(Number(year), Number(month), Number(date)) * day + time;
  if (zone === undefined) return fromLocal(local, timeZone);
  const [, sign, zoneHours, zoneMinutes] = /^([-+])(\d{2}):?(\d{2})$/.exec(zone) ?? [];
  if (sign === undefined) return local;
  return local - (sign === '-' ? -1 : 1) * (Number(zoneHours) * hour + Number(zoneMinutes) * minute);
}
