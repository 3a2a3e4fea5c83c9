/**
 * Timers of agents. Each timer wakes its agent for its idle task of the highest priority. Without such a task it
 * starts a run with the agent's timer prompt.
 */
import type { Agent } from '#run/agent.ts';
import { limits } from '#run/limits.ts';
import { dueAt } from '#run/schedule.ts';
import type { Store } from '#store/store.ts';
import { plainPayload } from '#task/wake.ts';
import { offsetMinutesAt } from '../core/local-day.ts';
import { describe, type LogFunction } from '../core/log.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { Tx } from '../core/transaction.ts';
import type { Wakes } from './wakes.ts';

export function createAgentTimers(deps: {
  store: Store;
  supervisor: Supervisor;
  wakes: Wakes;
  now: () => number;
  log: LogFunction;
}) {
  const { store, wakes, now } = deps;
  let timer: NodeJS.Timeout | null = null;

  /** Fires due timers and schedules the next check, at least every minute, because a timeout does not advance while the machine sleeps. */
  function look(): void {
    if (timer) clearTimeout(timer);
    timer = null;
    let soonest = Number.POSITIVE_INFINITY;
    for (const agent of store.agents.list()) {
      try {
        soonest = Math.min(soonest, fireIfDue(agent));
      } catch (error) {
        deps.log('error', 'agent timer failed', { agent: agent.name, error: describe(error) });
      }
    }
    if (soonest === Number.POSITIVE_INFINITY) return;
    timer = setTimeout(look, Math.min(Math.max(soonest - now(), limits.tickMs), limits.dayLookMs));
    timer.unref();
  }

  /** Fires the timer if it is due, and returns when it is due next. Infinity for a paused agent or one without a timer. */
  function fireIfDue(agent: Agent): number {
    const { everyMs, quietHours: quiet } = agent.settings;
    if (everyMs === null || agent.paused) return Number.POSITIVE_INFINITY;
    const at = now();
    const stored = store.agents.timerAt(agent.id);
    // A new timer starts now. So does one whose last run lies in the future (the clock was set back).
    const lastAt = stored === null || stored > at ? at : stored;
    if (lastAt !== stored) store.transaction((tx) => store.agents.setTimerAt(tx, agent.id, lastAt));
    const due = dueAt({ everyMs, quiet, lastAt, offsetMinutesAt }, at);
    if (due > at) return due;
    // A timer that comes due meanwhile fires once when the queue is released.
    if (store.readMeta('queue_held') === '1') return at + limits.dayLookMs;
    deps.supervisor.transaction((tx) => {
      store.agents.setTimerAt(tx, agent.id, at);
      fire(tx, agent, at);
    });
    return dueAt({ everyMs, quiet, lastAt: at, offsetMinutesAt }, at);
  }

  function fire(tx: Tx, agent: Agent, at: number): void {
    const task = store.tasks.ofAgents().find(({ number, assignee }) => {
      if (assignee?.kind !== 'agent' || assignee.agentId !== agent.id) return false;
      return wakes.busyWith(number, agent.id) === null && store.wakes.allWaiting({ task: number }).length === 0;
    });
    const prompt = agent.settings.timerPrompt;
    // Starts nothing if there is nothing to do, or if the same wake is already pending.
    if (task === undefined && (prompt === null || store.wakes.waiting({ agentId: agent.id, task: null }) !== null))
      return;
    wakes.wake(tx, {
      task: task?.number ?? null,
      agentId: agent.id,
      source: 'timer',
      reason: 'heartbeat_timer',
      payload: plainPayload,
      key: `heartbeat_timer:${agent.id}:${at}`,
      notBefore: null,
      retryOf: null,
      prompt: task === undefined ? prompt : null,
    });
  }

  return {
    look,
    close(): void {
      if (timer) clearTimeout(timer);
    },
  };
}
