/** Appends the event `agent.first_run` when the first run of an agent ends, with any outcome. Like all events it stays on this machine. */
import { isEnded, type Run } from '#run/run.ts';
import type { Store } from '#store/store.ts';
import type { Tx } from '../core/transaction.ts';

export function createFirstRuns(store: Pick<Store, 'readMeta' | 'writeMeta'>) {
  /** Agents whose first run is known to be over, so the database is asked once for each. */
  const known = new Set<string>();

  return (tx: Tx, before: Run | null, next: Run): void => {
    const { agent } = next.spec;
    if (agent === null || known.has(agent.id) || !isEnded(next.state) || (before !== null && isEnded(before.state)))
      return;
    // Stored apart from the runs, because runs may be removed and the next one would look like the first.
    const key = `first_run:${agent.id}`;
    if (store.readMeta(key) !== null) {
      known.add(agent.id);
      return;
    }
    store.writeMeta(tx, key, String(next.number));
    const data = { agentId: agent.id, name: agent.name, role: agent.role };
    tx.record({ task: next.lineage.taskId, run: next, type: 'agent.first_run', data });
  };
}
