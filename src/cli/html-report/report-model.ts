/** The data of a report. */
import type { RunView } from '#protocol/answers.ts';
import type { DocumentView, LedgerAnswer, TaskShowAnswer } from '#protocol/tasks.ts';

/** A log as text. `note`: what is missing from it, in a sentence. */
export type ShownLog = { readonly name: string; readonly text: string; readonly note: string | null };

export type PageFacts = {
  readonly version: string;
  readonly madeAt: string;
  readonly task: TaskShowAnswer | null;
  /** The continuation summary. Null before there is one. */
  readonly summary: DocumentView | null;
  readonly ledger: LedgerAnswer;
  /** The logs of each run, by run number. */
  readonly logs: ReadonlyMap<number, readonly ShownLog[]>;
};

export type Mood = 'good' | 'warn' | 'bad' | 'live' | 'none';

/** Returns the mood, which determines the color. The words beside it say the same. */
export function classifyMood({
  endedAt,
  livenessState,
  status,
}: Pick<RunView, 'endedAt' | 'livenessState' | 'status'>): Mood {
  if (endedAt === null) return 'live';
  if (livenessState === 'completed' || livenessState === 'advanced') return 'good';
  if (status === 'cancelled') return 'none';
  if (livenessState === 'failed' || status === 'failed' || status === 'timed_out') return 'bad';
  if (livenessState !== null) return 'warn';
  return status === 'succeeded' ? 'good' : 'none';
}

/** Formats a time: `2026-11-26 21:27 UTC`. */
export function formatTime(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
}
