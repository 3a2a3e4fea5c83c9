/** The values of a stream, which are not trusted. */

/** Returns a whole number; null for anything else. */
export function toWhole(value: number | null): number | null {
  return value !== null && Number.isSafeInteger(value) ? value : null;
}

/**
 * Returns a time in milliseconds since the epoch; null for an invalid one. The largest date is 100 million days from
 * 1970.
 */
export function toTime(ms: number | null): number | null {
  return ms !== null && Math.abs(ms) <= 8.64e15 ? Math.round(ms) : null;
}
