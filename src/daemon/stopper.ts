/** Carries a recorded stop out: signal by signal, each recorded with its targets, until the leader has ended. */
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

  /** Begins or goes on with the stop of this run, from wherever it stands. */
  function go(number: number): void {
    clearTimeout(timers.get(number));
    timers.delete(number);
    if (busy.has(number)) return;
    busy.add(number);
    move(number)
      .catch((error) => world.log('error', 'a stop did not go on', { run: number, error: describe(error) }))
      .finally(() => {
        busy.delete(number);
        arm(number);
      });
  }

  /** Sets the timer of the next move, or goes on at once when it is due. */
  function arm(number: number): void {
    const run = world.supervisor.find(number);
    if (run?.state.status !== 'stopping') return;
    const next = nextMove(run.state.stop, world.politeSignal(run), world.now());
    const wait = next.kind === 'wait' ? next.untilAt - world.now() : 0;
    timers.set(
      number,
      setTimeout(() => go(number), Math.min(Math.max(wait, 0), limits.timerMsMax)),
    );
  }

  async function move(number: number): Promise<void> {
    const run = world.supervisor.find(number);
    if (run?.state.status !== 'stopping') return;
    const next = nextMove(run.state.stop, world.politeSignal(run), world.now());
    if (next.kind === 'wait') return;
    const { leader, held } = run.state;
    if (!held && !isAliveProcess(leader)) return world.lookAgain(run);
    const { members } = await world.sweeper.find(run.id, leader);
    // The world went on during the sweep: a run that has ended meanwhile is signalled no more.
    if (world.supervisor.find(number)?.state.status !== 'stopping') return;
    const targets = signalMembers(next.to === 'leader' ? members.filter(({ proof }) => proof === 'leader') : members, next.signal);
    world.supervisor.submit(number, { type: 'signalled', phase: next.phase, targets });
  }

  return { go };
}
