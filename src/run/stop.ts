/** A stop: why a run is ended before it ends by itself, and how far that has come. */

/** Reasons for which a run is stopped. Each determines the end of the run, see `endOfOrder`. */
export const stopOrders = [
  'cancelled',
  'paused',
  'budget_paused',
  'timeout',
  'silence',
  'output_limit',
  'lingering',
] as const;
export type StopOrder = (typeof stopOrders)[number];

export type StopPhase = 'ordered' | 'interrupted' | 'terminated' | 'killed';

export type Stop = {
  readonly order: StopOrder;
  /** Why clip ordered it, as a sentence. It becomes the error of the run. Absent when a person ordered the stop. */
  readonly because?: string | undefined;
  readonly orderedAt: number;
  readonly graceMs: number;
  /** The progress of the stop sequence, and since when. A new daemon continues from here. */
  readonly phase: StopPhase;
  readonly phaseAt: number;
  /** Whether the run is killed at once, without the grace period. */
  readonly now: boolean;
};
