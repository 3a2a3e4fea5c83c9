/**
 * Samples the processes of a young run when only marks identify them. A process that was once seen as a descendant
 * stays known by its pid and start time, even if it later leaves the session and the process tree and overwrites its
 * environment. Runs with a control group or a kernel mark need no samples.
 */
import { isAlive, type Run } from '#run/run.ts';
import { describe, type LogFunction } from '../core/log.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { ProcessScanner } from './process-scanner.ts';

/** Ages of the run at which it is sampled. Programs that daemonize do so early. */
const agesMs = [100, 300, 1_000, 3_000, 10_000, 60_000];

export function createYoungSamples(deps: {
  supervisor: Pick<Supervisor, 'find'>;
  scanner: Pick<ProcessScanner, 'find'>;
  log: LogFunction;
}) {
  /** Runs that are being sampled, so a run that was recovered is not sampled twice. */
  const sampled = new Set<number>();

  function sample(number: number, [age, ...later]: readonly number[], before: number): void {
    if (age === undefined) return void sampled.delete(number);
    setTimeout(() => {
      const run = deps.supervisor.find(number);
      if (run === null || !isAlive(run.state)) return void sampled.delete(number);
      deps.scanner
        .find(run.id, run.state.leader)
        .catch((error) => deps.log('warn', 'early process sample failed', { run: number, error: describe(error) }))
        .finally(() => sample(number, later, age));
    }, age - before).unref();
  }

  return {
    watch({ number, state }: Run): void {
      if (!isAlive(state) || state.leader.cgroup != null || state.leader.kernelMark === true || sampled.has(number))
        return;
      sampled.add(number);
      sample(number, agesMs, 0);
    },
  };
}
