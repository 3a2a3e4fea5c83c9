/** Carries out a recorded stop signal by signal, each recorded with its targets, until the leader has ended. */
import { failpoint } from '#launch/failpoints.ts';
import { canBeSeen, isAliveProcess } from '#process/process-identity.ts';
import { limits } from '#run/limits.ts';
import { unseenMessage } from '#run/recovery.ts';
import type { Run } from '#run/run.ts';
import { nextSignal } from '#run/stop-sequence.ts';
import type { LogFunction } from '../core/log.ts';
import { describe } from '../core/log.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { ProcessScanner } from './process-scanner.ts';

export type Stopper = ReturnType<typeof createTerminator>;

export function createTerminator(deps: {
  supervisor: Supervisor;
  scanner: ProcessScanner;
  now: () => number;
  log: LogFunction;
  politeSignal: (run: Run) => 'SIGINT' | null;
  /** Called when the leader is dead and no keeper reports the end. */
  lookAgain: (run: Run) => void;
  /** Called when the processes can be neither seen nor signaled. */
  lose: (run: Run, message: string) => void;
}) {
  const timers = new Map<number, NodeJS.Timeout>();
  /** Runs whose next step is in progress. A second order only shortens the wait. */
  const busy = new Set<number>();
  /** Earliest time at which a step without effect is repeated. */
  const notBefore = new Map<number, number>();
  /** Targets of the last SIGKILL. The same targets again are not recorded in the history. */
  const killed = new Map<number, string>();

  /** Starts or continues the stop of this run. */
  function go(number: number): void {
    clearTimeout(timers.get(number));
    timers.delete(number);
    if (busy.has(number)) return;
    busy.add(number);
    move(number)
      .catch((error) => {
        deps.log('error', 'stop step failed; retrying', { run: number, error: describe(error) });
        waitAwhile(number);
      })
      .finally(() => {
        busy.delete(number);
        arm(number);
      });
  }

  /** Sets the timer of the next step, which fires at once if it is due. */
  function arm(number: number): void {
    const run = deps.supervisor.find(number);
    if (run?.state.status !== 'stopping') {
      notBefore.delete(number);
      killed.delete(number);
      return;
    }
    const next = nextSignal(run.state.stop, deps.politeSignal(run), deps.now());
    const at = Math.max(next.kind === 'wait' ? next.untilAt : 0, notBefore.get(number) ?? 0);
    timers.set(
      number,
      setTimeout(() => go(number), Math.min(Math.max(at - deps.now(), 0), limits.timerMsMax)),
    );
  }

  async function move(number: number): Promise<void> {
    const run = deps.supervisor.find(number);
    if (run?.state.status !== 'stopping') return;
    const next = nextSignal(run.state.stop, deps.politeSignal(run), deps.now());
    if (next.kind === 'wait') return;
    const { leader, held } = run.state;
    if (!deps.scanner.canReach({ runId: run.id, leader })) return outOfReach(run);
    if (!held && canBeSeen(leader) && !isAliveProcess(leader)) {
      waitAwhile(number);
      return deps.lookAgain(run);
    }
    if (run.state.stop.phase === 'ordered') failpoint('stop.after-recorded');
    const { members, shared } = await deps.scanner.find(run.id, leader);
    // The run may have ended during the scan. Then no signal is sent.
    if (deps.supervisor.find(number)?.state.status !== 'stopping') return;
    const chosen = next.to === 'leader' ? members.filter(({ proof }) => proof === 'leader') : members;
    const targets = await deps.scanner.signal(
      { runId: run.id, leader },
      chosen,
      next.signal,
      next.to === 'family' && !shared,
    );
    if (next.phase === 'terminated') failpoint('stop.after-term');
    if (next.phase === 'killed') failpoint('stop.after-kill');
    const whom = `${next.signal} ${targets.map(({ pid, startTime }) => `${pid}:${startTime}`).join(' ')}`;
    const again = next.phase === 'killed' && killed.get(number) === whom;
    if (next.phase === 'killed') {
      killed.set(number, whom);
      // A process that outlives SIGKILL (uninterruptible, or another user's) is signaled again, at a slower rate.
      if (run.state.stop.phase === 'killed') waitAwhile(number);
    }
    if (!again) deps.supervisor.submit(number, { type: 'signalled', phase: next.phase, targets });
  }

  /** Records the ordered end of a run whose processes cannot be seen from here. No signal is sent. */
  function outOfReach(run: Run): void {
    waitAwhile(run.number);
    if (run.state.status === 'stopping' && !run.state.held) deps.lose(run, unseenMessage);
  }

  function waitAwhile(number: number): void {
    notBefore.set(number, deps.now() + limits.stopRetryMs);
  }

  return { go };
}
