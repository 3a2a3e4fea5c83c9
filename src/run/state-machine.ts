import { type End, endOfOrder, endOfOutcome, endOfStop } from './end-reason.ts';
import { end } from './end-run.ts';
import type { RunEvent } from './events.ts';
import { limits } from './limits.ts';
import {
  type DecisionRecord,
  type Ended,
  isEnded,
  type Leader,
  type Outcome,
  type Queued,
  type Run,
  type Running,
  type RunState,
  type Starting,
  type Stop,
  type Stopping,
} from './run.ts';

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

const neverBegun: Outcome = { kind: 'not_started' };
const late: Transition = { kind: 'late' };
const moved = (state: RunState, ...effects: Effect['type'][]): Transition => ({
  kind: 'moved',
  state,
  effects: effects.map((type) => ({ type })),
});

function queued(run: Run, state: Queued, event: RunEvent, at: number): Transition {
  switch (event.type) {
    case 'slot-granted':
      return moved({ status: 'starting', since: at, stop: null, shortage: state.shortage ?? null }, 'spawn');
    case 'stop-requested':
      return moved(
        end(run, null, neverBegun, endOfStop(run.spec, orderStop(run, event, at), neverBegun, null), at),
        'finalize',
      );
    case 'dependency-failed': {
      const error = `Run ${event.after} had to succeed first, but it ended ${event.status}.`;
      const why: End = {
        status: 'cancelled',
        stopReason: 'dependency_failed',
        errorCode: 'cancelled',
        error,
        errorBy: 'clip',
        remark: null,
        timeoutFired: false,
      };
      return moved(end(run, null, neverBegun, why, at), 'finalize');
    }
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
    case 'spawn-failed': {
      const why = state.stop
        ? endOfStop(run.spec, state.stop, neverBegun, null)
        : notStarted(event.errorCode, event.message);
      return moved(end(run, null, neverBegun, why, at), 'finalize');
    }
    case 'never-launched':
      if (state.stop)
        return moved(end(run, null, neverBegun, endOfStop(run.spec, state.stop, neverBegun, null), at), 'finalize');
      if (event.shortage === true) return notYet(run, state, event.message, at);
      return moved({ status: 'queued', notBefore: event.retryInMs > 0 ? at + event.retryInMs : null });
    case 'exited':
      return exited(run, event, state.stop, null);
    case 'process-lost':
      return lost(run, event, state.stop, null, at);
    case 'stop-requested':
      if (state.stop) return again(state.stop, event, (stop) => ({ ...state, stop }), at, []);
      return moved({ ...state, stop: orderStop(run, event, at) }, 'withdraw');
    case 'slot-granted':
    case 'dependency-failed':
    case 'start-now':
      return { kind: 'refused', why: 'not_queued' };
    default:
      return late;
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
      return state.status === 'stopping' ? moved(slept(state, event, at), 'stop') : moved(slept(state, event, at));
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
    case 'slot-granted':
    case 'dependency-failed':
    case 'start-now':
      return { kind: 'refused', why: 'not_queued' };
    default:
      return late;
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
    case 'stop-requested':
    case 'slot-granted':
    case 'dependency-failed':
    case 'start-now':
      return { kind: 'refused', why: 'already_ended' };
    default:
      return late;
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
  if (at - since >= limits.shortageMsMax) {
    const minutes = Math.round((at - since) / 60_000);
    const why = notStarted('launch_failed', `${message} It was tried ${tries} times in ${minutes} minutes.`);
    return moved(end(run, null, neverBegun, why, at), 'finalize');
  }
  const wait = Math.min(limits.shortageMs * 2 ** (tries - 1), limits.shortageMsLongest);
  return moved({ status: 'queued', notBefore: at + wait, shortage: { tries, since, message } });
}

type StartedProcess = { leader: Leader; startedAt: number };

function started(
  run: Run,
  state: Starting,
  event: StartedProcess & ({ type: 'spawned' } | { type: 'found-again'; held: boolean }),
): Transition {
  const held = event.type === 'spawned' || event.held;
  const { timeoutMs } = run.spec;
  const process = {
    leader: event.leader,
    startedAt: event.startedAt,
    deadlineAt: timeoutMs > 0 ? event.startedAt + timeoutMs : null,
    silentSince: event.startedAt,
    held,
    detachedWarning: !held,
    stall: null,
  };
  if (state.stop) return moved({ ...process, status: 'stopping', stop: state.stop }, 'watch', 'stop');
  return moved({ ...process, status: 'running' }, 'watch');
}

function foundAgain(state: Running | Stopping, held: boolean): Transition {
  const watch: Effect['type'][] = state.status === 'stopping' ? ['watch', 'stop'] : ['watch'];
  // The warning is set once per lost keeper, not again with each recovery.
  const detachedWarning = held ? false : state.held ? true : state.detachedWarning;
  return moved({ ...state, held, detachedWarning }, ...watch);
}

type Slept = { readonly gapMs: number; readonly limitsMs?: number };

/**
 * Moves the limits by the gap. After a negative gap the clock was set back, and the times of a stop move with it.
 * Otherwise its grace would last until the clock has caught up.
 */
function slept(state: Running | Stopping, { gapMs, limitsMs = gapMs }: Slept, at: number): Running | Stopping {
  const moves = { deadlineAt: state.deadlineAt === null ? null : state.deadlineAt + limitsMs, silentSince: at };
  if (state.status === 'running' || gapMs >= 0) return { ...state, ...moves };
  const { stop } = state;
  return { ...state, ...moves, stop: { ...stop, orderedAt: stop.orderedAt + gapMs, phaseAt: stop.phaseAt + gapMs } };
}

function orderStop(run: Run, event: { order: Stop['order']; graceMs: number | null; now: boolean }, at: number): Stop {
  return {
    order: event.order,
    orderedAt: at,
    graceMs: event.graceMs ?? run.spec.graceMs,
    phase: 'ordered',
    phaseAt: at,
    now: event.now,
  };
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

function exited(run: Run, event: Exited, ordered: Stop | null, process: Running | Stopping | null): Transition {
  const outcome = toOutcome(event);
  const { report } = event;
  // A stop that was ordered while the rest of the stream was being read came too late: the process had ended by itself.
  const stop = ordered !== null && isTooLate(ordered, event.endedAt) ? null : ordered;
  const why = stop
    ? endOfStop(run.spec, stop, outcome, report)
    : event.byDeadline
      ? endOfOrder('timeout')
      : endOfOutcome(run.spec, outcome, report, event.lastWords ?? null);
  const { leader, startedAt } = process ?? event;
  // From its end on, the number of its session may be reused.
  const from = { leader: leader === null ? null : { ...leader, endTick: event.tick ?? null }, startedAt };
  const ended = end(run, from, outcome, why, event.endedAt, stop);
  return startsFreshSession(run, ended) ? moved(ended, 'retry-fresh', 'finalize') : moved(ended, 'finalize');
}

/** Returns whether a stop was ordered after the end. A much larger difference means that the clock was set back in between. */
function isTooLate({ orderedAt }: Stop, endedAt: number): boolean {
  return orderedAt > endedAt && orderedAt - endedAt < limits.lateOrderMsMax;
}

/** Returns whether a fresh run follows because the agent did not know the session. None follows after that one. */
function startsFreshSession(run: Run, ended: Ended): boolean {
  return (
    ended.errorCode === 'unknown_session' &&
    run.spec.sessionId !== null &&
    run.lineage.retryReason !== 'unknown_session'
  );
}

function toOutcome(event: Exited): Outcome {
  if (event.signal !== null) return { kind: 'killed', signal: event.signal };
  // A record with neither code nor signal means that its writer did not know the exit.
  return event.code === null ? { kind: 'lost' } : { kind: 'exited', code: event.code };
}

type Lost = Extract<RunEvent, { type: 'process-lost' }>;

function lost(run: Run, event: Lost, stop: Stop | null, process: Running | null | Stopping, at: number): Transition {
  const outcome: Outcome = { kind: 'lost' };
  // A run that was being stopped gets its ordered end. Only the exit code stays unknown, and nothing is retried.
  if (stop) {
    const ordered = endOfStop(run.spec, stop, outcome, event.report);
    // When it is uncertain what became of the run, that is reported beside the ordered end.
    const error = ordered.error ?? (event.certain ? null : event.message);
    return moved(end(run, process, outcome, { ...ordered, error }, at, stop), 'finalize');
  }
  const why = endOfOutcome(run.spec, outcome, event.report);
  // What the stream reported before the loss stands. Only the exit code is unknown.
  if (event.report !== null) return moved(end(run, process, outcome, why, at), 'finalize');
  const retry = run.spec.onLoss === 'retry' && event.certain && run.lineage.processLossRetryCount === 0;
  const lostWhy: End = { ...why, error: event.message, errorBy: 'clip' };
  return moved(
    end(run, process, outcome, lostWhy, at),
    ...(retry ? (['retry-lost', 'finalize'] as const) : (['finalize'] as const)),
  );
}

function notStarted(errorCode: string, message: string): End {
  return {
    status: 'failed',
    stopReason: 'not_started',
    errorCode,
    error: message,
    errorBy: 'clip',
    remark: null,
    timeoutFired: false,
  };
}

/** Returns whether nothing remains to be done for this run, not even after its end. */
export function isSettled(run: Run): boolean {
  return isEnded(run.state) && run.state.pending.length === 0;
}
