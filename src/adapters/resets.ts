/**
 * When a limit opens again, from the words of the CLIs. Milliseconds since the epoch; null where nothing
 * is said. Their times are local, sometimes stale and sometimes without a day: callers add slack.
 */
import type { ReadAt } from './adapter.ts';
import { searchedLength } from './classes.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const units: Readonly<Record<string, number>> = { ms: 1, s: second, sec: second, second: second, m: minute, min: minute, minute: minute, h: hour, hour: hour };

export function resetIn(whole: string, now: ReadAt): number | null {
  const text = whole.slice(0, searchedLength);
  return afterWait(text, now) ?? atEpoch(text) ?? atClock(text, now);
}

/** "try again in 1.5s", "retry after 3600s", "Please retry in 2h13m5s". */
function afterWait(text: string, { at }: ReadAt): number | null {
  const match =
    /(?:try again|retry|retry-after|reset\w*)\s*(?:in|after|:)?\s*((?:\d+(?:\.\d+)?\s*(?:ms|seconds?|secs?|minutes?|mins?|hours?|s|m|h)\b\s*|\d+(?:\.\d+)?(?:ms|s|m|h))+)/i.exec(
      text,
    );
  if (!match?.[1]) return null;
  const parts = [...match[1].matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/gi)];
  const wait = parts.reduce((sum, [, number, unit]) => sum + Number(number) * (units[(unit ?? '').toLowerCase().replace(/(?<=..)s$/, '')] ?? Number.NaN), 0);
  return Number.isFinite(wait) ? at + Math.round(wait) : null;
}

/** "usage limit reached|1763000000" (seconds). */
function atEpoch(text: string): number | null {
  const match = /limit reached\|(\d{10})(\d{3})?\b/.exec(text);
  return match ? Number(match[1]) * second : null;
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
/** "resets 8pm (America/New_York)", "resets Nov 24, 7:54pm (UTC)", "try again at Nov 24th, 2026 7:54 PM", "try again at 1:21 PM". */
const clock =
  /(?:resets?|again)\s+(?:at\s+|on\s+)?(?:([A-Z][a-z]{2})[a-z]*\s+(\d{1,2})(?:st|nd|rd|th)?(?:,?\s+(\d{4}))?,?\s+(?:at\s+)?)?(\d{1,2})(?::(\d{2}))?\s*([ap])\.?m\b\.?(?:\s*\(([A-Za-z_]+(?:\/[A-Za-z_+\-0-9]+)*)\))?/i;

function atClock(text: string, now: ReadAt): number | null {
  const match = clock.exec(text);
  if (!match) return null;
  const [, monthName, dayText, yearText, hourText, minuteText, half, zone] = match;
  const timeOfDay = ((Number(hourText) % 12) + (half?.toLowerCase() === 'p' ? 12 : 0)) * hour + Number(minuteText ?? 0) * minute;
  const timeZone = zone ?? now.timeZone;
  const today = wallClock(now.at, timeZone);
  if (today === null) return null;
  const todayAt = daysSinceEpoch(today.year, today.month, today.day) * day;
  if (monthName === undefined) {
    const local = todayAt + timeOfDay;
    // One that is just over is meant for now: the seconds are left out, and the message may be a little old.
    return fromLocal(local + (local < today.local - 5 * minute ? day : 0), timeZone);
  }
  const month = months.indexOf(monthName.toLowerCase());
  if (month < 0) return null;
  const local = (year: number) => daysSinceEpoch(year, month + 1, Number(dayText)) * day + timeOfDay;
  if (yearText !== undefined) return fromLocal(local(Number(yearText)), timeZone);
  // Without a year it is the next such day; one that is just over may be a stale message.
  return fromLocal(local(today.year) < today.local - day ? local(today.year + 1) : local(today.year), timeZone);
}

type WallClock = { readonly year: number; readonly month: number; readonly day: number; readonly local: number };

/** What the clock on the wall shows at this instant in this zone; null for a zone nobody knows. */
function wallClock(at: number, timeZone: string): WallClock | null {
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
    return { year, month, day: date, local: daysSinceEpoch(year, month, date) * day + part('hour') * hour + part('minute') * minute + part('second') * second };
  } catch {
    return null;
  }
}

/** The instant at which the clock on the wall shows this; twice corrected, for the days on which clocks are changed. */
function fromLocal(local: number, timeZone: string): number | null {
  let instant = local;
  for (let round = 0; round < 2; round += 1) {
    const shown = wallClock(instant, timeZone);
    if (shown === null) return null;
    instant += local - shown.local;
  }
  return instant;
}

/** Days from 1970-01-01 in the Gregorian calendar (Howard Hinnant, "days_from_civil"). */
function daysSinceEpoch(year: number, month: number, date: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + date - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
