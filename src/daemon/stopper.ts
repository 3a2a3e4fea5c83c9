/** Carries a recorded stop out: signal by signal, each recorded with its targets, until the leader has ended. */
import { crashPoint } from '../launch/crash-point.ts';
import { isAliveProcess } from '../process/identity.ts';
import { signalMembers } from '../process/signal.ts';
import { limits } from '../run/limits.ts';
import type { Run } from '../run/run.ts';
import { nextMove } from '../run/stopping.ts';
import type { Log } from './log.ts';
import { describe } from './log.ts';
import type { Supervisor } from './supervisor.ts';
import type { Sweeper } from './sweeper.ts';

export type Stopper = ReturnType<typeof createStopper>;

export function createStopper(world: {
  supervisor: Supervisor;
  sweeper: Sweeper;
  now: () => number;
  log: Log;
  politeSignal: (run: Run) => 'SIGINT' | null;
  /** Called when the leader is dead but nobody is there to say so. */
  lookAgain: (run: Run) => void;
}) {
  const timers = new Map<number, NodeJS.Timeout>();
  /** Runs whose next move is being made: a second order meanwhile only shortens it. */
  const busy = new Set<number>();
  /** Moves that had no effect wait before they are made again, whatever the sequence says. */
  const notBefore = new Map<number, number>();
  /** Whom the last SIGKILL went to: the same again is not worth a line of history. */
  const killed = new Map<number, string>();

  /** Begins or goes on with the stop of this run, from wherever it stands. */
  function go(number: number): void {
    clearTimeout(timers.get(number));
    timers.delete(number);
    if (busy.has(number)) return;
    busy.add(number);
    move(number)
      .catch((error) => {
        world.log('error', 'a stop did not go on; it is tried again', { run: number, error: describe(error) });
        waitAwhile(number);
      })
      .finally(() => {
        busy.delete(number);
        arm(number);
      });
  }

  /** Sets the timer of the next move, or goes on at once when it is due. */
  function arm(number: number): void {
    const run = world.supervisor.find(number);
    if (run?.state.status !== 'stopping') {
      notBefore.delete(number);
      killed.delete(number);
      return;
    }
    const next = nextMove(run.state.stop, world.politeSignal(run), world.now());
    const at = Math.max(next.kind === 'wait' ? next.untilAt : 0, notBefore.get(number) ?? 0);
    timers.set(
      number,
      setTimeout(() => go(number), Math.min(Math.max(at - world.now(), 0), limits.timerMsMax)),
    );
  }

  async function move(number: number): Promise<void> {
    const run = world.supervisor.find(number);
    if (run?.state.status !== 'stopping') return;
    const next = nextMove(run.state.stop, world.politeSignal(run), world.now());
    if (next.kind === 'wait') return;
    const { leader, held } = run.state;
    if (!held && !isAliveProcess(leader)) {
      waitAwhile(number);
      return world.lookAgain(run);
    }
    if (run.state.stop.phase === 'ordered') crashPoint('stop.after-recorded');
    const { members } = await world.sweeper.find(run.id, leader);
    // The world went on during the sweep: a run that has ended meanwhile is signalled no more.
    if (world.supervisor.find(number)?.state.status !== 'stopping') return;
    const targets = signalMembers(next.to === 'leader' ? members.filter(({ proof }) => proof === 'leader') : members, next.signal);
    if (next.phase === 'terminated') crashPoint('stop.after-term');
    if (next.phase === 'killed') crashPoint('stop.after-kill');
    const whom = `${next.signal} ${targets.map(({ pid, startTime }) => `${pid}:${startTime}`).join(' ')}`;
    const again = next.phase === 'killed' && killed.get(number) === whom;
    if (next.phase === 'killed') {
      killed.set(number, whom);
      // A process that outlives SIGKILL (uninterruptible, or another user's) is asked again, but not all the time.
      if (run.state.stop.phase === 'killed') waitAwhile(number);
    }
    if (!again) world.supervisor.submit(number, { type: 'signalled', phase: next.phase, targets });
  }

  function waitAwhile(number: number): void {
    notBefore.set(number, world.now() + limits.stopRetryMs);
  }

  return { go };
}
