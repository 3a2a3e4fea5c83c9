/** The queue in memory, in its order. The database is authoritative; this avoids reading it at every end of a run. */
import type { Run } from '#run/run.ts';
import type { QueuedRow } from '#store/runs.ts';

export type PendingRun = Omit<QueuedRow, 'priority'>;
type Place = { readonly parentRunId: string | null; readonly isAgent: boolean };

export function createPendingRuns(rows: Iterable<QueuedRow>) {
  /** Commands and agents are kept apart: where one kind has no slot left, the other must not search its whole queue. */
  const commands = createLines();
  const agents = createLines();
  /** Nested runs are kept apart: they need no slot, so a full machine must not block them. */
  const nested = createLines();
  let size = 0;
  let newest = 0;

  function linesOf({ parentRunId, isAgent }: Place) {
    if (parentRunId !== null) return nested;
    return isAgent ? agents : commands;
  }

  function add({ priority, ...waiter }: QueuedRow): void {
    const { parentRunId, agentId } = waiter;
    const line = linesOf({ parentRunId, isAgent: agentId !== null }).of(priority);
    const known = line.has(waiter.number);
    // Updates what the run waits for. Its place stays.
    line.set(waiter.number, waiter);
    if (known) return;
    size += 1;
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
      const { spec, lineage } = run;
      const lines = linesOf({ parentRunId: lineage.parentRunId, isAgent: spec.agent !== null });
      if (lines.of(spec.priority).delete(run.number)) size -= 1;
    },
    *nested(): Generator<PendingRun> {
      for (const { waiter } of nested.inOrder()) yield waiter;
    },
    /**
     * Yields the runs that were started in no other, in their order. The rest of a kind is left out as soon as `wants`
     * refuses the kind.
     */
    topLevel: (wants: (isAgent: boolean) => boolean = () => true): Iterable<PendingRun> =>
      merge(commands.inOrder(), agents.inOrder(), wants),
    size: (): number => size,
  };
}

type Queued = { readonly priority: number; readonly waiter: PendingRun };

/** Yields the runs of both kinds in their common order. */
function* merge(
  ofCommands: Generator<Queued, undefined>,
  ofAgents: Generator<Queued, undefined>,
  wants: (isAgent: boolean) => boolean,
): Generator<PendingRun> {
  let [command, agent] = [ofCommands.next().value, ofAgents.next().value];
  for (;;) {
    if (command && !wants(false)) command = undefined;
    if (agent && !wants(true)) agent = undefined;
    if (agent && (!command || isBefore(agent, command))) {
      yield agent.waiter;
      agent = ofAgents.next().value;
    } else if (command) {
      yield command.waiter;
      command = ofCommands.next().value;
    } else return;
  }
}

function isBefore(one: Queued, other: Queued): boolean {
  return one.priority === other.priority ? one.waiter.number < other.waiter.number : one.priority > other.priority;
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
    *inOrder(): Generator<Queued, undefined> {
      for (const priority of priorities)
        for (const waiter of byPriority.get(priority)?.values() ?? []) yield { priority, waiter };
    },
  };
}

function sort(line: Map<number, PendingRun>): void {
  const entries = [...line].sort(([a], [b]) => a - b);
  line.clear();
  for (const [number, waiter] of entries) line.set(number, waiter);
}
