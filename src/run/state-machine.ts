import { endOfDependency, notStarted } from './end-reason.ts';
import { endExited, endLost, endNotStarted, endStoppedEarly } from './end-run.ts';
import { orderTypes, type RunEvent } from './events.ts';
import { buildLive, jump, orderStop } from './live-state.ts';
import {
  type DecisionRecord,
  type Ended,
  isEnded,
  type Queued,
  type Run,
  type Running,
  type RunState,
  type Starting,
  type Stopping,
} from './run.ts';
import type { Stop } from './stop.ts';

/** The first delay before a start is tried again for want of resources. It doubles with each attempt. */
const shortageMs = 1_000;
/** The longest delay between two such attempts. */
const shortageMsLongest = 30_000;
/** The time after which a run fails that could not start for want of resources. A person has to look at the machine. */
const shortageMsMax = 600_000;

/**
 * The state machine of a run.
 *
 * A run is *queued* until the scheduler grants it a slot. It is *starting* until the keeper has reported that the
 * process lives. A stop that is ordered meanwhile is remembered and carried out as soon as the process lives. It is
 * *running* until its process ends. It is *stopping* from the first stop order, which is recorded before the first
 * signal, until its process ends. The order determines the end, whatever the exit code is. An *ended* run only has its
 * finalize steps removed one by one.
 *
 * Requests that make no sense in a state are refused with a reason. Facts that arrive too late change nothing. This
 * module knows no clock, file or process: `at` is a parameter.
 */
export function transition(run: Run, event: RunEvent, at: number): Transition {
  const { state } = run;
  switch (state.status) {
    case 'queued':
      return queued(run, state, event, at);
    case 'starting':
      return starting(run, state, event, at);
    case 'running':
      return running(run, state, event, at);
    case 'stopping':
      return stopping(run, state, event, at);
    default:
      return ended(state, event, at);
  }
}

export type Transition =
  | { readonly kind: 'moved'; readonly state: RunState; readonly effects: readonly Effect[] }
  | { readonly kind: 'refused'; readonly why: 'already_ended' | 'already_stopping' | 'not_queued' }
  /** A fact about something that is over. It changes nothing and is not stored. */
  | { readonly kind: 'late' };

/** What must be done once the new state is on disk. */
export type Effect =
  | { readonly type: 'spawn' }
  | { readonly type: 'watch' }
  | { readonly type: 'stop' }
  /** The run is stopped before its process is known to live. Its keeper must no longer start it. */
  | { readonly type: 'withdraw' }
  | { readonly type: 'finalize' }
  /** Stored in the same transaction: exactly one new run for a lost one. */
  | { readonly type: 'retry-lost' }
  /** Stored in the same transaction: exactly one run with a new session for one whose session was unknown. */
  | { readonly type: 'retry-fresh' };

const late: Transition = { kind: 'late' };
const moved = (state: RunState, ...effects: Effect['type'][]): Transition => ({
  kind: 'moved',
  state,
  effects: effects.map((type) => ({ type })),
});
const finalized = (state: Ended): Transition => moved(state, 'finalize');

const requests: ReadonlySet<string> = new Set(orderTypes);

/** Refuses a request that makes no sense in a state. Any other event is a fact that arrived too late. */
function reject(event: RunEvent, why: 'already_ended' | 'not_queued'): Transition {
  return requests.has(event.type) ? { kind: 'refused', why } : late;
}

function queued(run: Run, state: Queued, event: RunEvent, at: number): Transition {
  switch (event.type) {
    case 'slot-granted':
      return moved({ status: 'starting', since: at, stop: null, shortage: state.shortage ?? null }, 'spawn');
    case 'stop-requested':
      return finalized(endStoppedEarly(run, orderStop(run, event, at), at));
    case 'dependency-failed':
      return finalized(endNotStarted(run, endOfDependency(event), at));
    case 'start-now':
      return moved({ ...state, notBefore: null });
    // A fact about a queued run belongs to an earlier launch that turned out not to have happened.
    default:
      return late;
  }
}

function starting(run: Run, state: Starting, event: RunEvent, at: number): Transition {
  switch (event.type) {
    case 'spawned':
    case 'found-again':
      return started(run, state, event);
    case 'spawn-failed':
      if (state.stop) return finalized(endStoppedEarly(run, state.stop, at));
      return finalized(endNotStarted(run, notStarted(event.errorCode, event.message), at));
    case 'never-launched':
      if (state.stop) return finalized(endStoppedEarly(run, state.stop, at));
      if (event.shortage === true) return notYet(run, state, event.message, at);
      return moved({ status: 'queued', notBefore: event.retryInMs > 0 ? at + event.retryInMs : null });
    case 'exited':
      return exited(run, event, state.stop, null);
    case 'process-lost':
      return lost(run, event, state.stop, null, at);
    case 'stop-requested':
      if (state.stop) return again(state.stop, event, (stop) => ({ ...state, stop }), at, []);
      return moved({ ...state, stop: orderStop(run, event, at) }, 'withdraw');
    default:
      return reject(event, 'not_queued');
  }
}

function running(run: Run, state: Running, event: RunEvent, at: number): Transition {
  if (event.type === 'stop-requested')
    return moved({ ...state, status: 'stopping', stop: orderStop(run, event, at) }, 'stop');
  return alive(run, state, event, null, at);
}

function stopping(run: Run, state: Stopping, event: RunEvent, at: number): Transition {
  if (event.type === 'stop-requested') return again(state.stop, event, (stop) => ({ ...state, stop }), at, ['stop']);
  if (event.type === 'signalled') return moved({ ...state, stop: { ...state.stop, phase: event.phase, phaseAt: at } });
  return alive(run, state, event, state.stop, at);
}

/** Handles everything that can happen to a live process, whether it is being stopped or not. */
function alive(run: Run, state: Running | Stopping, event: RunEvent, stop: Stop | null, at: number): Transition {
  switch (event.type) {
    case 'exited':
      return exited(run, event, stop, state);
    case 'process-lost':
      return lost(run, event, stop, state, at);
    case 'found-again':
      return foundAgain(state, event.held);
    case 'clock-jumped':
      // A stop under way must compute its next signal again.
      return moved(jump(state, event, at), ...(state.status === 'stopping' ? (['stop'] as const) : []));
    case 'activity':
      return state.detachedWarning || state.stall ? moved({ ...state, detachedWarning: false, stall: null }) : late;
    case 'stalled': {
      const { why, since, tool, lastError = null } = event;
      return state.status === 'running' && state.stall === null
        ? moved({ ...state, stall: { why, since, tool, lastError, acknowledged: false } })
        : late;
    }
    case 'acknowledged':
      if (state.stall === null || state.stall.acknowledged) return late;
      return moved({ ...state, stall: { ...state.stall, acknowledged: true } });
    default:
      return reject(event, 'not_queued');
  }
}

function ended(state: Ended, event: RunEvent, at: number): Transition {
  switch (event.type) {
    case 'step-done': {
      if (!state.pending.includes(event.step)) return late;
      const found = { ...state, pending: state.pending.filter((name) => name !== event.step) };
      if (event.step === 'leftovers')
        return moved({ ...found, leaked: event.leaked, unexamined: event.unexamined ?? 0 });
      if (event.step === 'workspace') return moved({ ...found, workspace: event.workspace });
      if (event.step === 'liveness') return moved({ ...found, liveness: event.liveness });
      return moved(event.step === 'wake' ? decided(found, event.decision) : found);
    }
    case 'verdict-added':
      return state.liveness !== null || state.pending.includes('liveness')
        ? late
        : moved({ ...state, liveness: event.liveness });
    case 'acknowledged':
      return state.acknowledged === null ? moved({ ...state, acknowledged: { how: event.how, at } }) : late;
    default:
      return reject(event, 'already_ended');
  }
}

/** Stores the decision. Exhausted attempts are also noted in the verdict, because lists show only that. */
function decided(state: Ended, decision: DecisionRecord): Ended {
  const { liveness } = state;
  if (!decision.exhausted || liveness === null) return { ...state, decision };
  return {
    ...state,
    decision,
    liveness: { ...liveness, reason: `${liveness.reason.replace(/\.$/, '')}${exhaustedSuffix}` },
  };
}

/** The suffix that readers of ledgers search for. */
export const exhaustedSuffix = '; continuation attempts exhausted';

/**
 * Returns the run to the queue, as on a full disk, to be tried again. After too long a time the run fails, because a
 * person has to look at the machine.
 */
function notYet(run: Run, { shortage }: Starting, message: string, at: number): Transition {
  const tries = (shortage?.tries ?? 0) + 1;
  const since = shortage?.since ?? at;
  if (at - since >= shortageMsMax) {
    const minutes = Math.round((at - since) / 60_000);
    const why = notStarted('launch_failed', `${message} It was tried ${tries} times in ${minutes} minutes.`);
    return finalized(endNotStarted(run, why, at));
  }
  const wait = Math.min(shortageMs * 2 ** (tries - 1), shortageMsLongest);
  return moved({ status: 'queued', notBefore: at + wait, shortage: { tries, since, message } });
}

function started(
  run: Run,
  { stop }: Starting,
  event: Extract<RunEvent, { type: 'spawned' | 'found-again' }>,
): Transition {
  const live = buildLive(run, event, event.type === 'spawned' || event.held);
  if (stop) return moved({ ...live, status: 'stopping', stop }, 'watch', 'stop');
  return moved({ ...live, status: 'running' }, 'watch');
}

function foundAgain(state: Running | Stopping, held: boolean): Transition {
  const watch: Effect['type'][] = state.status === 'stopping' ? ['watch', 'stop'] : ['watch'];
  // The warning is set once per lost keeper, not again with each recovery.
  const detachedWarning = held ? false : state.held ? true : state.detachedWarning;
  return moved({ ...state, held, detachedWarning }, ...watch);
}

/** Handles a second stop order. It does not change the end; it can only make the stop quicker. */
function again(
  stop: Stop,
  event: { now: boolean },
  put: (stop: Stop) => RunState,
  at: number,
  effects: Effect['type'][],
): Transition {
  if (!event.now || stop.now) return { kind: 'refused', why: 'already_stopping' };
  return moved(put({ ...stop, now: true, phaseAt: at }), ...effects);
}

type Exited = Extract<RunEvent, { type: 'exited' }>;

function exited(run: Run, event: Exited, stop: Stop | null, process: Running | Stopping | null): Transition {
  const ended = endExited(run, event, stop, process);
  return startsFreshSession(run, ended) ? moved(ended, 'retry-fresh', 'finalize') : finalized(ended);
}

/** Returns whether a fresh run follows because the agent did not know the session. None follows after that one. */
function startsFreshSession(run: Run, ended: Ended): boolean {
  return (
    ended.errorCode === 'unknown_session' &&
    run.spec.sessionId !== null &&
    run.lineage.retryReason !== 'unknown_session'
  );
}

type Lost = Extract<RunEvent, { type: 'process-lost' }>;

/**
 * Ends a run whose process vanished. It is retried once, unless it was being stopped or its stream reports how it
 * ended.
 */
function lost(run: Run, event: Lost, stop: Stop | null, process: Running | Stopping | null, at: number): Transition {
  const ended = endLost(run, event, stop, process, at);
  const isUnexplained = stop === null && event.report === null;
  const retries = run.spec.onLoss === 'retry' && event.certain && run.lineage.processLossRetryCount === 0;
  return isUnexplained && retries ? moved(ended, 'retry-lost', 'finalize') : finalized(ended);
}

/** Returns whether nothing remains to be done for this run, not even after its end. */
export function isSettled(run: Run): boolean {
  return isEnded(run.state) && run.state.pending.length === 0;
}
