/**
 * What daemon and keeper say to each other: JSON lines over the keeper's socket, described in
 * docs/KEEPER.md. Types only, because the keeper uses them.
 */
import type { LaunchRecord, LeaderRecord } from './run-folder.ts';

export type ToKeeper =
  | {
      readonly type: 'hello';
      readonly protocol: number;
      /** Grows with every daemon of this home: an older one is a dead one. */
      readonly generation: number;
      readonly version: string;
      /** A service manager restarts the daemon, so the keeper must not. */
      readonly managed: boolean;
    }
  | { readonly type: 'spawn'; readonly id: string; readonly launch: LaunchRecord }
  /** Take no more runs and leave when the last one has ended. */
  | { readonly type: 'drain' }
  /** The daemon leaves on purpose: do not start it again. */
  | { readonly type: 'bye' };

export type FromKeeper =
  | {
      readonly type: 'hello';
      readonly protocol: number;
      readonly version: string;
      readonly pid: number;
      readonly runs: readonly { readonly id: string; readonly leader: LeaderRecord; readonly at: number }[];
    }
  | { readonly type: 'started'; readonly id: string; readonly leader: LeaderRecord; readonly at: number }
  | { readonly type: 'already-launched'; readonly id: string }
  | { readonly type: 'failed'; readonly id: string; readonly errorCode: string; readonly message: string }
  | {
      readonly type: 'exited';
      readonly id: string;
      readonly code: number | null;
      readonly signal: string | null;
      readonly at: number;
      readonly byDeadline: boolean;
    }
  | { readonly type: 'refused'; readonly id: string | null; readonly why: string };
