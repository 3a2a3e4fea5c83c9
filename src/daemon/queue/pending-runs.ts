/** The queue in memory, in its order. The database is authoritative; this avoids reading it at every end of a run. */
import type { Run } from '#run/run.ts';
import type { QueuedRow } from '#store/runs.ts';

export type PendingRun = Omit<QueuedRow, 'priority'>;
export function createPendingRuns(rows: Iterable<QueuedRow>) {
  const topLevel = createLines();
  /** Nested runs are kept apart: they need no slot, so a full machine must not block them. */
  const nested = createLines();
  let size = 0;
  /** The number of runs of agents. */
  let agents = 0;
  let newest = 0;

  function add({ priority, ...waiter }: QueuedRow): void {
    const line = (waiter.parentRunId === null ? topLevel : nested).of(priority);
    const known = line.has(waiter.number);
    // Updates what the run waits for. Its place stays.
    line.set(waiter.number, waiter);
    if (known) return;
    size += 1;
    if (waiter.agentId !== null) agents += 1;
    // A run that returns to the queue gets its old place.
    if (waiter.number < newest) sort(line);
    newest = Math.max(newest, waiter.number);
  }

  for (const row of rows) add(row);

  return {
    /** Updates the queue after a change of a run. */
    note(run: Run): void {
      if (run.state.status === 'queued') {
        const { number, id, spec, lineage, state } = run;
        add({
          number,
          id,
          group: spec.group,
          priority: spec.priority,
          parentRunId: lineage.parentRunId,
          locks: spec.locks,
          after: spec.after,
          agentId: spec.agent?.id ?? null,
          agentName: spec.agent?.name ?? null,
          taskId: lineage.taskId,
          notBefore: state.notBefore,
        });
        return;
      }
      const lines = run.lineage.parentRunId === null ? topLevel : nested;
      if (!lines.of(run.spec.priority).delete(run.number)) return;
      size -= 1;
      if (run.spec.agent !== null) agents -= 1;
    },
    nested: (): Iterable<PendingRun> => nested.inOrder(),
    topLevel: (): Iterable<PendingRun> => topLevel.inOrder(),
    size: (): number => size,
    agents: (): number => agents,
  };
}

/** Creates one queue per priority, the highest first. */
function createLines() {
  const byPriority = new Map<number, Map<number, PendingRun>>();
  let priorities: number[] = [];

  return {
    of(priority: number): Map<number, PendingRun> {
      let line = byPriority.get(priority);
      if (!line) {
        line = new Map();
        byPriority.set(priority, line);
        priorities = [...byPriority.keys()].sort((a, b) => b - a);
      }
      return line;
    },
    *inOrder(): Generator<PendingRun> {
      for (const priority of priorities) yield* byPriority.get(priority)?.values() ?? [];
    },
  };
}

function sort(line: Map<number, PendingRun>): void {
  const entries = [...line].sort(([a], [b]) => a - b);
  line.clear();
  for (const [number, waiter] of entries) line.set(number, waiter);
}
