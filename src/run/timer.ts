/**
 * When an agent's timer is due next.
 *
 * A timer counts from the last time it was due: one that is late, because the machine slept or no daemon was
 * there, comes once and at once, however many were missed. One that falls into the agent's quiet hours comes at
 * their end. Hours are those of the clock on the wall, which a change to or from summer time moves.
 */

/** Minutes since midnight. `from` after `to`: over midnight. Equal: no hours at all, which is refused where it is read. */
export type QuietHours = { readonly fromMinute: number; readonly toMinute: number };

export type Timer = {
  readonly everyMs: number;
  readonly quiet: QuietHours | null;
  /** When it was due last, or when it was set. */
  readonly lastAt: number;
  /** How far the wall clock is ahead of UTC at a moment. */
  readonly offsetMinutesAt: (at: number) => number;
};

const minuteMs = 60_000;
const dayMinutes = 24 * 60;

/** A moment that may lie in the past: then it is due now, see `dueAt`. */
export function nextTimerAt({ everyMs, quiet, lastAt, offsetMinutesAt }: Timer): number {
  const next = lastAt + everyMs;
  return quiet === null ? next : afterQuiet(quiet, next, offsetMinutesAt);
}

/** When to fire, seen from now: at once when it is late, but never within quiet hours. */
export function dueAt(timer: Timer, now: number): number {
  const next = nextTimerAt(timer);
  if (next >= now) return next;
  return timer.quiet === null ? now : afterQuiet(timer.quiet, now, timer.offsetMinutesAt);
}

/** The moment itself, or the end of the quiet hours that it lies in. */
function afterQuiet(quiet: QuietHours, at: number, offsetMinutesAt: Timer['offsetMinutesAt']): number {
  const minutes = at / minuteMs + offsetMinutesAt(at);
  const minute = ((minutes % dayMinutes) + dayMinutes) % dayMinutes;
  if (!isQuiet(quiet, minute)) return at;
  const end = at + ((quiet.toMinute - minute + dayMinutes) % dayMinutes) * minuteMs;
  // Summer time began or ended in between: the same time on the wall is another moment.
  return end + (offsetMinutesAt(at) - offsetMinutesAt(end)) * minuteMs;
}

function isQuiet({ fromMinute, toMinute }: QuietHours, minute: number): boolean {
  return fromMinute < toMinute ? minute >= fromMinute && minute < toMinute : minute >= fromMinute || minute < toMinute;
}

/** `22-7`, `22:30-7:15`. */
export function quietWords({ fromMinute, toMinute }: QuietHours): string {
  const hour = (minutes: number) => `${Math.floor(minutes / 60)}${minutes % 60 === 0 ? '' : `:${String(minutes % 60).padStart(2, '0')}`}`;
  return `${hour(fromMinute)}-${hour(toMinute)}`;
}
