/**
 * Formats a time as RFC 3339, UTC, with milliseconds. It is the only use of Date in the pure rooms: it reads no clock.
 */
export function isoTime(at: number): string {
  // biome-ignore lint/style/noRestrictedGlobals: it formats a given moment and asks no clock
  return new Date(at).toISOString();
}

/** Returns null for an unknown time, otherwise the same as `isoTime`. */
export function isoTimeOrNull(at: number | null): string | null {
  return at === null ? null : isoTime(at);
}
