import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { FromKeeper, ToKeeper } from '#process/keeper-protocol.ts';
import type { Deadline } from './deadline.ts';
import { type Child, type Hooks, launchRun } from './launch-run.ts';
import type { SpawnContext } from './spawn-process.ts';

/** A daemon that vanishes this soon after the end of a run still counts as busy. */
const recentMs = 5_000;

export type Spawn = Extract<ToKeeper, { type: 'spawn' }>;
/** A launch that was accepted. `withdrawn`: the daemon has withdrawn the request. */
type Launch = { withdrawn: boolean };

type RunsDeps = {
  readonly home: string;
  /** Sends a message to the daemon, if one is connected. */
  readonly tell: (message: FromKeeper) => void;
  readonly daemonIsHere: () => boolean;
  /** A process was started and is in the list of runs. */
  readonly onStarted: () => void;
  /** A launch or an end was decided. */
  readonly onDecided: () => void;
  /** Everything about an ended run is on disk. */
  readonly onEnded: () => void;
};

/** The runs of a keeper, from the request to the flushed record of the end. */
export class Runs {
  readonly #deps: RunsDeps;
  readonly #children = new Map<string, Child>();
  /** Accepted launches that are not decided yet. */
  readonly #launching = new Map<string, Launch>();
  /** Ended runs whose exit record is not in place yet. */
  readonly #ending = new Set<string>();
  /** Ended runs whose exit record is in place and not flushed yet. */
  readonly #flushing = new Set<string>();
  #lastEndAt = 0;

  constructor(deps: RunsDeps) {
    this.#deps = deps;
  }

  /** Returns whether the list of runs is complete: no launch and no end is undecided. */
  get areDecided(): boolean {
    return this.#launching.size === 0 && this.#ending.size === 0;
  }

  /** Returns whether no run needs this process. */
  get areOver(): boolean {
    return this.#children.size === 0 && this.#flushing.size === 0 && this.#launching.size === 0;
  }

  /**
   * Returns whether a run lives, is being launched or has just ended. The next of a queue of short runs was then about
   * to start.
   */
  get areBusy(): boolean {
    return this.#children.size > 0 || this.#launching.size > 0 || Date.now() - this.#lastEndAt < recentMs;
  }

  /** Returns the live runs. */
  list(): { id: string; leader: Child['leader']; at: number }[] {
    return [...this.#children.values()].map(({ id, leader, at }) => ({ id, leader, at }));
  }

  deadlines(): Deadline[] {
    return [...this.#children.values()].map(({ deadline }) => deadline);
  }

  /** Launches a run, unless it is being launched already. */
  spawn(place: SpawnContext, request: Spawn): void {
    const { id } = request;
    if (this.#launching.has(id)) return;
    const launch: Launch = { withdrawn: false };
    this.#launching.set(id, launch);
    launchRun(place, request, this.#hooksOf(id, launch), () => {
      this.#launching.delete(id);
      this.#deps.onDecided();
    });
  }

  /**
   * Withdraws a request. Returns whether nothing was started for it. A run that was started was reported, and the
   * daemon stops it. An open launch answers by itself.
   */
  withdraw(id: string): boolean {
    const launch = this.#launching.get(id);
    if (launch !== undefined) {
      launch.withdrawn = true;
      return false;
    }
    if (this.#children.has(id) || this.#ending.has(id)) return false;
    return !existsSync(join(this.#deps.home, 'runs', id, 'launch.json'));
  }

  #hooksOf(id: string, launch: Launch): Hooks {
    const { tell, daemonIsHere, onStarted, onDecided, onEnded } = this.#deps;
    return {
      tell,
      daemonIsHere,
      isWithdrawn: () => launch.withdrawn,
      runs: () => this.#children.size,
      onStarted: (child) => {
        this.#children.set(id, child);
        onStarted();
      },
      onExit: () => {
        this.#children.delete(id);
        this.#ending.add(id);
        this.#flushing.add(id);
        this.#lastEndAt = Date.now();
      },
      onRecorded: () => {
        this.#ending.delete(id);
        onDecided();
      },
      onEnded: () => {
        this.#flushing.delete(id);
        onEnded();
      },
    };
  }
}
