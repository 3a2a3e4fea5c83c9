/** A row of the benchmark: one figure beside its floor, as a ratio of medians in one run. */
import { least, median } from './measure.ts';

export type Result = {
  readonly figure: string;
  /** Whether the target is met; null for a row without one. */
  readonly met: boolean | null;
};
export type BenchRow = {
  /** The name by which `npm run bench -- NAME` selects the row. Several rows may share it. */
  readonly name: string;
  readonly what: string;
  readonly against: string;
  readonly target: string;
  readonly measure: () => Promise<Result>;
};

const isBrief = process.argv.includes('--brief');

/** Returns the number of rounds. With `--brief` every row is measured, but no figure is to be trusted. */
export function rounds(wanted: number): number {
  return isBrief ? Math.min(2, wanted) : wanted;
}

/** Returns a size of a home, a number of runs or a number of seconds. With `--brief` it is a hundredth, at least `most`. */
export function scaled(wanted: number, least = 1): number {
  return isBrief ? Math.max(least, Math.round(wanted / 100)) : wanted;
}

/** Formats the minimum and the median of some times. */
export function formatMs(values: readonly number[]): string {
  return `min ${least(values).toFixed(1)}, median ${median(values).toFixed(1)} ms`;
}

/** Returns the result of a ratio with a limit. */
export function ratioResult(value: number, most: number, detail: string): Result {
  return { figure: `${value.toFixed(2)}× (${detail})`, met: value <= most };
}
