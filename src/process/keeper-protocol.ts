/**
 * The protocol between daemon and keeper: JSON lines over the keeper's socket, described in docs/KEEPER.md. Types
 * only, because the keeper uses them.
 */
import type { Signalled } from '#run/events.ts';
import type { Leader } from '#run/leader.ts';
import type { LaunchRecord, LeaderRecord } from './run-folder.ts';
import type { Member } from './run-processes.ts';

/**
 * Revision of the protocol. All keepers support revision 1, which is also assumed if none is stated. Revision 2 adds
 * ping, withdraw, find and signal.
 */
export const keeperRevision = 2;

export type FamilyQuery = { readonly runId: string; readonly leader: Leader };

export type ToKeeper =
  | {
      readonly type: 'hello';
      readonly protocol: number;
      readonly revision?: number;
      /** Grows with every daemon of this home. A daemon with an older one is dead. */
      readonly generation: number;
      readonly version: string;
      /** A service manager restarts the daemon, so the keeper must not. */
      readonly managed: boolean;
      /** `mark`: runs get no control groups. */
      readonly containment?: 'auto' | 'mark';
    }
  | { readonly type: 'spawn'; readonly id: string; readonly launch: LaunchRecord }
  /** Withdraws a run that was not started yet. */
  | { readonly type: 'withdraw'; readonly id: string }
  /** Tells that the daemon is alive. The keeper answers with `pong`. */
  | { readonly type: 'ping'; readonly n: number }
  /** Asks for the processes of a run, if it is in the keeper's pid namespace. */
  | { readonly type: 'find'; readonly n: number; readonly family: FamilyQuery }
  /**
   * Sends a signal to these members after verifying each again. `cgroup`: control group that SIGKILL ends as a whole.
   */
  | {
      readonly type: 'signal';
      readonly n: number;
      readonly signal: string;
      readonly members: readonly Member[];
      readonly cgroup: string | null;
    }
  /** Tells the keeper to accept no runs and to exit after its last one. */
  | { readonly type: 'drain' }
  /** The daemon exits on purpose, so the keeper must not restart it. */
  | { readonly type: 'bye' };

export type FromKeeper =
  | {
      readonly type: 'hello';
      readonly protocol: number;
      readonly revision?: number;
      readonly version: string;
      readonly pid: number;
      readonly runs: readonly { readonly id: string; readonly leader: LeaderRecord; readonly at: number }[];
      readonly pidNamespace?: string | null;
      /** Traits that the keeper can give to runs. */
      readonly traits?: {
        readonly nice: number;
        readonly mayRaise: boolean;
        readonly limits: Readonly<Record<string, readonly [soft: number | null, hard: number | null]>> | null;
      };
      /** Containment of the runs that this keeper starts. */
      readonly containment?: { readonly kind: 'cgroup' | 'mark'; readonly kernelMark: boolean };
    }
  | {
      readonly type: 'started';
      readonly id: string;
      readonly leader: LeaderRecord;
      readonly at: number;
      readonly lacking?: readonly string[];
    }
  | { readonly type: 'already-launched'; readonly id: string }
  /** The request was withdrawn in time, and nothing was started. */
  | { readonly type: 'withdrawn'; readonly id: string; readonly attempt?: string }
  | { readonly type: 'failed'; readonly id: string; readonly errorCode: string; readonly message: string }
  | {
      readonly type: 'exited';
      readonly id: string;
      readonly code: number | null;
      readonly signal: string | null;
      readonly at: number;
      readonly byDeadline: boolean;
      readonly tick?: number;
    }
  /** `sleptMs`: total time for which the keeper was suspended during its runs. */
  | { readonly type: 'pong'; readonly n: number; readonly sleptMs: number }
  | {
      readonly type: 'found';
      readonly n: number;
      readonly members: readonly Member[];
      readonly unexamined: number;
      readonly everythingReadable: boolean;
      readonly vanished: number;
      readonly shared: boolean;
      readonly populated: boolean;
    }
  | { readonly type: 'signalled'; readonly n: number; readonly targets: readonly Signalled[] }
  /** `shortage`: a temporary shortage, for example of processes or open files. The request can be repeated. */
  | {
      readonly type: 'refused';
      readonly id: string | null;
      readonly why: string;
      readonly shortage?: boolean;
      readonly attempt?: string;
    };
