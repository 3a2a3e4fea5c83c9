/** Reads the keeper's own nice value and resource limits, and applies those of a submitter to its run. */
import { setPriority } from 'node:os';
import { readCapabilities, readKeeperTraits } from '#launch/capabilities.ts';
import { findHelper, setOwnLimits } from '#launch/helper-program.ts';
import {
  type ResourceLimit,
  type ResourceLimits,
  type ResourceName,
  readResourceLimits,
} from '#launch/resource-limits.ts';
import { isMore, type KeeperTraits, type SubmitterTraits } from '#launch/submitter.ts';

/** Lower limits on open files are set only in the run, because the keeper needs some itself. */
const ownFilesMin = 256;

/** The limits of this process, and how runs get those of their submitter. */
export class OwnLimits {
  readonly traits: KeeperTraits;
  /** The program `prlimit`, which sets limits; null if there is none. */
  readonly prlimit: string | null;
  /** Whether the kernel mark of a run can be set here. */
  readonly canMark: boolean;
  readonly #niceProgram: string | null;
  readonly #canLowerNice: boolean;
  /** The present limits. The one on open files is lowered for runs. */
  #limits: ResourceLimits | null;

  /** Reads the limits of this process. The programs are searched in the PATH of `env`. */
  constructor(env: NodeJS.ProcessEnv) {
    this.prlimit = findHelper('prlimit', env['PATH'] ?? '');
    this.#niceProgram = findHelper('nice', env['PATH'] ?? '');
    this.traits = readKeeperTraits();
    this.#limits = this.traits.limits;
    this.#canLowerNice = readCapabilities().has('lowerNice');
    this.canMark = this.prlimit !== null && this.#limits?.locks?.[1] === null;
  }

  /**
   * Returns the arguments for prlimit that give a run the limits of its submitter; empty if they are equal. `runs`: the
   * number of live runs, each of which uses some descriptors of this process.
   */
  argumentsFor(submitter: SubmitterTraits | null, runs: number): string[] {
    if (this.prlimit === null || this.#limits === null || submitter?.limits == null) return [];
    const wanted = differing(this.#limits, submitter.limits, this.traits.mayRaise);
    const { nofile } = wanted;
    // Nearly every submitter has a lower limit on open files, because Node raises its own. Set in the keeper itself, it
    // costs nothing.
    if (
      nofile !== undefined &&
      isSoftOnly(nofile, this.#limits.nofile) &&
      nofile[0] !== null &&
      nofile[0] >= Math.max(ownFilesMin, runs * 4)
    ) {
      if (setOwnLimits(this.prlimit, [`--nofile=${nofile[0]}:`])) this.#limits = readResourceLimits('self');
      delete wanted.nofile;
    }
    return Object.entries(wanted).map(([name, [soft, hard]]) => `--${name}=${word(soft)}:${word(hard)}`);
  }

  /**
   * Returns the prefix that starts a command with the submitter's nice value, if this process could not lower its own
   * value again.
   */
  niceCommand(submitter: SubmitterTraits | null): string[] {
    const more = (submitter?.nice ?? this.traits.nice) - this.traits.nice;
    if (this.#niceProgram === null || more <= 0 || this.#canLowerNice) return [];
    return [this.#niceProgram, '-n', String(more), '--'];
  }

  /** Calls `start` with the nice value of the submitter, as far as the system permits. */
  withNice<T>(submitter: SubmitterTraits | null, start: () => T, pidOf: (started: T) => number | undefined): T {
    const nice = submitter?.nice ?? this.traits.nice;
    if (nice === this.traits.nice || this.niceCommand(submitter).length > 0) return start();
    if (!this.#canLowerNice) {
      const started = start();
      const pid = pidOf(started);
      // Without the program `nice`, the run starts with the keeper's value, and so may its first children.
      if (pid !== undefined) tryNice(pid, nice);
      return started;
    }
    tryNice(0, nice);
    try {
      return start();
    } finally {
      tryNice(0, this.traits.nice);
    }
  }
}

/**
 * Returns the wanted limits that differ from the keeper's. They are bounded by its hard limits if those cannot be
 * raised.
 */
function differing(
  ours: ResourceLimits,
  wanted: ResourceLimits,
  mayRaise: boolean,
): Partial<Record<ResourceName, ResourceLimit>> {
  const found: Partial<Record<ResourceName, ResourceLimit>> = {};
  for (const [key, [soft, hard]] of Object.entries(wanted)) {
    const name = key as ResourceName;
    const own = ours[name];
    // The limit on file locks is not a limit here but the kernel mark of a run.
    if (own === undefined || name === 'locks') continue;
    const most = mayRaise || !isMore(hard, own[1]) ? hard : own[1];
    const least = isMore(soft, most) ? most : soft;
    if (least !== own[0] || most !== own[1]) found[name] = [least, most];
  }
  return found;
}

function isSoftOnly([, hard]: ResourceLimit, own: ResourceLimit | undefined): boolean {
  return own !== undefined && own[1] === hard;
}

function word(amount: number | null): string {
  return amount === null ? 'unlimited' : String(amount);
}

function tryNice(pid: number, nice: number): void {
  try {
    setPriority(pid, nice);
  } catch {
    // No permission: the run keeps the keeper's value, and the daemon was told so.
  }
}
