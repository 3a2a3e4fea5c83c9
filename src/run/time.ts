/** RFC 3339, UTC, with milliseconds. The one place in the pure rooms that may use Date: a number in, text out, no clock. */
export function isoTime(at: number): string {
  // biome-ignore lint/style/noRestrictedGlobals: it formats a given moment and asks no clock
  return new Date(at).toISOString();
}
