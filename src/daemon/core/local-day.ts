/** Returns the local day that contains this moment, from midnight to midnight (23 to 25 hours). */
export function dayAt(at: number): { readonly from: number; readonly to: number } {
  const date = new Date(at);
  const midnight = (days: number) => new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
  return { from: midnight(0), to: midnight(1) };
}

/** Returns the offset of local time from UTC in minutes. */
export function offsetMinutesAt(at: number): number {
  return -new Date(at).getTimezoneOffset();
}
