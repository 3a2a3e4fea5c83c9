/**
 * When an agent's timer is due next.
 *
 * A timer counts from the last time it was due. A timer that is late, because the machine slept or no daemon was
 * running, fires once and immediately, however many times were missed. A timer that falls into the agent's quiet hours
 * fires at their end. Hours are wall-clock hours, which daylight saving time moves.
 */

/**
 * Minutes since midnight. `from` after `to` spans midnight. Equal values mean no hours at all, which the parser
 * refuses.
 */
export type QuietHours = { readonly fromMinute: number; readonly toMinute: number };

export type Timer = {
  readonly everyMs: number;
  readonly quiet: QuietHours | null;
  /** The time at which it was due last, or at which it was set. */
  readonly lastAt: number;
  /** Returns how far the wall clock is ahead of UTC at a given time. */
  readonly offsetMinutesAt: (at: number) => number;
};

const minuteMs = 60_000;
const dayMinutes = 24 * 60;

/** Returns the next due time. It may lie in the past; `dueAt` then returns now. */
export function nextTimerAt({ everyMs, quiet, lastAt, offsetMinutesAt }: Timer): number {
  const next = lastAt + everyMs;
  return quiet === null ? next : afterQuiet(quiet, next, offsetMinutesAt);
}

/** Returns when to fire, as seen from now: immediately when the timer is late, but never within quiet hours. */
export function dueAt(timer: Timer, now: number): number {
  const next = nextTimerAt(timer);
  if (next >= now) return next;
  return timer.quiet === null ? now : afterQuiet(timer.quiet, now, timer.offsetMinutesAt);
}

/** Returns the time itself, or the end of the quiet hours that contain it. */
function afterQuiet(quiet: QuietHours, at: number, offsetMinutesAt: Timer['offsetMinutesAt']): number {
  const minutes = at / minuteMs + offsetMinutesAt(at);
  const minute = ((minutes % dayMinutes) + dayMinutes) % dayMinutes;
  if (!isQuiet(quiet, minute)) return at;
  const end = at + ((quiet.toMinute - minute + dayMinutes) % dayMinutes) * minuteMs;
  // Daylight saving time changed in between, so the same wall-clock time is another moment.
  return end + (offsetMinutesAt(at) - offsetMinutesAt(end)) * minuteMs;
}

function isQuiet({ fromMinute, toMinute }: QuietHours, minute: number): boolean {
  return fromMinute < toMinute ? minute >= fromMinute && minute < toMinute : minute >= fromMinute || minute < toMinute;
}

/** Formats quiet hours: `22-7`, `22:30-7:15`. */
export function formatQuiet({ fromMinute, toMinute }: QuietHours): string {
  const hour = (minutes: number) =>
    `${Math.floor(minutes / 60)}${minutes % 60 === 0 ? '' : `:${String(minutes % 60).padStart(2, '0')}`}`;
  return `${hour(fromMinute)}-${hour(toMinute)}`;
}
