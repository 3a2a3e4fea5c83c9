/** Puts runs on the lanes of a timeline. */
import type { RunView } from '#protocol/answers.ts';

/** A run with its time in milliseconds, and its lane from 0 on. */
export type PlacedRun = { readonly run: RunView; readonly from: number; readonly to: number; readonly lane: number };

/** Returns the start of a run, or the time at which it was queued. */
export function startTime(run: RunView): number {
  return Date.parse(run.startedAt ?? run.queuedAt);
}

/** Returns the end of a run. A live one lasts until now. */
export function endTime(run: RunView, now: number): number {
  return run.endedAt === null ? now : Date.parse(run.endedAt);
}

/** Returns the runs in order, overlapping ones on separate lanes. Beyond `lanesMax`, runs share the last lane. */
export function placeRuns(
  runs: readonly RunView[],
  now: number,
  lanesMax: number = Number.POSITIVE_INFINITY,
): PlacedRun[] {
  const ends: number[] = [];
  return [...runs]
    .sort((a, b) => startTime(a) - startTime(b))
    .map((run) => {
      const from = startTime(run);
      // The clock may have been set back in between.
      const to = Math.max(from, endTime(run, now));
      const free = ends.findIndex((each) => each <= from);
      const lane = Math.min(free < 0 ? ends.length : free, lanesMax - 1);
      ends[lane] = to;
      return { run, from, to, lane };
    });
}
