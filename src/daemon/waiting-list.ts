/** The queue in memory, in its order. The database stays the truth; this spares reading it at every end of a run. */
import type { Run } from '../run/run.ts';
import type { QueuedRow } from '../store/runs.ts';

export type Waiter = Omit<QueuedRow, 'priority'>;
export function createWaitingList(rows: Iterable<QueuedRow>) {
  const topLevel = createLines();
  /** Runs inside runs wait apart: they need no slot, so a full machine must not hide them. */
  const nested = createLines();
  let size = 0;
  let newest = 0;

  function add({ priority, ...waiter }: QueuedRow): void {
    const line = (waiter.parentRunId === null ? topLevel : nested).of(priority);
    const known = line.has(waiter.number);
    // What it waits for may be other than before; its place stays.
    line.set(waiter.number, waiter);
    if (known) return;
    size += 1;
    // One that comes back to the queue takes its old place again.
    if (waiter.number < newest) sort(line);
    newest = Math.max(newest, waiter.number);
  }

  for (const row of rows) add(row);

  return {
    /** Takes note of a run's new state. */
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
      if (lines.of(run.spec.priority).delete(run.number)) size -= 1;
    },
    nested: (): Iterable<Waiter> => nested.inOrder(),
    topLevel: (): Iterable<Waiter> => topLevel.inOrder(),
    size: (): number => size,
  };
}

/** A line of waiters for each priority, the highest first. */
function createLines() {
  const byPriority = new Map<number, Map<number, Waiter>>();
  let priorities: number[] = [];

  return {
    of(priority: number): Map<number, Waiter> {
      let line = byPriority.get(priority);
      if (!line) {
        line = new Map();
        byPriority.set(priority, line);
        priorities = [...byPriority.keys()].sort((a, b) => b - a);
      }
      return line;
    },
    *inOrder(): Generator<Waiter> {
      for (const priority of priorities) yield* byPriority.get(priority)?.values() ?? [];
    },
  };
}

function sort(line: Map<number, Waiter>): void {
  const entries = [...line].sort(([a], [b]) => a - b);
  line.clear();
  for (const [number, waiter] of entries) line.set(number, waiter);
}
