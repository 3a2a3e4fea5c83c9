import type { Fact } from './events.ts';
import type { Leader, Run } from './run.ts';

/** What a look around shows of one unfinished run: disk, keeper and operating system. */
export type Sighting = {
  readonly exit: {
    readonly code: number | null;
    readonly signal: string | null;
    readonly at: number;
    readonly byDeadline: boolean;
    readonly error: { readonly code: string; readonly message: string } | null;
  } | null;
  readonly launched: boolean;
  readonly started: { readonly leader: Leader; readonly at: number } | null;
  /** What the keeper that is its parent says. */
  readonly keeper: { readonly leader: Leader; readonly at: number } | null;
  readonly leaderAlive: boolean;
  /** Living members of its session, or carriers of its mark, other than the leader. */
  readonly relatives: readonly number[];
  /** The oldest carrier of its mark that leads a session: the leader, when started.json is missing. */
  readonly candidate: { readonly leader: Leader; readonly at: number } | null;
  /** Whether the environment of every process of this user could be read: only then is "not found" certain. */
  readonly everythingReadable: boolean;
};

export type Finding = { readonly kind: 'fact'; readonly fact: Fact } | { readonly kind: 'end-family-first' } | { readonly kind: 'nothing' };

/** From what was seen to what happened; what the run's stream says of it is not part of it. The first line that fits, from the surest evidence to the weakest. */
export function findingOf(run: Run, seen: Sighting): Finding {
  const { status } = run.state;
  if (status !== 'starting' && status !== 'running' && status !== 'stopping') return { kind: 'nothing' };
  const started = seen.started ?? seen.keeper;
  if (seen.exit) return fact(exitFact(seen.exit, started));
  if (seen.keeper) return fact({ type: 'found-again', held: true, leader: seen.keeper.leader, startedAt: seen.keeper.at });
  if (!seen.launched && !started && status === 'starting') return fact({ type: 'never-launched', message: 'No launch record was written.', retryInMs: 0 });
  if (started) {
    if (seen.leaderAlive) return fact({ type: 'found-again', held: false, leader: started.leader, startedAt: started.at });
    return lost(seen, true);
  }
  if (seen.candidate) return fact({ type: 'found-again', held: false, leader: seen.candidate.leader, startedAt: seen.candidate.at });
  return lost(seen, seen.everythingReadable);
}

function fact(value: Fact): Finding {
  return { kind: 'fact', fact: value };
}

function exitFact(exit: NonNullable<Sighting['exit']>, started: Sighting['started']): Fact {
  if (exit.error) return { type: 'spawn-failed', errorCode: exit.error.code, message: exit.error.message };
  return {
    type: 'exited',
    code: exit.code,
    signal: exit.signal,
    endedAt: exit.at,
    leader: started?.leader ?? null,
    startedAt: started?.at ?? null,
    byDeadline: exit.byDeadline,
    report: null,
  };
}

/** A lost run is declared lost only when nothing of it is left: a retry must never meet its predecessor. */
function lost(seen: Sighting, certain: boolean): Finding {
  if (seen.relatives.length > 0) return { kind: 'end-family-first' };
  return fact({ type: 'process-lost', message: lostMessage([], certain), certain, report: null });
}

export function lostMessage(ended: readonly number[], certain: boolean): string {
  const family = ended.length === 0 ? '' : ` Its descendant process group was still alive and was ended (pid ${ended.slice(0, 8).join(', ')}).`;
  const doubt = certain ? '' : ' Not every process of this user could be examined, so it is not retried by itself.';
  return `The process is gone and left no exit record.${family}${doubt}`;
}
