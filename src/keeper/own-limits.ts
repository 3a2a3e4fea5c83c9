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

export type OwnLimits = {
  readonly traits: KeeperTraits;
  /** The program `prlimit`, which sets limits; null if there is none. */
  readonly prlimit: string | null;
  /** Whether the kernel mark of a run can be set here. */
  readonly canMark: boolean;
  /** Returns the arguments for prlimit that give a run the limits of its submitter; empty if they are equal. */
  readonly argumentsFor: (submitter: SubmitterTraits | null, runs: number) => string[];
  /**
   * Returns the prefix that starts a command with the submitter's nice value, if this process could not lower its own
   * value again.
   */
  readonly niceCommand: (submitter: SubmitterTraits | null) => string[];
  /** Calls `start` with the nice value of the submitter, as far as the system permits. */
  readonly withNice: <T>(
    submitter: SubmitterTraits | null,
    start: () => T,
    pidOf: (started: T) => number | undefined,
  ) => T;
};

/** Reads the limits of this process. */
export function readOwnLimits(env: NodeJS.ProcessEnv): OwnLimits {
  const prlimit = findHelper('prlimit', env['PATH'] ?? '');
  const niceProgram = findHelper('nice', env['PATH'] ?? '');
  const may = readCapabilities();
  const traits = readKeeperTraits();
  let { limits } = traits;

  function argumentsFor(submitter: SubmitterTraits | null, runs: number): string[] {
    if (prlimit === null || limits === null || submitter?.limits == null) return [];
    const wanted = differing(limits, submitter.limits, traits.mayRaise);
    const { nofile } = wanted;
    // Nearly every submitter has a lower limit on open files, because Node raises its own. Set in the keeper itself, it
    // costs nothing.
    if (
      nofile !== undefined &&
      isSoftOnly(nofile, limits.nofile) &&
      nofile[0] !== null &&
      nofile[0] >= Math.max(ownFilesMin, runs * 4)
    ) {
      if (setOwnLimits(prlimit, [`--nofile=${nofile[0]}:`])) limits = readResourceLimits('self');
      delete wanted.nofile;
    }
    return Object.entries(wanted).map(([name, [soft, hard]]) => `--${name}=${word(soft)}:${word(hard)}`);
  }

  function niceCommand(submitter: SubmitterTraits | null): string[] {
    const more = (submitter?.nice ?? traits.nice) - traits.nice;
    return niceProgram === null || more <= 0 || may.has('lowerNice') ? [] : [niceProgram, '-n', String(more), '--'];
  }

  return {
    traits,
    prlimit,
    canMark: prlimit !== null && limits?.locks?.[1] === null,
    argumentsFor,
    niceCommand,
    withNice(submitter, start, pidOf) {
      const nice = submitter?.nice ?? traits.nice;
      if (nice === traits.nice || niceCommand(submitter).length > 0) return start();
      if (!may.has('lowerNice')) {
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
        tryNice(0, traits.nice);
      }
    },
  };
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
