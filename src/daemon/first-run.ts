/** The end of an agent's first run, however it ended, is an event of its own: `agent.first_run`. Like all events it stays on this machine. */
import { isEnded, type Run } from '../run/run.ts';
import type { Store } from '../store/store.ts';
import type { Supervisor } from './supervisor.ts';

export function createFirstRuns(world: { store: Pick<Store, 'readMeta' | 'writeMeta'>; supervisor: Pick<Supervisor, 'note'> }) {
  const { store, supervisor } = world;
  /** Agents of which it is known to be over: the database is asked once for each. */
  const known = new Set<string>();

  /** Called in the transaction of every change of a run. */
  return (before: Run | null, next: Run): void => {
    const { agent } = next.spec;
    if (agent === null || known.has(agent.id) || !isEnded(next.state) || (before !== null && isEnded(before.state))) return;
    // Kept apart from the runs: those may be removed, and the next one would be the first again.
    const key = `first_run:${agent.id}`;
    if (store.readMeta(key) !== null) {
      known.add(agent.id);
      return;
    }
    store.writeMeta(key, String(next.number));
    supervisor.note({ task: next.lineage.taskId, run: next, type: 'agent.first_run', data: { agentId: agent.id, name: agent.name, role: agent.role } });
  };
}
