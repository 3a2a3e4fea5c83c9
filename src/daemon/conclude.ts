/**
 * The end of an agent's run: recorded once the last of its stream has been read, since that decides how it
 * ended. The process is gone by then; what is ordered meanwhile comes too late (run/step.ts).
 */
import { crashPoint } from '../launch/crash-point.ts';
import type { Fact } from '../run/events.ts';
import { limits } from '../run/limits.ts';
import type { Run } from '../run/run.ts';
import { describe, type Log } from './log.ts';
import type { Supervisor } from './supervisor.ts';
import type { Tails } from './tails.ts';

export type Conclude = ReturnType<typeof createConclude>;
type End = Extract<Fact, { type: 'exited' } | { type: 'process-lost' }>;

export function createConclude(world: { supervisor: Supervisor; tails: Tails; log: Log }) {
  const { supervisor, tails, log } = world;
  const busy = new Set<number>();

  /** Never throws: what fails is tried again, and a stream that cannot be read holds up nobody for ever. */
  async function conclude(run: Run, end: End): Promise<void> {
    if (busy.has(run.number)) return;
    busy.add(run.number);
    try {
      const report = await reportOn(run, end);
      crashPoint(end.type === 'exited' ? 'exit.before-recorded' : 'lost.before-commit');
      supervisor.submit(run.number, { ...end, report });
      if (end.type === 'process-lost') crashPoint('lost.after-commit');
    } catch (error) {
      // On a full disk, say: its records are in its folder, and the heartbeat looks at it again.
      log('error', 'the end of a run could not be recorded', { run: run.number, error: describe(error) });
    } finally {
      busy.delete(run.number);
    }
  }

  async function reportOn(run: Run, end: End) {
    const exit = end.type === 'exited' ? { code: end.code, signal: end.signal } : null;
    for (let tries = 1; ; tries += 1) {
      try {
        return await tails.finish(run, exit);
      } catch (error) {
        log('error', 'the stream of a run could not be read to its end', { run: run.number, tries, error: describe(error) });
        if (tries >= limits.concludeTriesMax) return null;
        await new Promise((resolve) => setTimeout(resolve, limits.stopRetryMs));
      }
    }
  }

  return conclude;
}

/** Whether this fact ends a run whose stream has to be read first. */
export function needsConclusion(run: Run, fact: Fact): fact is End {
  return run.spec.agent !== null && (fact.type === 'exited' || fact.type === 'process-lost');
}
