import type { Fact } from './events.ts';
import type { Leader } from './leader.ts';
import type { Run } from './run.ts';

/**
 * What recovery observes of one unfinished run from keeper, operating system and disk, in the order of their
 * credibility.
 */
export type Observation = {
  /** What the keeper that is its parent reports. `surely`: that keeper reports the end by itself. */
  readonly keeper: { readonly leader: Leader; readonly at: number; readonly surely: boolean } | null;
  readonly started: { readonly leader: Leader; readonly at: number } | null;
  readonly leaderAlive: boolean;
  /**
   * How its process has ended, while the system still shows it as a zombie because its suspended keeper has not reaped
   * it.
   */
  readonly zombie: { readonly code: number | null; readonly signal: string | null; readonly tick: number } | null;
  /** The leader is in a pid namespace that is not visible from here. */
  readonly unseen: boolean;
  /** The home that owns this run, when this home is a copy of it. */
  readonly original: string | null;
  readonly exit: {
    readonly code: number | null;
    readonly signal: string | null;
    readonly at: number;
    readonly byDeadline: boolean;
    readonly error: { readonly code: string; readonly message: string } | null;
    readonly tick: number | null;
  } | null;
  readonly launched: boolean;
  /** Live members of its session, or carriers of its mark, other than the leader. */
  readonly relatives: readonly number[];
  /** The oldest carrier of its mark that leads a session. It is taken for the leader when started.json is missing. */
  readonly candidate: { readonly leader: Leader; readonly at: number } | null;
  /** Whether the environment of every process of this user could be read. Only then is "not found" certain. */
  readonly everythingReadable: boolean;
  /** The current time, for an end that was not recorded. */
  readonly at: number;
};

export type Finding =
  | { readonly kind: 'fact'; readonly fact: Fact }
  | { readonly kind: 'end-family-first' }
  | { readonly kind: 'nothing' };

/**
 * Derives what happened to a run from what was observed, without its stream. The first line that matches counts, from
 * the strongest evidence to the weakest. The run itself can write to the record of its end. That record is therefore
 * not believed while the process lives, or while a keeper is going to report the end.
 */
export function reconcile(run: Run, seen: Observation): Finding {
  const { status } = run.state;
  if (status !== 'starting' && status !== 'running' && status !== 'stopping') return { kind: 'nothing' };
  const { keeper, exit } = seen;
  const started = seen.started ?? keeper;
  const foundAgain = ({ leader, at }: { leader: Leader; at: number }, held: boolean) =>
    fact({ type: 'found-again', held, leader, startedAt: at });
  if (keeper?.surely) return foundAgain(keeper, true);
  if (seen.original !== null && !seen.exit)
    return fact({ type: 'process-lost', message: copyMessage(seen.original), certain: false, report: null });
  if (started && seen.leaderAlive) return foundAgain(started, keeper !== null);
  if (exit) return fact(exitFact(exit, started));
  if (seen.zombie && started)
    return fact(exitFact({ ...seen.zombie, at: seen.at, byDeadline: false, error: null }, started));
  if (keeper) return foundAgain(keeper, true);
  if (!seen.launched && !started && status === 'starting')
    return fact({ type: 'never-launched', message: 'No launch record was written.', retryInMs: 0 });
  // Whether it lives is not visible from here. It is neither declared lost nor retried.
  if (started && seen.unseen) return isUnseenAlready(run) ? { kind: 'nothing' } : foundAgain(started, false);
  if (started) return lost(seen, true);
  if (seen.candidate) return foundAgain(seen.candidate, false);
  return lost(seen, seen.everythingReadable);
}

function isUnseenAlready({ state }: Run): boolean {
  return (state.status === 'running' || state.status === 'stopping') && !state.held;
}

function fact(value: Fact): Finding {
  return { kind: 'fact', fact: value };
}

function exitFact(exit: NonNullable<Observation['exit']>, started: Observation['started']): Fact {
  if (exit.error) return { type: 'spawn-failed', errorCode: exit.error.code, message: exit.error.message };
  return {
    type: 'exited',
    code: exit.code,
    signal: exit.signal,
    endedAt: exit.at,
    tick: exit.tick,
    leader: started?.leader ?? null,
    startedAt: started?.at ?? null,
    byDeadline: exit.byDeadline,
    report: null,
  };
}

/** Declares a run lost only when none of its processes is left. A retry must never meet its predecessor. */
function lost(seen: Observation, certain: boolean): Finding {
  if (seen.relatives.length > 0) return { kind: 'end-family-first' };
  return fact({ type: 'process-lost', message: lostMessage([], certain), certain, report: null });
}

/**
 * Returns the error of a lost run. `ended`: the pids of its processes that were ended. `certain`: whether all were
 * examined.
 */
export function lostMessage(ended: readonly number[], certain: boolean): string {
  const family =
    ended.length === 0
      ? ''
      : ` Its descendant process group was still alive and was ended (pid ${ended.slice(0, 8).join(', ')}).`;
  const doubt = certain ? '' : ' Not every process of this user could be examined, so it is not retried by itself.';
  return `The process is gone and left no exit record.${family}${doubt}`;
}

function copyMessage(original: string): string {
  return (
    `This home is a copy of ${original}, where the run goes on or has ended: ` +
    'here nothing is known of it, and it is not retried by itself.'
  );
}

/** The message for a run in another pid namespace that no keeper can report on. */
export const unseenMessage =
  'Its processes are in another pid namespace (a container, for instance) and no keeper is there to ask: ' +
  'whether they live cannot be seen from here.';
