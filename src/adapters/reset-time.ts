/**
 * When a limit resets, as CLIs and providers report it: in text, in a JSON response, or in headers. Times are
 * milliseconds since the epoch, and null when none is given or the time is impossible. A clock time without seconds
 * means the end of its minute, because the limit resets somewhere within it.
 */
import { limits } from '#run/limits.ts';
import type { ReadAt } from './adapter.ts';
import { day, hour, isoInstant, minute, second } from './calendar.ts';
import { searchedLength } from './error-classes.ts';
import { httpDate, momentIn } from './parse-time.ts';

/** Returns when the limit in this text resets. Durations outrank clock times, because they need no zone. */
export function resetIn(whole: string, now: ReadAt): number | null {
  // Terminals break lines in the middle of a sentence.
  const text = whole.slice(0, searchedLength).replace(/\s+/g, ' ');
  return plausible(
    inFields(text, now) ??
      latest([afterWait(text, now), ...afterBar(text), ...atHttpDate(text)]) ??
      momentIn(text, now) ??
      latest(waitsIn(text, [ownRetry], now)),
    now,
  );
}

/** Returns when the limit resets according to response headers. Names are compared without case. */
export function resetInHeaders(headers: Readonly<Record<string, unknown>>, now: ReadAt): number | null {
  const named = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value).trim()]));
  const of = (name: string, read: (text: string) => number | null) => {
    const value = named.get(name);
    return value === undefined ? null : plausible(read(value), now);
  };
  const seconds = (text: string) => wait(numberIn(text), second, now);
  const retryAfter =
    of('retry-after-ms', (text) => wait(numberIn(text), 1, now)) ??
    of('retry-after', (text) => seconds(text) ?? httpDate(text));
  if (retryAfter !== null) return retryAfter;
  const unified = of('anthropic-ratelimit-unified-reset', (text) => epoch(numberIn(text)));
  // Some headers come with every response for each kind of limit. Only a limit with nothing left was reached.
  const kinds = [...named].flatMap(([name]) => {
    const [, before = '', after = ''] = /^(.*ratelimit-(?:.*-)?)reset(-.*)?$/.exec(name) ?? [];
    const left = named.get(`${before}remaining${after}`);
    return before === '' || (left !== undefined && numberIn(left) !== 0)
      ? []
      : [of(name, (text) => timeOrWait(text, now))];
  });
  return unified ?? latest(kinds);
}

/** Returns the instant of a number in seconds or milliseconds, or null for an impossible one. */
export function resetAtEpoch(value: number | null, now: ReadAt): number | null {
  return plausible(epoch(value), now);
}

/** Returns the time, or null when it is too far away, which means another unit or an invalid value. */
function plausible(at: number | null, now: ReadAt): number | null {
  return at !== null && Math.abs(at - now.at) <= limits.resetMsMax ? Math.round(at) : null;
}

/**
 * Returns the milliseconds of a time in seconds, milliseconds or microseconds. For present-day years their ranges do
 * not overlap.
 */
function epoch(value: number | null): number | null {
  if (value === null || value < 1e9) return null;
  if (value < 1e11) return value * second;
  if (value < 1e14) return value;
  return value < 1e17 ? value / 1_000 : null;
}

function wait(value: number | null, unit: number, { at }: ReadAt): number | null {
  return value === null || value < 0 ? null : at + value * unit;
}

function timeOrWait(text: string, now: ReadAt): number | null {
  const number = numberIn(text);
  if (number !== null) return epoch(number) ?? wait(number, second, now);
  return isoInstant(text, 'UTC') ?? httpDate(text) ?? waitIn(text, now);
}

function numberIn(text: string): number | null {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : null;
}

function latest(instants: readonly (number | null)[]): number | null {
  const known = instants.filter((instant) => instant !== null);
  return known.length === 0 ? null : Math.max(...known);
}

const units: Readonly<Record<string, number>> = { ms: 1, s: second, m: minute, h: hour, d: day, w: 7 * day };
const unit = /milliseconds?|msecs?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|hr|h|days?|d|weeks?|w/.source;
const amount = `\\d{1,9}(?:\\.\\d{1,9})? ?(?:${unit})(?![a-z])`;
const duration = `${amount}(?:(?:,? and |, ?| )?${amount}){0,5}`;
const about = '(?:about |approximately |around |another |~ ?)?';
const waits: readonly RegExp[] = [
  new RegExp(
    `(?:try(?:ing)? again|retry|retry[-_ ]?after|resets?(?:ting)?|reset[-_ ]?(?:after|in)|available(?: again)?|refresh(?:es)?|renews?|wait|back|opens?(?: again)?)(?: for)?(?: in| after|:| =|=)? ?${about}(${duration})`,
    'gi',
  ),
  new RegExp(`\\bin ${about}(${duration})(?: before|,? (?:you can )?(?:try|retry|send|use))`, 'gi'),
];
/** The CLI's own retry. It counts only when nothing else is given. */
const ownRetry = new RegExp(`\\bretrying (?:in|after) ${about}(${duration})`, 'gi');
/** A printed header. Without a unit its value is in seconds. */
const bare = /retry[-_ ]?after(?:["' ]*[:=]["' ]*| )(\d{1,9}(?:\.\d{1,9})?)(?!\d|\.\d| ?[a-z%])/gi;
const wordy = /(?:try again|retry|resets?) in (?:about )?(an?|one|a few) (second|minute|hour|day|week)s?\b/gi;

/**
 * Finds durations: "try again in 1.5s", "in 2 days 3 hours 4 minutes", "after 18h42m13s", "Please wait 587 hours 33
 * minutes". Returns the latest time.
 */
function afterWait(text: string, now: ReadAt): number | null {
  const found = waitsIn(text, waits, now);
  const headers = [...text.matchAll(bare)].map(([, number]) => wait(Number(number), second, now));
  const words = [...text.matchAll(wordy)].map(([, , name = '']) =>
    wait(1, units[name.charAt(0).toLowerCase()] ?? Number.NaN, now),
  );
  return latest([...found, ...headers, ...words]);
}

function waitsIn(text: string, patterns: readonly RegExp[], now: ReadAt): (number | null)[] {
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, words = '']) => waitIn(words, now)));
}

function waitIn(text: string, now: ReadAt): number | null {
  const parts = [...text.matchAll(new RegExp(`(\\d{1,9}(?:\\.\\d{1,9})?) ?(${unit})`, 'gi'))];
  const total = parts.reduce((sum, [, number, name = '']) => sum + Number(number) * unitMs(name.toLowerCase()), 0);
  return parts.length === 0 || !Number.isFinite(total) ? null : wait(total, 1, now);
}

function unitMs(name: string): number {
  return units[/^m(s|illi)/.test(name) ? 'ms' : name.charAt(0)] ?? Number.NaN;
}

/** Finds "usage limit reached|1763000000". */
function afterBar(text: string): (number | null)[] {
  return [...text.matchAll(/limit reached\|(\d{10,16})\b/g)].map(([, number]) => epoch(Number(number)));
}

/** Finds a printed header with a date. */
function atHttpDate(text: string): (number | null)[] {
  return [
    ...text.matchAll(/(?:retry[-_ ]?after|reset[\w-]{0,20})["' ]*[:=]? ?["']?([A-Z][a-z]{2,8},? [^"'}]{15,30})/gi),
  ].map(([, date = '']) => httpDate(date));
}

/** Field names in the JSON responses of providers, at any depth. A field has a time or a duration. */
const field =
  /\\*["']?\b((?:quota|usage|rate_?limit|retry|resets?|unified|window)[\w-]{0,30})\\*["']?\s*[:=]\s*\\*["']?([^"'\\,}\]]{1,40})/gi;

function inFields(text: string, now: ReadAt): number | null {
  const found = [...text.matchAll(field)].map(([, name = '', value = '']) =>
    ofField(name.toLowerCase().replaceAll(/[-_]/g, ''), value.trim(), now),
  );
  return latest(found.map((instant) => plausible(instant, now)));
}

function ofField(name: string, value: string, now: ReadAt): number | null {
  const number = numberIn(value);
  const isWait = /(after|delay|seconds?|secs?|in|ms)$/.test(name);
  if (/(resets?|retry)(at|time(stamp)?|date|on)?$/.test(name) && !isWait) {
    return number === null ? (isoInstant(value, 'UTC') ?? httpDate(value)) : epoch(number);
  }
  if (!isWait || !/(resets?|retry)/.test(name)) return null;
  if (number === null) return waitIn(value, now) ?? httpDate(value);
  // The unit of this field differs: some use seconds and some milliseconds.
  if (name.endsWith('delay')) return null;
  return wait(number, name.endsWith('ms') || name.includes('milli') ? 1 : second, now);
}
