/** Adds missing verdicts to ended runs, in the background, a few at a time, each once. */
import { limits } from '#run/limits.ts';
import { isEnded, type Run } from '#run/run.ts';
import { describe, type LogFunction } from '../core/log.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { RunJudge } from './run-verdict.ts';

export function createBackfill(deps: { supervisor: Supervisor; runJudge: RunJudge; log: LogFunction }) {
  const pending = new Set<number>();
  /** Runs whose verdict failed are not retried at every read of the ledger. */
  const tried = new Set<number>();
  let isRunning = false;

  /** Queues the runs without a verdict. The caller does not wait for it. */
  function enqueue(runs: readonly Run[]): void {
    for (const { number, state, spec, lineage } of runs) {
      const judged = spec.agent !== null || lineage.taskId !== null;
      if (
        judged &&
        isEnded(state) &&
        state.liveness === null &&
        !state.pending.includes('liveness') &&
        !tried.has(number)
      )
        pending.add(number);
    }
    if (pending.size > 0 && !isRunning) {
      isRunning = true;
      setImmediate(some);
    }
  }

  function some(): void {
    const batch = [...pending].slice(0, limits.backfillRuns);
    for (const number of batch) {
      pending.delete(number);
      tried.add(number);
    }
    try {
      deps.supervisor.submitAll(
        batch.flatMap((number) => {
          const run = deps.supervisor.find(number);
          const liveness = run === null || !isEnded(run.state) ? null : deps.runJudge.judge(run, run.state.workspace);
          return liveness === null ? [] : [{ number, event: { type: 'verdict-added', liveness } as const }];
        }),
      );
    } catch (error) {
      deps.log('warn', 'verdict backfill failed', { runs: batch, error: describe(error) });
    }
    isRunning = pending.size > 0;
    if (isRunning) setImmediate(some);
  }

  return { enqueue };
}
