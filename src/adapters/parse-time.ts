/**
 * Parses wall-clock and calendar times as people and programs write them: "8pm (Asia/Tokyo)", "Thursday 9am", "Dec 1",
 * "20:16".
 */
import type { ReadAt } from './adapter.ts';
import {
  day,
  daysSinceEpoch,
  fromLocal,
  hour,
  isoInstant,
  minute,
  second,
  type WallClock,
  wallClock,
  weekdayAt,
} from './calendar.ts';

/** The words that precede such a time, and the number of them that are tried. */
const before =
  /(?:\b(?:resets?|again|available|until|renews?|refresh(?:es)?|restored|ends|back)\b|将在|将于)(?: is| it)?(?: again)?(?: at| on| by| until| after|:| time:| =)?\s*/gi;
const attemptsMax = 20;

/** Returns the first such time in the text. */
export function momentIn(text: string, now: ReadAt): number | null {
  let attempts = 0;
  for (const { index, 0: words } of text.matchAll(before)) {
    if (attempts++ === attemptsMax) return null;
    const moment = readMoment(text.slice(index + words.length, index + words.length + 80), {
      ...now,
      timeZone: zoneOfText(text) ?? now.timeZone,
    });
    if (moment !== undefined) return moment;
  }
  return null;
}

/** Returns the implied zone of a text. Z.ai's coding plan gives its reset times in Beijing time without a zone. */
function zoneOfText(text: string): string | null {
  return /usage limit reached for \d+ hour|使用上限|您的限额/i.test(text) ? 'Asia/Shanghai' : null;
}

/** Parses a time. Returns undefined when there is none, and null for a time in an unknown zone. */
function readMoment(text: string, now: ReadAt): number | null | undefined {
  const instant = isoInstant(text, zoneIn(text.slice(19)) ?? now.timeZone) ?? httpDate(text);
  if (instant !== null) return /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?!:)/.test(text) ? instant + minute : instant;
  const { date, rest } = readDate(text, now);
  const { time, rest: after } = readTime(rest.replace(/^(?:,? ?at |, ?| )/i, ''));
  if (time === null && (date === null || date.kind === 'weekday')) return undefined;
  const zone = zoneIn(after);
  if (zone === undefined) return null;
  const timeZone = zone ?? now.timeZone;
  const today = wallClock(now.at, timeZone);
  if (today === null) return null;
  const local = localTime(date, time ?? 0, today);
  return local === null ? null : fromLocal(local + (time === null || hasSeconds(rest) ? 0 : minute), timeZone);
}

/**
 * Returns whether the time has seconds. Without them it means the end of the minute. A date alone means the beginning
 * of its day.
 */
const hasSeconds = (text: string): boolean => /^\D{0,5}\d{1,2}:\d{2}:\d{2}/.test(text);

type DateWords =
  | { readonly kind: 'day'; readonly year: number | null; readonly month: number; readonly date: number }
  | { readonly kind: 'weekday'; readonly weekday: number }
  | { readonly kind: 'in'; readonly days: number };

/** Month names in English and the other languages that a run may use. */
const months = [
  /^(jan|ene|jän|gen)/i,
  /^(feb|fev|fév)/i,
  /^(mar|mär|mrz)/i,
  /^(apr|abr|avr)/i,
  /^(may|mai|mag)/i,
  /^(jun|juin|giu)/i,
  /^(jul|juil|lug)/i,
  /^(aug|ago|aoû)/i,
  /^(sep|set)/i,
  /^(oct|okt|out|ott)/i,
  /^nov/i,
  /^(dec|dez|déc|dic)/i,
];
const parseMonth = (name: string): number => months.findIndex((pattern) => pattern.test(name)) + 1;
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const monthName = '\\p{L}{3,10}';

function readDate(text: string, now: ReadAt): { readonly date: DateWords | null; readonly rest: string } {
  const weekday = /^(?:next )?(sun|mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?)(?:day)?\.?(?=[\s,]|$),? */i.exec(
    text,
  );
  const rest = weekday === null ? text : text.slice(weekday[0].length);
  const found = monthFirst(rest) ?? dayFirst(rest) ?? numeric(rest, now.locale ?? 'en-US') ?? relative(rest);
  if (found !== null) return found;
  if (weekday === null) return { date: null, rest: text };
  return { date: { kind: 'weekday', weekday: weekdays.indexOf((weekday[1] ?? '').slice(0, 3).toLowerCase()) }, rest };
}

type FoundDate = { readonly date: DateWords; readonly rest: string } | null;

/** Parses "Nov 24, 7:54pm", "Nov 24th, 2026 7:54 PM", "April 20, 2026 at 2:00 AM". */
function monthFirst(text: string): FoundDate {
  const match = new RegExp(
    `^(${monthName})\\.? (\\d{1,2})(?:st|nd|rd|th)?(?![\\d:])(?:,? (\\d{4})(?![\\d:]))?`,
    'iu',
  ).exec(text);
  return match === null ? null : resolveDay(match[3], match[1] ?? '', match[2], text.slice(match[0].length));
}

/** Parses "24 November 2026 at 19:54", "10 de jul. de 2026, 11:52". */
function dayFirst(text: string): FoundDate {
  const match = new RegExp(
    `^(\\d{1,2})(?:st|nd|rd|th|\\.)? (?:de |of )?(${monthName})\\.?(?:(?:,| de)? (\\d{4})(?![\\d:]))?`,
    'iu',
  ).exec(text);
  return match === null ? null : resolveDay(match[3], match[2] ?? '', match[1], text.slice(match[0].length));
}

function resolveDay(year: string | undefined, name: string, date: string | undefined, rest: string): FoundDate {
  const month = parseMonth(name);
  return month === 0
    ? null
    : { date: { kind: 'day', year: year === undefined ? null : Number(year), month, date: Number(date) }, rest };
}

/** Parses "11/24/2026, 7:54 PM" in American English, "24/11/2026" elsewhere, "24.11.2026", "2026-11-24". */
function numeric(text: string, locale: string): FoundDate {
  const iso = /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)/.exec(text);
  if (iso !== null)
    return {
      date: { kind: 'day', year: Number(iso[1]), month: Number(iso[2]), date: Number(iso[3]) },
      rest: text.slice(iso[0].length),
    };
  const match = /^(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)/.exec(text);
  if (match === null) return null;
  const [whole, first, separator, other, year = ''] = match;
  const monthComes = separator === '/' && /-US$|^en$/.test(locale) && Number(first) <= 12;
  const [month, date] =
    monthComes || Number(other) > 12 ? [Number(first), Number(other)] : [Number(other), Number(first)];
  return {
    date: { kind: 'day', year: Number(year.length === 2 ? `20${year}` : year), month, date },
    rest: text.slice(whole.length),
  };
}

function relative(text: string): FoundDate {
  const match = /^(today|tonight|tomorrow)\b,? */i.exec(text);
  return match === null
    ? null
    : { date: { kind: 'in', days: match[1]?.toLowerCase() === 'tomorrow' ? 1 : 0 }, rest: text.slice(match[0].length) };
}

/** Parses a time of day to milliseconds since midnight. */
function readTime(text: string): { readonly time: number | null; readonly rest: string } {
  const word = /^(midnight|noon)\b/i.exec(text);
  if (word !== null)
    return { time: word[1]?.toLowerCase() === 'noon' ? 12 * hour : 0, rest: text.slice(word[0].length) };
  const twelve = /^(\d{1,2})(?:[:.](\d{2})(?::(\d{2}))?)?\s?([ap])\.?\s?m\b\.?/i.exec(text);
  const match = twelve ?? /^(\d{1,2}):(\d{2})(?::(\d{2}))?(?![\d:])/.exec(text);
  if (match === null) return { time: null, rest: text };
  const [whole, hours, minutes = '0', seconds = '0', half] = match;
  const hourOfDay = half === undefined ? Number(hours) : (Number(hours) % 12) + (half.toLowerCase() === 'p' ? 12 : 0);
  const isNone =
    Number(minutes) > 59 ||
    Number(seconds) > 59 ||
    hourOfDay > 24 ||
    (half !== undefined && (Number(hours) > 12 || Number(hours) < 1));
  if (isNone) return { time: null, rest: text };
  return {
    time: hourOfDay * hour + Number(minutes) * minute + Number(seconds) * second,
    rest: text.slice(whole.length),
  };
}

const zones: Readonly<Record<string, string>> = {
  utc: 'UTC',
  gmt: 'UTC',
  z: 'UTC',
  pt: 'America/Los_Angeles',
  pst: 'America/Los_Angeles',
  pdt: 'America/Los_Angeles',
  pacific: 'America/Los_Angeles',
  mst: 'America/Denver',
  mdt: 'America/Denver',
  ct: 'America/Chicago',
  cst: 'America/Chicago',
  cdt: 'America/Chicago',
  et: 'America/New_York',
  est: 'America/New_York',
  edt: 'America/New_York',
  eastern: 'America/New_York',
  bst: 'Europe/London',
  cet: 'Europe/Berlin',
  cest: 'Europe/Berlin',
  ist: 'Asia/Kolkata',
  jst: 'Asia/Tokyo',
  kst: 'Asia/Seoul',
};

/** Returns the zone at the beginning of the text: null for none, undefined for an unknown one. */
function zoneIn(text: string): string | null | undefined {
  const named = /^ ?\(?([A-Za-z_]+(?:\/[A-Za-z_+\-0-9]+)+)\)?/.exec(text)?.[1];
  if (named !== undefined) return wallClock(0, named) === null ? undefined : named;
  const [, sign, hours, minutes = '0'] = /^ ?\(?(?:UTC|GMT) ?([-+])(\d{1,2})(?::?(\d{2}))?\)?/i.exec(text) ?? [];
  // Zones with minutes are rare and do not occur in such texts. In Etc names the signs are reversed.
  if (sign !== undefined)
    return Number(minutes) === 0 ? `Etc/GMT${sign === '+' ? '-' : '+'}${Number(hours)}` : undefined;
  const short = /^ ?\(?([A-Za-z]{1,7})\b/.exec(text)?.[1]?.toLowerCase();
  return short === undefined ? null : (zones[short] ?? null);
}

/** Returns the wall-clock time that the words mean, or null for an invalid day. */
function localTime(date: DateWords | null, time: number, today: WallClock): number | null {
  const todayAt = daysSinceEpoch(today.year, today.month, today.day) * day;
  if (date === null) {
    const local = todayAt + time;
    // A time that has just passed means now: the seconds are missing, and the message may be a little old.
    return local + (local < today.local - 5 * minute ? day : 0);
  }
  if (date.kind === 'in') return todayAt + date.days * day + time;
  if (date.kind === 'weekday') {
    const ahead = (date.weekday - weekdayAt(todayAt / day) + 7) % 7;
    const local = todayAt + ahead * day + time;
    return local < today.local - 5 * minute ? local + 7 * day : local;
  }
  if (date.month < 1 || date.month > 12 || date.date < 1 || date.date > 31) return null;
  const local = (year: number) => daysSinceEpoch(year, date.month, date.date) * day + time;
  if (date.year !== null) return local(date.year);
  // Without a year it means the next such day. A day that has just passed may come from an old message.
  return local(today.year) < today.local - day ? local(today.year + 1) : local(today.year);
}

/** Parses "Wed, 25 Nov 2026 07:28:00 GMT" and the two older HTTP formats. Returns null for any other text. */
export function httpDate(text: string): number | null {
  const match =
    /^(?:[A-Z][a-z]{2}, )?(\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:GMT|UTC|\+0000)/.exec(text) ??
    /^[A-Z][a-z]+day, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT/.exec(text);
  if (match !== null) return parseInstant(match[3], match[2], match[1], match.slice(4, 7));
  const old = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d{2}:\d{2}:\d{2}) (\d{4})/.exec(text);
  return old === null ? null : parseInstant(old[4], old[1], old[2], (old[3] ?? '').split(':'));
}

function parseInstant(yearText = '', name = '', date = '', time: readonly string[] = []): number | null {
  const month = parseMonth(name);
  const [hours = 0, minutes = 0, seconds = 0] = time.map(Number);
  const year = Number(yearText.length === 2 ? `20${yearText}` : yearText);
  return month === 0
    ? null
    : daysSinceEpoch(year, month, Number(date)) * day + hours * hour + minutes * minute + seconds * second;
}
