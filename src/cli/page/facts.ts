/** What a report is made of. */
import type { RunView } from '../../protocol/answers.ts';
import type { DocumentView, LedgerAnswer, TaskShowAnswer } from '../../protocol/tasks.ts';

/** A log as text. `note`: what of it is not there, in a sentence. */
export type ShownLog = { readonly name: string; readonly text: string; readonly note: string | null };

export type PageFacts = {
  readonly version: string;
  readonly madeAt: string;
  readonly task: TaskShowAnswer | null;
  /** The continuation summary; null before there is one. */
  readonly summary: DocumentView | null;
  readonly ledger: LedgerAnswer;
  /** Of each run by its number. */
  readonly logs: ReadonlyMap<number, readonly ShownLog[]>;
};

export type Mood = 'good' | 'warn' | 'bad' | 'live' | 'none';

/** Colour is never all that tells: the words stand beside it. */
export function moodOf({ endedAt, livenessState, status }: Pick<RunView, 'endedAt' | 'livenessState' | 'status'>): Mood {
  if (endedAt === null) return 'live';
  if (livenessState === 'completed' || livenessState === 'advanced') return 'good';
  if (livenessState === 'failed' || status === 'failed' || status === 'timed_out') return 'bad';
  if (livenessState !== null) return 'warn';
  return status === 'succeeded' ? 'good' : 'none';
}

/** `2026-11-26 21:27 UTC`. */
export function timeWords(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
}
