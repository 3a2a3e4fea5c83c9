import { end } from './ended.ts';
import { type End, endOfOrder, endOfOutcome, endOfStop } from './ends.ts';
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
 * The life of a run.
 *
 * A run is *queued* until the scheduler grants it a slot. It is *starting* from then until the keeper
 * has said that the process lives; an order to stop in between is remembered and carried out the
 * moment it lives. It is *running* until its process ends. It is *stopping* from the first order to
 * stop, which is recorded before the first signal, until its process ends; the order decides the end,
 * whatever the exit code then says. An *ended* run only has its finalising steps struck off.
 *
 * Orders that make no sense in a state are refused with a reason; facts that come too late change
 * nothing. Nothing here knows a clock, a file or a process: `at` is given.
 */
export function step(run: Run, event: RunEvent, at: number): Step {
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
      return ended(state, event);
  }
}

export type Step =
  | { readonly kind: 'moved'; readonly state: RunState; readonly effects: readonly Effect[] }
  | { readonly kind: 'refused'; readonly why: 'already_ended' | 'already_stopping' | 'not_queued' }
  /** A fact about something that is over; it changes nothing and is not stored. */
  | { readonly kind: 'late' };

/** What must be done once the new state is on disk. */
export type Effect =
  | { readonly type: 'spawn' }
  | { readonly type: 'watch' }
  | { readonly type: 'stop' }
  | { readonly type: 'finalise' }
  /** Stored in the same transaction: exactly one new run for a lost one. */
  | { readonly type: 'retry-lost' }
  /** Likewise: exactly one run that begins anew for one whose session nobody knew. */
  | { readonly type: 'retry-fresh' };

const neverBegun: Outcome = { kind: 'not_started' };
const late: Step = { kind: 'late' };
const moved = (state: RunState, ...effects: Effect['type'][]): Step => ({ kind: 'moved', state, effects: effects.map((type) => ({ type })) });

function queued(run: Run, state: Queued, event: RunEvent, at: number): Step {
  switch (event.type) {
    case 'slot-granted':
      return moved({ status: 'starting', since: at, stop: null }, 'spawn');
    case 'stop-requested':
      return moved(end(run, null, neverBegun, endOfStop(run.spec, orderStop(run, event, at), neverBegun, null), at), 'finalise');
    case 'dependency-failed': {
      const error = `Run ${event.after} had to succeed first, but it ended ${event.status}.`;
      const why: End = { status: 'cancelled', stopReason: 'dependency_failed', errorCode: 'cancelled', error, timeoutFired: false };
      return moved(end(run, null, neverBegun, why, at), 'finalise');
    }
    case 'hurried':
      return moved({ ...state, notBefore: null });
    // A fact about a queued run belongs to an earlier launch that was found never to have happened.
    default:
      return late;
  }
}

function starting(run: Run, state: Starting, event: RunEvent, at: number): Step {
  switch (event.type) {
    case 'spawned':
    case 'found-again':
      return started(run, state, event);
    case 'spawn-failed': {
      const why = state.stop ? endOfStop(run.spec, state.stop, neverBegun, null) : notStarted(event.errorCode, event.message);
      return moved(end(run, null, neverBegun, why, at), 'finalise');
    }
    case 'never-launched':
      if (state.stop) return moved(end(run, null, neverBegun, endOfStop(run.spec, state.stop, neverBegun, null), at), 'finalise');
      return moved({ status: 'queued', notBefore: event.retryInMs > 0 ? at + event.retryInMs : null });
    case 'exited':
      return exited(run, event, state.stop, null);
    case 'process-lost':
      return lost(run, event, state.stop, null, at);
    case 'stop-requested':
      if (state.stop) return again(state.stop, event, (stop) => ({ ...state, stop }), at, []);
      return moved({ ...state, stop: orderStop(run, event, at) });
    case 'slot-granted':
    case 'dependency-failed':
    case 'hurried':
      return { kind: 'refused', why: 'not_queued' };
    default:
      return late;
  }
}

function running(run: Run, state: Running, event: RunEvent, at: number): Step {
  if (event.type === 'stop-requested') return moved({ ...state, status: 'stopping', stop: orderStop(run, event, at) }, 'stop');
  return alive(run, state, event, null, at);
}

function stopping(run: Run, state: Stopping, event: RunEvent, at: number): Step {
  if (event.type === 'stop-requested') return again(state.stop, event, (stop) => ({ ...state, stop }), at, ['stop']);
  if (event.type === 'signalled') return moved({ ...state, stop: { ...state.stop, phase: event.phase, phaseAt: at } });
  return alive(run, state, event, state.stop, at);
}

/** What can happen to any living process, being stopped or not. */
function alive(run: Run, state: Running | Stopping, event: RunEvent, stop: Stop | null, at: number): Step {
  switch (event.type) {
    case 'exited':
      return exited(run, event, stop, state);
    case 'process-lost':
      return lost(run, event, stop, state, at);
    case 'found-again':
      return foundAgain(state, event.held);
    case 'slept':
      // Whoever carries a stop out has to reckon anew.
      return state.status === 'stopping' ? moved(slept(state, event.gapMs, at), 'stop') : moved(slept(state, event.gapMs, at));
    case 'activity':
      return state.detachedWarning ? moved({ ...state, detachedWarning: false }) : late;
    case 'slot-granted':
    case 'dependency-failed':
    case 'hurried':
      return { kind: 'refused', why: 'not_queued' };
    default:
      return late;
  }
}

function ended(state: Ended, event: RunEvent): Step {
  switch (event.type) {
    case 'step-done': {
      if (!state.pending.includes(event.step)) return late;
      const found = { ...state, pending: state.pending.filter((name) => name !== event.step) };
      if (event.step === 'leftovers') return moved({ ...found, leaked: event.leaked });
      if (event.step === 'workspace') return moved({ ...found, workspace: event.workspace });
      if (event.step === 'liveness') return moved({ ...found, liveness: event.liveness });
      return moved(event.step === 'wake' ? decided(found, event.decision) : found);
    }
    case 'judged':
      return state.liveness !== null || state.pending.includes('liveness') ? late : moved({ ...state, liveness: event.liveness });
    case 'stop-requested':
    case 'slot-granted':
    case 'dependency-failed':
    case 'hurried':
      return { kind: 'refused', why: 'already_ended' };
    default:
      return late;
  }
}

/** That nothing more will come of it belongs to the verdict: lists show that alone. */
function decided(state: Ended, decision: DecisionRecord): Ended {
  const { liveness } = state;
  if (!decision.exhausted || liveness === null) return { ...state, decision };
  return { ...state, decision, liveness: { ...liveness, reason: `${liveness.reason.replace(/\.$/, '')}${exhaustedSuffix}` } };
}

/** Words that readers of ledgers look for. */
export const exhaustedSuffix = '; continuation attempts exhausted';

type Started = { leader: Leader; startedAt: number };

function started(run: Run, state: Starting, event: Started & ({ type: 'spawned' } | { type: 'found-again'; held: boolean })): Step {
  const held = event.type === 'spawned' || event.held;
  const { timeoutMs } = run.spec;
  const process = {
    leader: event.leader,
    startedAt: event.startedAt,
    deadlineAt: timeoutMs > 0 ? event.startedAt + timeoutMs : null,
    silentSince: event.startedAt,
    held,
    detachedWarning: !held,
  };
  if (state.stop) return moved({ ...process, status: 'stopping', stop: state.stop }, 'watch', 'stop');
  return moved({ ...process, status: 'running' }, 'watch');
}

function foundAgain(state: Running | Stopping, held: boolean): Step {
  const watch: Effect['type'][] = state.status === 'stopping' ? ['watch', 'stop'] : ['watch'];
  // The warning is set once per lost keeper, not again each time somebody looks.
  const detachedWarning = held ? false : state.held ? true : state.detachedWarning;
  return moved({ ...state, held, detachedWarning }, ...watch);
}

/** A negative gap: the clock was set back, and with it what a stop reckons from, or its grace would last until the clock is there again. */
function slept(state: Running | Stopping, gapMs: number, at: number): Running | Stopping {
  const moves = { deadlineAt: state.deadlineAt === null ? null : state.deadlineAt + gapMs, silentSince: at };
  if (state.status === 'running' || gapMs >= 0) return { ...state, ...moves };
  const { stop } = state;
  return { ...state, ...moves, stop: { ...stop, orderedAt: stop.orderedAt + gapMs, phaseAt: stop.phaseAt + gapMs } };
}

function orderStop(run: Run, event: { order: Stop['order']; graceMs: number | null; now: boolean }, at: number): Stop {
  return { order: event.order, orderedAt: at, graceMs: event.graceMs ?? run.spec.graceMs, phase: 'ordered', phaseAt: at, now: event.now };
}

/** A second order does not change the end; it can only make the stop quicker. */
function again(stop: Stop, event: { now: boolean }, put: (stop: Stop) => RunState, at: number, effects: Effect['type'][]): Step {
  if (!event.now || stop.now) return { kind: 'refused', why: 'already_stopping' };
  return moved(put({ ...stop, now: true, phaseAt: at }), ...effects);
}

type Exited = Extract<RunEvent, { type: 'exited' }>;

function exited(run: Run, event: Exited, ordered: Stop | null, process: Running | Stopping | null): Step {
  const outcome = outcomeOf(event);
  const { report } = event;
  // Ordered while the last of its stream was being read, it came too late: the process had ended by itself.
  const stop = ordered !== null && isTooLate(ordered, event.endedAt) ? null : ordered;
  const why = stop ? endOfStop(run.spec, stop, outcome, report) : event.byDeadline ? endOfOrder('timeout') : endOfOutcome(run.spec, outcome, report);
  const from = process ?? { leader: event.leader, startedAt: event.startedAt };
  const ended = end(run, from, outcome, why, event.endedAt, stop);
  return beginsAnew(run, ended) ? moved(ended, 'retry-fresh', 'finalise') : moved(ended, 'finalise');
}

/** Never so much too late: then the clock was set back between the order and the end. */
function isTooLate({ orderedAt }: Stop, endedAt: number): boolean {
  return orderedAt > endedAt && orderedAt - endedAt < limits.lateOrderMsMax;
}

/** Its session was not known to the agent: one fresh run follows, and none after that one. */
function beginsAnew(run: Run, ended: Ended): boolean {
  return ended.errorCode === 'unknown_session' && run.spec.sessionId !== null && run.lineage.retryReason !== 'unknown_session';
}

function outcomeOf(event: Exited): Outcome {
  if (event.signal !== null) return { kind: 'killed', signal: event.signal };
  // Neither code nor signal: whoever wrote the record did not know, so neither do we.
  return event.code === null ? { kind: 'lost' } : { kind: 'exited', code: event.code };
}

type Lost = Extract<RunEvent, { type: 'process-lost' }>;

function lost(run: Run, event: Lost, stop: Stop | null, process: Running | null | Stopping, at: number): Step {
  const outcome: Outcome = { kind: 'lost' };
  // What was being stopped has its ordered end; only the exit code stays unknown, and nothing is tried again.
  if (stop) return moved(end(run, process, outcome, endOfStop(run.spec, stop, outcome, event.report), at, stop), 'finalise');
  const why = endOfOutcome(run.spec, outcome, event.report);
  // What its stream had said before it was lost from sight stands; only the exit code is unknown.
  if (event.report !== null) return moved(end(run, process, outcome, why, at), 'finalise');
  const retry = run.spec.onLoss === 'retry' && event.certain && run.lineage.processLossRetryCount === 0;
  const lostWhy = { ...why, error: event.message };
  return moved(end(run, process, outcome, lostWhy, at), ...(retry ? (['retry-lost', 'finalise'] as const) : (['finalise'] as const)));
}

function notStarted(errorCode: string, message: string): End {
  return { status: 'failed', stopReason: 'not_started', errorCode, error: message, timeoutFired: false };
}

/** True when nothing remains to be done for this run, not even after its end. */
export function isSettled(run: Run): boolean {
  return isEnded(run.state) && run.state.pending.length === 0;
}
