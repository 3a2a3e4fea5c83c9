/** Verdicts on runs that ended before there were any: found in the background, a few at a time, each once. */
import { limits } from '../run/limits.ts';
import { isEnded, type Run } from '../run/run.ts';
import type { Judge } from './judge.ts';
import { describe, type Log } from './log.ts';
import type { Supervisor } from './supervisor.ts';

export function createBackfill(world: { supervisor: Supervisor; judge: Judge; log: Log }) {
  const wanted = new Set<number>();
  /** Those that cannot be judged are not tried again by every look at a ledger. */
  const given = new Set<number>();
  let under = false;

  /** Takes note of those that have no verdict. Whoever asks does not wait for it. */
  function want(runs: readonly Run[]): void {
    for (const { number, state, spec, lineage } of runs) {
      const judged = spec.agent !== null || lineage.taskId !== null;
      if (judged && isEnded(state) && state.liveness === null && !state.pending.includes('liveness') && !given.has(number)) wanted.add(number);
    }
    if (wanted.size > 0 && !under) {
      under = true;
      setImmediate(some);
    }
  }

  function some(): void {
    const batch = [...wanted].slice(0, limits.backfillRuns);
    for (const number of batch) {
      wanted.delete(number);
      given.add(number);
    }
    try {
      world.supervisor.submitAll(
        batch.flatMap((number) => {
          const run = world.supervisor.find(number);
          const liveness = run === null || !isEnded(run.state) ? null : world.judge.judge(run, run.state.workspace);
          return liveness === null ? [] : [{ number, event: { type: 'judged', liveness } as const }];
        }),
      );
    } catch (error) {
      world.log('warn', 'runs could not be judged afterwards', { runs: batch, error: describe(error) });
    }
    under = wanted.size > 0;
    if (under) setImmediate(some);
  }

  return { want };
}
