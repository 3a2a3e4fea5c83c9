/** Appends the event `agent.first_run` when the first run of an agent ends, with any outcome. Like all events it stays on this machine. */
import { isEnded, type Run } from '#run/run.ts';
import type { Store } from '#store/store.ts';
import type { Supervisor } from '../core/supervisor.ts';

export function createFirstRuns(deps: {
  store: Pick<Store, 'readMeta' | 'writeMeta'>;
  supervisor: Pick<Supervisor, 'note'>;
}) {
  const { store, supervisor } = deps;
  /** Agents whose first run is known to be over, so the database is asked once for each. */
  const known = new Set<string>();

  /** Called in the transaction of every change of a run. */
  return (before: Run | null, next: Run): void => {
    const { agent } = next.spec;
    if (agent === null || known.has(agent.id) || !isEnded(next.state) || (before !== null && isEnded(before.state)))
      return;
    // Stored apart from the runs, because runs may be removed and the next one would look like the first.
    const key = `first_run:${agent.id}`;
    if (store.readMeta(key) !== null) {
      known.add(agent.id);
      return;
    }
    store.writeMeta(key, String(next.number));
    supervisor.note({
      task: next.lineage.taskId,
      run: next,
      type: 'agent.first_run',
      data: { agentId: agent.id, name: agent.name, role: agent.role },
    });
  };
}
