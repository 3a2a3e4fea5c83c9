/**
 * Control groups (cgroup v2). The kernel lists the processes of a run that has its own group, whatever they do to
 * their environment, session or user, and kills them by one write. Only processes that another service starts on
 * request are outside.
 *
 * A run's group is `<base>/clip-<keeper>/<run id>`, where the base is the group of its keeper. No controller is
 * enabled: groups identify processes and limit nothing. This module uses only node:*, because the keeper loads it.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readProcFile } from './proc-file.ts';

/** CGROUP2_SUPER_MAGIC, which tells a real group from a folder that only looks like one. */
const cgroupFileSystem = 0x63677270;
/** Matches the group of a run of any clip home. */
const runGroup = /^(.*)\/clip-[0-9a-f]{8}\/[a-z0-9]{1,64}(?:\/|$)/;
const keeperGroup = /^clip-[0-9a-f]{8}$/;
/** Returns the id of the run in whose group a process is, or null. */
export function readRunGroup(pid: number): string | null {
  return /^0::.*\/clip-[0-9a-f]{8}\/([^/\n]+)/m.exec(readProcFile(pid, 'cgroup', 'latin1') ?? '')?.[1] ?? null;
}

/** Maximum depth of nested groups, deeper than any real use. */
const depthMax = 16;

/**
 * Returns the folder of this process's group; null if there is no cgroup v2, or the group is not accessible from here.
 */
export function ownGroup(): string | null {
  if (process.platform !== 'linux') return null;
  try {
    const mount = cgroupMount(readFileSync('/proc/self/mountinfo', 'utf8'));
    const path = ownPath(readFileSync('/proc/self/cgroup', 'utf8'));
    return mount === null || path === null ? null : groupFolder(mount, path);
  } catch {
    return null;
  }
}

export type CgroupMount = { readonly at: string; readonly root: string };

/** Returns where cgroup v2 is mounted, and which group is the root of that mount. */
export function cgroupMount(mountinfo: string): CgroupMount | null {
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , root, at] = left.split(' ');
    if (right.startsWith('cgroup2 ') && root !== undefined && at !== undefined)
      return { root: unescaped(root), at: unescaped(at) };
  }
  return null;
}

/** Returns the path of a process's group in cgroup v2, given the content of /proc/<pid>/cgroup. */
export function ownPath(cgroup: string): string | null {
  return /^0::(\/.*)$/m.exec(cgroup)?.[1] ?? null;
}

/**
 * Returns the folder of a group; null if it is outside the mount. A container may see the path of its group but not the
 * group.
 */
export function groupFolder({ at, root }: CgroupMount, path: string): string | null {
  if (path.startsWith('/..')) return null;
  const prefix = root === '/' ? '' : root;
  if (path !== prefix && !path.startsWith(`${prefix}/`)) return null;
  return join(at, path.slice(prefix.length));
}

/** Decodes octal escapes of mountinfo, for example `\040` for a space. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/**
 * Moves this process out of the group of a run inside which it was started. A daemon or keeper must not end with a
 * run of another clip home. Returns whether the process is outside of all run groups.
 */
export function leaveRunGroup(): boolean {
  const group = ownGroup();
  const outside = group === null ? undefined : runGroup.exec(group)?.[1];
  return outside === undefined || moveInto(outside);
}

/** Moves this process with all its threads into a group. */
function moveInto(folder: string): boolean {
  try {
    writeTo(join(folder, 'cgroup.procs'), '0');
    return true;
  } catch {
    return false;
  }
}

export type RunGroups = {
  /**
   * Calls `start` while this process is in the group of the run, so that the child is born there and no process
   * escapes. Returns the group; null if the run was started without one.
   */
  readonly startIn: <T>(runId: string, start: () => T) => { readonly started: T; readonly group: string | null };
  /** Removes the group of a run that was not started or has no process left. */
  readonly remove: (runId: string) => void;
  /** Removes all empty groups, including those of dead keepers. */
  readonly close: () => void;
};

/** Prepares groups below this process's own. Returns null if it cannot create groups there or move into them. */
export function createRunGroups(keeperName: string): RunGroups | null {
  const base = ownGroup();
  if (base === null) return null;
  const top = join(base, `clip-${keeperName}`);
  removeEmptyGroups(base);
  if (!canMove(base, top)) return null;
  let usable = true;

  function startIn<T>(runId: string, start: () => T): { started: T; group: string | null } {
    const group = join(top, runId);
    if (!usable || !makeGroup(group)) return { started: start(), group: null };
    if (!moveInto(group)) {
      removeGroup(group);
      return { started: start(), group: null };
    }
    let left = false;
    try {
      const started = start();
      left = leave();
      return { started, group: left ? group : null };
    } finally {
      if (!left) leave();
    }
  }

  /**
   * Leaves the group of the run. If that fails, the keeper would be killed with the run. The run then counts as one
   * without a group, and later runs get none.
   */
  function leave(): boolean {
    usable = moveInto(base ?? '');
    return usable;
  }

  return {
    startIn,
    remove: (runId) => removeGroup(join(top, runId)),
    close() {
      removeGroup(top);
      removeEmptyGroups(base);
    },
  };
}

function canMove(base: string, top: string): boolean {
  const probe = join(top, 'probe');
  if (!makeGroup(probe)) return false;
  const moved = moveInto(probe);
  const back = !moved || moveInto(base);
  removeGroup(probe);
  return moved && back;
}

function makeGroup(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true });
    return true;
  } catch {
    return false;
  }
}

/**
 * Returns whether this is the group of this run. The run can write the record of its start, so the group in it must
 * be a real one and have the name that a keeper gave it.
 */
export function isRunGroup(runId: string, group: string): boolean {
  if (basename(group) !== runId || !keeperGroup.test(basename(dirname(group)))) return false;
  try {
    return statfsSync(group).type === cgroupFileSystem;
  } catch {
    return false;
  }
}

/** Returns the processes in a group and in the groups below it; null if there is no such group. */
export function processesInGroup(group: string): number[] | null {
  const all = groupsBelow(group);
  if (all.length === 0) return null;
  return all.flatMap((folder) => pidsIn(folder));
}

/**
 * Kills all processes in the group and below it, including ones that are being forked. Returns whether the kernel
 * supports it.
 */
export function killGroup(group: string): boolean {
  try {
    writeTo(join(group, 'cgroup.kill'), '1');
    return true;
  } catch {
    // Not supported before Linux 5.14: processes are killed one by one.
    return false;
  }
}

/** Removes a group and those below it, except groups with processes. */
export function removeGroup(group: string): void {
  // Most groups have no others below them and no processes left.
  if (removeEmptyFolder(group)) return;
  for (const folder of groupsBelow(group).reverse()) {
    removeEmptyFolder(folder);
  }
}

/** Returns false if the group is not there, or has processes or groups. */
function removeEmptyFolder(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch {
    return false;
  }
}

function removeEmptyGroups(base: string): void {
  for (const name of foldersIn(base)) if (keeperGroup.test(name)) removeGroup(join(base, name));
}

/** Returns the group and those below it, parents first; empty if it does not exist. */
function groupsBelow(group: string, depth = 0): string[] {
  if (!existsSync(join(group, 'cgroup.procs'))) return [];
  // A folder of this file system has a link for itself, one for its name, and one for each folder in it.
  if (statSync(group, { throwIfNoEntry: false })?.nlink === 2) return [group];
  return [
    group,
    ...(depth < depthMax ? foldersIn(group).flatMap((name) => groupsBelow(join(group, name), depth + 1)) : []),
  ];
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
}

/** Returns the pids in a group. Processes of other pid namespaces are listed as 0 and skipped. */
function pidsIn(folder: string): number[] {
  try {
    return readFileSync(join(folder, 'cgroup.procs'), 'latin1')
      .split('\n')
      .map(Number)
      .filter((pid) => pid > 1);
  } catch {
    return [];
  }
}

/** Writes to an existing file. Unlike writeFileSync it never creates one. */
function writeTo(path: string, text: string): void {
  const fd = openSync(path, 'r+');
  try {
    writeSync(fd, text);
  } finally {
    closeSync(fd);
  }
}
