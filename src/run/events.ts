import type { Report } from './report.ts';
import type { Leader, LivenessRecord, StepResult, StopOrder } from './run.ts';

/**
 * Everything that can happen to a run. An order is wanted by someone and may be refused; a fact has
 * occurred and is never refused, at most late. Both are stored, as they are, in the run's history.
 */
export type Order =
  | { readonly type: 'slot-granted' }
  | { readonly type: 'stop-requested'; readonly order: StopOrder; readonly graceMs: number | null; readonly now: boolean }
  | { readonly type: 'dependency-failed'; readonly after: number; readonly status: string }
  /** Somebody does not want to wait until the time it was put off to. */
  | { readonly type: 'hurried' };

export type Fact =
  /** The keeper started the process. */
  | { readonly type: 'spawned'; readonly leader: Leader; readonly startedAt: number }
  /** The keeper tried and the system refused. */
  | { readonly type: 'spawn-failed'; readonly errorCode: string; readonly message: string }
  /** The request to start never reached a keeper, or left no launch.json: it is safe to start it again. */
  | { readonly type: 'never-launched'; readonly message: string; readonly retryInMs: number }
  | {
      readonly type: 'exited';
      readonly code: number | null;
      readonly signal: string | null;
      readonly endedAt: number;
      readonly leader: Leader | null;
      readonly startedAt: number | null;
      /** The keeper itself enforced the deadline, because no daemon was there. */
      readonly byDeadline: boolean;
      /** What its stream says of the end; null when it says nothing, or has none. */
      readonly report: Report | null;
    }
  /** A new daemon found the process alive; `held` tells whether a keeper still is its parent. */
  | { readonly type: 'found-again'; readonly held: boolean; readonly leader: Leader; readonly startedAt: number }
  | { readonly type: 'process-lost'; readonly message: string; readonly certain: boolean; readonly report: Report | null }
  | { readonly type: 'signalled'; readonly phase: 'interrupted' | 'terminated' | 'killed'; readonly targets: readonly Signalled[] }
  /** The machine slept or the daemon was stopped for a while; or the clock was set, back where the gap is negative: limits move by it. */
  | { readonly type: 'slept'; readonly gapMs: number }
  | { readonly type: 'activity' }
  /** The verdict on a run that ended before there were any. */
  | { readonly type: 'judged'; readonly liveness: LivenessRecord }
  | ({ readonly type: 'step-done' } & StepResult);

export type RunEvent = Order | Fact;
export type RunEventType = RunEvent['type'];

/** One signal that was sent or withheld, and the proof that the target was ours. */
export type Signalled = {
  readonly pid: number;
  readonly startTime: number;
  readonly command: string;
  readonly signal: string;
  readonly proof: 'leader' | 'group' | 'mark' | 'session' | 'descent';
  readonly sent: boolean;
};

export const orderTypes = ['slot-granted', 'stop-requested', 'dependency-failed', 'hurried'] as const;
export const factTypes = [
  'spawned',
  'spawn-failed',
  'never-launched',
  'exited',
  'found-again',
  'process-lost',
  'signalled',
  'slept',
  'activity',
  'judged',
  'step-done',
] as const;
