/**
 * Records the end of a run, after its last output was read: the rest of an agent's stream, which decides how the run
 * ended, and for an unexplained bad end the reason on standard error. The process has ended by then, so orders that
 * arrive meanwhile come too late (run/state-machine.ts).
 */
import { join } from 'node:path';
import { lastWordsIn } from '#adapters/stderr-reason.ts';
import { failpoint } from '#launch/failpoints.ts';
import { runFiles } from '#process/run-folder.ts';
import { readEnd } from '#process/tail.ts';
import { cutText } from '#run/cut-text.ts';
import { isCrash } from '#run/end-reason.ts';
import type { Fact } from '#run/events.ts';
import { limits } from '#run/limits.ts';
import type { Run } from '#run/run.ts';
import { withoutSecrets } from '#run/secret.ts';
import { type StreamOutcome, unreadable } from '#run/stream-outcome.ts';
import { redact } from '#task/redact/redact.ts';
import { describe, type LogFunction } from '../core/log.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { LogFollower } from '../output/log-follower.ts';

/** The attempts that are logged when all fail in the same way. */
const worthALine: readonly number[] = [1, 10, 100];

export type RecordExit = ReturnType<typeof createExitRecorder>;
type End = Extract<Fact, { type: 'exited' } | { type: 'process-lost' }>;

export function createExitRecorder(deps: {
  supervisor: Supervisor;
  logFollower: Pick<LogFollower, 'finish'>;
  folderOf: (run: Run) => string;
  secretsOf: (run: Run) => readonly string[];
  log: LogFunction;
}) {
  const { supervisor, logFollower, log } = deps;
  const busy = new Set<number>();

  /** Never throws. A failed attempt is repeated, and an unreadable stream blocks nothing permanently. */
  async function recordExit(run: Run, end: End): Promise<void> {
    if (busy.has(run.number)) return;
    busy.add(run.number);
    try {
      const report = run.spec.agent === null ? null : await reportOn(run, end);
      failpoint(end.type === 'exited' ? 'exit.before-recorded' : 'lost.before-commit');
      supervisor.submit(
        run.number,
        end.type === 'exited'
          ? { ...end, report, lastWords: report === null ? findStderrReason(run, end) : null }
          : { ...end, report },
      );
      if (end.type === 'process-lost') failpoint('lost.after-commit');
    } catch (error) {
      // For example: disk full. The facts are in the run folder, and the heartbeat tries again.
      log('error', 'end of a run could not be recorded', { run: run.number, error: describe(error) });
    } finally {
      busy.delete(run.number);
    }
  }

  /**
   * Reads the rest of the stream. Temporary errors (no descriptors, locked database) are retried. After that the end
   * is recorded with an unknown outcome, never as a success.
   */
  async function reportOn(run: Run, end: End): Promise<StreamOutcome | null> {
    const exit = end.type === 'exited' ? { code: end.code, signal: end.signal } : null;
    const triesMax = Math.ceil(limits.concludeMs / limits.stopRetryMs);
    for (let tries = 1; ; tries += 1) {
      try {
        return await logFollower.finish(run, exit);
      } catch (error) {
        if (worthALine.includes(tries))
          log('error', 'stream of a run could not be read to its end', {
            run: run.number,
            tries,
            error: describe(error),
          });
        // A lost run is not a success in either case, and may be retried.
        if (tries >= triesMax)
          return exit === null ? null : unreadable(`its output could not be read (${(error as Error).message})`);
        await new Promise((resolve) => setTimeout(resolve, limits.stopRetryMs));
      }
    }
  }

  /** Returns the reason on standard error. Null if there is none, if it cannot be read, or if the end explains itself. */
  function findStderrReason(run: Run, end: Extract<End, { type: 'exited' }>): string | null {
    if (!isUnexplained(end)) return null;
    try {
      const file = run.spec.mergeOutput ? runFiles.stdout : runFiles.stderr;
      const words = lastWordsIn(readEnd(join(deps.folderOf(run), file), limits.stderrEndBytes));
      return words === null
        ? null
        : withoutSecrets(redact(cutText(words, 2 * limits.errorLength), deps.secretsOf(run)), deps.secretsOf(run));
    } catch {
      return null;
    }
  }

  return recordExit;
}

/** Returns whether standard error may explain the end. Signals from outside leave no reason there. */
function isUnexplained({ code, signal }: { readonly code: number | null; readonly signal: string | null }): boolean {
  return signal === null ? code !== null && code !== 0 : isCrash(signal);
}

/** Returns whether output must be read before this fact is recorded: the stream of an agent, or the reason of a bad end. */
export function mustDrainStream(run: Run, fact: Fact): fact is End {
  if (fact.type === 'process-lost') return run.spec.agent !== null;
  return fact.type === 'exited' && (run.spec.agent !== null || isUnexplained(fact));
}
