/**
 * What a run inherits from the process that submitted it: nice value, umask and resource limits.
 *
 * They travel as a variable beside the submitter's environment and are stored with it: in the run until it has ended,
 * and in a task for its automatic runs. The keeper removes the variable before the process starts.
 */
import { getPriority } from 'node:os';
import {
  type ResourceLimit,
  type ResourceLimits,
  type ResourceName,
  readResourceLimits,
  resourceNames,
} from './resource-limits.ts';

/** The variable that carries the submitter's traits. */
export const submitterVariable = 'CLIP_SUBMITTER';

/** Nice value, umask and resource limits of the submitter, not of the shell that first started the daemon. */
export type SubmitterTraits = {
  /** −20 (first) to 19. Null when unknown. */
  readonly nice: number | null;
  readonly umask: number | null;
  /** Null on systems that do not report them. */
  readonly limits: ResourceLimits | null;
};

/** Returns the traits in a submitter's environment. Returns null when there are none, or when they are invalid. */
export function submitterIn(environment: Readonly<Record<string, string | undefined>>): SubmitterTraits | null {
  try {
    const { nice, umask, limits } = JSON.parse(environment[submitterVariable] ?? 'null') as Record<string, unknown>;
    if (!isWhole(nice, -20, 19) || !isWhole(umask, 0, 0o777)) return null;
    return { nice, umask, limits: limits === null ? null : limitsIn(limits as Record<string, unknown>) };
  } catch {
    return null;
  }
}

function isWhole(value: unknown, least: number, most: number): value is number | null {
  return value === null || (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most);
}

/** Returns the valid limits. An invalid one is left out and stays unchanged. */
function limitsIn(value: Record<string, unknown>): ResourceLimits {
  const found: Partial<Record<ResourceName, ResourceLimit>> = {};
  for (const name of resourceNames) {
    const pair = value[name];
    if (!Array.isArray(pair) || pair.length !== 2) continue;
    const [soft, hard]: unknown[] = pair;
    if (isAmount(soft) && isAmount(hard)) found[name] = [soft, hard];
  }
  return found;
}

function isAmount(value: unknown): value is number | null {
  return value === null || (typeof value === 'number' && Number.isFinite(value) && value >= 0);
}

/** The traits that a keeper can give to runs. */
export type KeeperTraits = {
  readonly nice: number;
  /** Whether it may lower nice values and raise hard limits. */
  readonly mayRaise: boolean;
  readonly limits: ResourceLimits | null;
};

/** Reads the traits of this process, for the runs that it submits. */
export function ownTraits(): SubmitterTraits {
  const { locks: _, ...own } = readResourceLimits('self') ?? {};
  // The limit on file locks is left out: a number there marks the run that contains this process.
  return {
    nice: ownNice(),
    umask: ownUmask(),
    limits: own.nofile === undefined ? null : { ...own, ...openFilesOfParent(own) },
  };
}

/** Reads the umask. That requires setting it, so it is restored at once. */
function ownUmask(): number {
  const umask = process.umask(0o077);
  process.umask(umask);
  return umask;
}

function ownNice(): number | null {
  try {
    return getPriority();
  } catch {
    return null;
  }
}

/**
 * Returns the original soft limit of open files. Node raises its own to the hard limit when it starts, so the original
 * is only visible in the parent shell. A different hard limit there means that the limit was set for this command
 * alone, and then nothing is known.
 */
function openFilesOfParent({ nofile }: ResourceLimits): ResourceLimits {
  const theirs = readResourceLimits(process.ppid)?.nofile;
  return theirs === undefined || nofile === undefined || theirs[1] !== nofile[1] ? {} : { nofile: theirs };
}

/** Names what this keeper cannot give to a run of this submitter. Returns none when it can give everything. */
export function lackingIn(keeper: KeeperTraits, submitter: SubmitterTraits | null): string[] {
  if (submitter === null || keeper.mayRaise) return [];
  const lacking =
    submitter.nice !== null && submitter.nice < keeper.nice ? [`nice ${submitter.nice} (it has ${keeper.nice})`] : [];
  for (const [name, [, hard]] of Object.entries(submitter.limits ?? {})) {
    const most = keeper.limits?.[name as ResourceName]?.[1];
    if (most !== undefined && isMore(hard, most))
      lacking.push(`a limit ${name} of ${amountWord(hard)} (it has ${amountWord(most)})`);
  }
  return lacking;
}

/** Returns whether a limit is larger than another one. Null means unlimited. */
export function isMore(a: number | null, b: number | null): boolean {
  return b !== null && (a === null || a > b);
}

function amountWord(amount: number | null): string {
  return amount === null ? 'unlimited' : String(amount);
}
