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

type TerminatorDeps = {
  readonly supervisor: Supervisor;
  readonly scanner: ProcessScanner;
  readonly now: () => number;
  readonly log: LogFunction;
  readonly politeSignal: (run: Run) => 'SIGINT' | null;
  /** Called when the leader is dead and no keeper reports the end. */
  readonly lookAgain: (run: Run) => void;
  /** Called when the processes can be neither seen nor signaled. */
  readonly lose: (run: Run, message: string) => void;
};

export class Terminator {
  readonly #deps: TerminatorDeps;
  readonly #timers = new Map<number, NodeJS.Timeout>();
  /** Runs whose next step is in progress. A second order only shortens the wait. */
  readonly #busy = new Set<number>();
  /** Earliest time at which a step without effect is repeated. */
  readonly #notBefore = new Map<number, number>();
  /** Targets of the last SIGKILL. The same targets again are not recorded in the history. */
  readonly #killed = new Map<number, string>();

  constructor(deps: TerminatorDeps) {
    this.#deps = deps;
  }

  /** Starts or continues the stop of this run. */
  go(number: number): void {
    clearTimeout(this.#timers.get(number));
    this.#timers.delete(number);
    if (this.#busy.has(number)) return;
    this.#busy.add(number);
    this.#move(number)
      .catch((error) => {
        this.#deps.log('error', 'stop step failed; retrying', { run: number, error: describe(error) });
        this.#waitAwhile(number);
      })
      .finally(() => {
        this.#busy.delete(number);
        this.#arm(number);
      });
  }

  /** Sets the timer of the next step, which fires at once if it is due. */
  #arm(number: number): void {
    const run = this.#deps.supervisor.find(number);
    if (run?.state.status !== 'stopping') {
      this.#notBefore.delete(number);
      this.#killed.delete(number);
      return;
    }
    const next = nextSignal(run.state.stop, this.#deps.politeSignal(run), this.#deps.now());
    const at = Math.max(next.kind === 'wait' ? next.untilAt : 0, this.#notBefore.get(number) ?? 0);
    this.#timers.set(
      number,
      setTimeout(() => this.go(number), Math.min(Math.max(at - this.#deps.now(), 0), limits.timerMsMax)),
    );
  }

  async #move(number: number): Promise<void> {
    const run = this.#deps.supervisor.find(number);
    if (run?.state.status !== 'stopping') return;
    const next = nextSignal(run.state.stop, this.#deps.politeSignal(run), this.#deps.now());
    if (next.kind === 'wait') return;
    const { leader, held } = run.state;
    if (!this.#deps.scanner.canReach({ runId: run.id, leader })) return this.#outOfReach(run);
    if (!held && canBeSeen(leader) && !isAliveProcess(leader)) {
      this.#waitAwhile(number);
      return this.#deps.lookAgain(run);
    }
    if (run.state.stop.phase === 'ordered') failpoint('stop.after-recorded');
    const { members, shared } = await this.#deps.scanner.find(run.id, leader);
    // The run may have ended during the scan. Then no signal is sent.
    if (this.#deps.supervisor.find(number)?.state.status !== 'stopping') return;
    const chosen = next.to === 'leader' ? members.filter(({ proof }) => proof === 'leader') : members;
    const targets = await this.#deps.scanner.signal(
      { runId: run.id, leader },
      chosen,
      next.signal,
      next.to === 'family' && !shared,
    );
    if (next.phase === 'terminated') failpoint('stop.after-term');
    if (next.phase === 'killed') failpoint('stop.after-kill');
    const whom = `${next.signal} ${targets.map(({ pid, startTime }) => `${pid}:${startTime}`).join(' ')}`;
    const again = next.phase === 'killed' && this.#killed.get(number) === whom;
    if (next.phase === 'killed') {
      this.#killed.set(number, whom);
      // A process that outlives SIGKILL (uninterruptible, or another user's) is signaled again, at a slower rate.
      if (run.state.stop.phase === 'killed') this.#waitAwhile(number);
    }
    if (!again) this.#deps.supervisor.submit(number, { type: 'signalled', phase: next.phase, targets });
  }

  /** Records the ordered end of a run whose processes cannot be seen from here. No signal is sent. */
  #outOfReach(run: Run): void {
    this.#waitAwhile(run.number);
    if (run.state.status === 'stopping' && !run.state.held) this.#deps.lose(run, unseenMessage);
  }

  #waitAwhile(number: number): void {
    this.#notBefore.set(number, this.#deps.now() + limits.stopRetryMs);
  }
}
