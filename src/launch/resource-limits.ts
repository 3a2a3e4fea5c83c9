/** Resource limits of processes, as Linux reports them in /proc. This module imports only node:*. */
import { closeSync, openSync, readSync } from 'node:fs';

/** The names in `prlimit`, one for each line of /proc/<pid>/limits. */
export const resourceNames = [
  'cpu',
  'fsize',
  'data',
  'stack',
  'core',
  'rss',
  'nproc',
  'nofile',
  'memlock',
  'as',
  'locks',
  'sigpending',
  'msgqueue',
  'nice',
  'rtprio',
  'rttime',
] as const;
export type ResourceName = (typeof resourceNames)[number];

/** A soft and a hard limit, in the unit of the resource. Null means unlimited. */
export type ResourceLimit = readonly [soft: number | null, hard: number | null];
export type ResourceLimits = Partial<Readonly<Record<ResourceName, ResourceLimit>>>;

/** The titles of the resources in /proc/<pid>/limits. */
const titles: Readonly<Record<string, ResourceName>> = {
  'Max cpu time': 'cpu',
  'Max file size': 'fsize',
  'Max data size': 'data',
  'Max stack size': 'stack',
  'Max core file size': 'core',
  'Max resident set': 'rss',
  'Max processes': 'nproc',
  'Max open files': 'nofile',
  'Max locked memory': 'memlock',
  'Max address space': 'as',
  'Max file locks': 'locks',
  'Max pending signals': 'sigpending',
  'Max msgqueue size': 'msgqueue',
  'Max nice priority': 'nice',
  'Max realtime priority': 'rtprio',
  'Max realtime timeout': 'rttime',
};

const buffer = Buffer.allocUnsafe(4_096);

/** Returns the limits of a process of any user. Returns null when it is gone, or without /proc. */
export function readResourceLimits(pid: number | 'self'): ResourceLimits | null {
  let fd: number;
  try {
    fd = openSync(`/proc/${pid}/limits`, 'r');
  } catch {
    return null;
  }
  try {
    return parseResourceLimits(buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0)));
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}

/** Parses the content of `/proc/PID/limits`. Unknown lines are ignored. */
export function parseResourceLimits(text: string): ResourceLimits {
  const found: Partial<Record<ResourceName, ResourceLimit>> = {};
  for (const line of text.split('\n')) {
    const [, title = '', soft = '', hard = ''] =
      /^(Max [a-z ]*[a-z])\s+(\d+|unlimited)\s+(\d+|unlimited)/.exec(line) ?? [];
    const name = titles[title];
    if (name !== undefined) found[name] = [parseAmount(soft), parseAmount(hard)];
  }
  return found;
}

function parseAmount(text: string): number | null {
  return text === 'unlimited' ? null : Number(text);
}
