/** Timers of agents: each wakes its agent for the task that waits most, or asks what the agent is asked whenever its time has come. */
import type { Agent } from '../run/agent.ts';
import { limits } from '../run/limits.ts';
import { dueAt } from '../run/timer.ts';
import type { Store } from '../store/store.ts';
import { plainPayload } from '../task/wake.ts';
import { offsetMinutesAt } from './day.ts';
import { describe, type Log } from './log.ts';
import type { Supervisor } from './supervisor.ts';
import type { Wakes } from './wakes.ts';

export function createTimers(world: { store: Store; supervisor: Supervisor; wakes: Wakes; now: () => number; log: Log }) {
  const { store, wakes, now } = world;
  let timer: NodeJS.Timeout | null = null;

  /** Fires what is due, and looks again when the next is; at least each minute, for a timer stands still while the machine sleeps. */
  function look(): void {
    if (timer) clearTimeout(timer);
    timer = null;
    let soonest = Number.POSITIVE_INFINITY;
    for (const agent of store.agents.list()) {
      try {
        soonest = Math.min(soonest, fireIfDue(agent));
      } catch (error) {
        world.log('error', 'the timer of an agent could not wake it', { agent: agent.name, error: describe(error) });
      }
    }
    if (soonest === Number.POSITIVE_INFINITY) return;
    timer = setTimeout(look, Math.min(Math.max(soonest - now(), limits.tickMs), limits.dayLookMs));
    timer.unref();
  }

  /** When this agent's timer is due next; never for one without, or a paused one. */
  function fireIfDue(agent: Agent): number {
    const { everyMs, quietHours: quiet } = agent.settings;
    if (everyMs === null || agent.paused) return Number.POSITIVE_INFINITY;
    const at = now();
    const stored = store.agents.timerAt(agent.id);
    // One that was just set begins to count now; so does one that came last at a time that is not yet, for the clock was set back.
    const lastAt = stored === null || stored > at ? at : stored;
    if (lastAt !== stored) store.agents.setTimerAt(agent.id, lastAt);
    const due = dueAt({ everyMs, quiet, lastAt, offsetMinutesAt }, at);
    if (due > at) return due;
    world.supervisor.together(() => {
      store.agents.setTimerAt(agent.id, at);
      fire(agent, at);
    });
    return dueAt({ everyMs, quiet, lastAt: at, offsetMinutesAt }, at);
  }

  function fire(agent: Agent, at: number): void {
    const task = store.tasks.ofAgents().find(({ number, assignee }) => {
      if (assignee?.kind !== 'agent' || assignee.agentId !== agent.id) return false;
      return wakes.busyWith(number, agent.id) === null && store.wakes.allWaiting({ task: number }).length === 0;
    });
    const prompt = agent.settings.timerPrompt;
    // Nothing to do, or the same that waits already, is no reason to start anything.
    if (task === undefined && (prompt === null || store.wakes.waiting({ agentId: agent.id, task: null }) !== null)) return;
    wakes.wake({
      ...{ task: task?.number ?? null, agentId: agent.id, source: 'timer', reason: 'heartbeat_timer' },
      ...{ payload: plainPayload, key: `heartbeat_timer:${agent.id}:${at}`, notBefore: null, retryOf: null, prompt: task === undefined ? prompt : null },
    });
  }

  return {
    look,
    close(): void {
      if (timer) clearTimeout(timer);
    },
  };
}
