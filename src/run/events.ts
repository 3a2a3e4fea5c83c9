import type { Leader } from './leader.ts';
import type { Acknowledgement, LivenessRecord, Stall, StepResult } from './run.ts';
import type { StopOrder } from './stop.ts';
import type { StreamOutcome } from './stream-outcome.ts';

/**
 * Everything that can happen to a run. A request may be refused. A fact has occurred and is never refused, at most
 * late. Both are stored unchanged in the run's history.
 */
export type RunRequest =
  | { readonly type: 'slot-granted' }
  | {
      readonly type: 'stop-requested';
      readonly order: StopOrder;
      /** A sentence that says why, when clip stops the run and no person asked for that. */
      readonly because?: string;
      readonly graceMs: number | null;
      readonly now: boolean;
    }
  | { readonly type: 'dependency-failed'; readonly after: number; readonly status: string }
  /** Starts a queued run before the time to which it was deferred. */
  | { readonly type: 'start-now' };

export type Fact =
  /** The keeper started the process. */
  | {
      readonly type: 'spawned';
      readonly leader: Leader;
      readonly startedAt: number;
      /** The submitter's limits that no keeper could give. */
      readonly lacking?: readonly string[];
    }
  /** The keeper tried to start the process and the system refused. */
  | { readonly type: 'spawn-failed'; readonly errorCode: string; readonly message: string }
  /** The request to start never reached a keeper, or left no launch.json. Starting again is safe. */
  | {
      readonly type: 'never-launched';
      readonly message: string;
      readonly retryInMs: number;
      /** A resource was short that may become free. The delay then follows from the number of attempts. */
      readonly shortage?: boolean;
    }
  | {
      readonly type: 'exited';
      readonly code: number | null;
      readonly signal: string | null;
      readonly endedAt: number;
      readonly leader: Leader | null;
      readonly startedAt: number | null;
      /** The keeper itself enforced the deadline because no daemon was running. */
      readonly byDeadline: boolean;
      /** The end of the process in the unit of start times. Null or absent when the end was not observed. */
      readonly tick?: number | null;
      /** The outcome according to the stream. Null when the stream reports none, or when there is no stream. */
      readonly report: StreamOutcome | null;
      /** The reason found on standard error. It is sought when the exit is bad and the stream reports no reason. */
      readonly lastWords?: string | null;
    }
  /** A new daemon found the process alive. `held` says whether a keeper is still its parent. */
  | { readonly type: 'found-again'; readonly held: boolean; readonly leader: Leader; readonly startedAt: number }
  | {
      readonly type: 'process-lost';
      readonly message: string;
      readonly certain: boolean;
      readonly report: StreamOutcome | null;
    }
  | {
      readonly type: 'signalled';
      readonly phase: 'interrupted' | 'terminated' | 'killed';
      readonly targets: readonly Signalled[];
    }
  /**
   * The machine slept, the daemon was suspended, or the clock was set; a negative gap means set back. Limits move by
   * it.
   */
  | {
      readonly type: 'clock-jumped';
      readonly gapMs: number;
      /** How far time limits move: not at all for a time in which only the daemon stood still. Absent: by the gap. */
      readonly limitsMs?: number;
    }
  | { readonly type: 'activity' }
  /** A live agent run has been silent for so long that a person should look at it. */
  | ({ readonly type: 'stalled' } & Omit<Stall, 'acknowledged'>)
  /** A person has acknowledged what the run needed attention for. */
  | { readonly type: 'acknowledged'; readonly how: Acknowledgement['how'] }
  /** The verdict on a run that ended before verdicts existed. */
  | { readonly type: 'verdict-added'; readonly liveness: LivenessRecord }
  | ({ readonly type: 'step-done' } & StepResult);

export type RunEvent = RunRequest | Fact;
export type RunEventType = RunEvent['type'];

/**
 * Why a process is considered part of a run. `leader`, `group`: it is the leader, or in its process group. `cgroup`:
 * the kernel says so. `mark`: it carries the run's mark. `kernel-mark`: it carries the number that the kernel keeps.
 * `session`: it is in the leader's session and was born into it. `descent`: it descends from the leader. `seen`: it was
 * identified before.
 */
export type ProofOfMembership = 'leader' | 'group' | 'cgroup' | 'mark' | 'kernel-mark' | 'session' | 'descent' | 'seen';

/** A signal that was sent or withheld, with the proof that the target belonged to the run. */
export type Signalled = {
  readonly pid: number;
  readonly startTime: number;
  readonly command: string;
  readonly signal: string;
  readonly proof: ProofOfMembership;
  readonly sent: boolean;
};

export const orderTypes = ['slot-granted', 'stop-requested', 'dependency-failed', 'start-now'] as const;
export const factTypes = [
  'spawned',
  'spawn-failed',
  'never-launched',
  'exited',
  'found-again',
  'process-lost',
  'signalled',
  'clock-jumped',
  'activity',
  'stalled',
  'acknowledged',
  'verdict-added',
  'step-done',
] as const;
