/** Lists the processes of this user that are younger than a given moment, each with its run mark. */
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { markVariable, roleVariable } from '#run/leader.ts';
import { readRunGroup } from './cgroup.ts';
import { readProcFile } from './proc-file.ts';
import { currentTick, readStat, type Stat } from './process-birth.ts';
import type { Environment, ProcessRow, ProcessTable, Query } from './process-info.ts';
import { listDarwinProcesses } from './process-table-darwin.ts';

/** Returns the processes of this user that are younger than the moment of the query. */
export function listProcesses(query: Query): ProcessTable {
  return process.platform === 'linux' ? listLinuxProcesses(query) : listDarwinProcesses(query);
}

/**
 * Reads the process table synchronously into one shared buffer: 2,000 processes take about 30 ms, a ninth of the time
 * of asynchronous reads. Only environments of this user's young processes are opened: others may hold secrets, and
 * members among them are identified by other signs (run-processes.ts). The newest processes come first, because those
 * that keep forking and exiting are soon gone. If a process has gone before it was read, the processes that are new
 * since then are read at once: a child that it has left is among them.
 */
function listLinuxProcesses(query: Query): ProcessTable {
  const rows: ProcessRow[] = [];
  const uid = process.getuid?.() ?? -1;
  const known = new Set<number>(query.except);
  let vanished = 0;
  const oldBefore = query.known === undefined ? 0 : currentTick() - settledTicks;
  for (let look = 0; look === 0 || (vanished > 0 && look <= furtherLooksMax); look += 1) {
    vanished = 0;
    for (const pid of newestFirst(readdirSync('/proc'), known)) {
      known.add(pid);
      const row = readRow(pid, uid, query, oldBefore);
      if (row === 'vanished') vanished += 1;
      else if (row !== null) {
        rows.push(row);
        query.onRow?.(row);
        // Its signs may have been read too late.
        if (query.known === undefined && isGone(readStat(pid))) vanished += 1;
      }
    }
    if (query.known !== undefined) break;
  }
  for (const pid of query.known?.keys() ?? []) if (!known.has(pid)) query.known?.delete(pid);
  return { rows, showsEnvironments: true, processes: known.size - query.except.size, vanished };
}

/** The age from which a process has the environment that it keeps: it has become the program that it was started as. */
const settledTicks = 500;

/** Looks for the children of processes that have gone, each some tenths of a millisecond after the one before. */
const furtherLooksMax = 20;

/** Ticks for which a process that was not reaped counts as one that has just gone. */
const goneTicks = 100;

/** Returns whether a process has gone. One that its parent reaps late may have left a child a moment ago. */
function isGone(stat: ReturnType<typeof readStat>): boolean {
  if (stat === null) return true;
  return (stat.state === 'Z' || stat.state === 'X') && currentTick() - stat.startTime <= goneTicks;
}

/** Returns the row of a process; null if it is of no interest, and `vanished` if it has gone. */
function readRow(
  pid: number,
  uid: number,
  { bornAfter, marksOnly, known }: Query,
  oldBefore: number,
): ProcessRow | 'vanished' | null {
  // The read that excludes more processes comes first.
  const early = marksOnly ? readEnvironment(pid, uid) : null;
  if (early !== null && early.mark === null) return null;
  const stat = readStat(pid);
  if (stat === null || isGone(stat)) return 'vanished';
  if (stat.state === 'Z' || stat.state === 'X' || stat.startTime < bornAfter) return null;
  const before = known?.get(pid);
  if (before?.startTime === stat.startTime) return { ...toRow(pid, stat, before), group: before.group };
  const read = early ?? readEnvironment(pid, uid);
  const environment = { ...read, isOurs: read.isOurs && isProgramOfOurs(pid) };
  if (known === undefined) return toRow(pid, stat, environment);
  const group = readRunGroup(pid);
  if (stat.startTime < oldBefore) known.set(pid, { ...environment, startTime: stat.startTime, group });
  return { ...toRow(pid, stat, environment), group };
}

function toRow(pid: number, stat: Stat, { mark, isOurs, hidden }: Environment): ProcessRow {
  const { ppid, pgid, session, startTime, command } = stat;
  return { pid, ppid, pgid, session, startTime, command, mark, ours: isOurs, hidden };
}

function newestFirst(names: readonly string[], except: ReadonlySet<number>): number[] {
  const pids = names.map(Number).filter((pid) => pid > 1 && !except.has(pid));
  return pids.sort((a, b) => b - a);
}

let buffer = Buffer.allocUnsafe(256 * 1024);
const markPrefix = Buffer.from(`${markVariable}=`);
const rolePrefix = Buffer.from(`${roleVariable}=`);

/** Another user's process, or one that has just ended. */
const nothing: Environment = { mark: null, isOurs: false, hidden: false };
const hiding: Environment = { ...nothing, hidden: true };

function readEnvironment(pid: number, uid: number): Environment {
  let fd: number;
  try {
    fd = openSync(`/proc/${pid}/environ`, 'r');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ESRCH' || readOwner(pid) !== uid ? nothing : hiding;
  }
  try {
    // Root may read the environments of all users, but must use only its own.
    if (uid === 0 && fstatSync(fd).uid !== 0) return nothing;
    let length = readSync(fd, buffer, 0, buffer.length, null);
    // procfs returns everything at once. Only a full buffer may mean that there is more.
    while (length === buffer.length) {
      buffer = Buffer.concat([buffer], buffer.length * 2);
      length += readSync(fd, buffer, length, buffer.length - length, null);
    }
    const environment = buffer.subarray(0, length);
    return {
      mark: variableIn(environment, markPrefix),
      isOurs: variableIn(environment, rolePrefix) !== null,
      hidden: false,
    };
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' ? nothing : hiding;
  } finally {
    closeSync(fd);
  }
}

/**
 * Returns whether the process runs a daemon or keeper. A variable alone is easily set, and would hide a process from
 * every scan.
 */
function isProgramOfOurs(pid: number): boolean {
  try {
    return runsProgramOfOurs(readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0'));
  } catch {
    return false;
  }
}

/** Returns whether this command line is that of a daemon or a keeper. */
export function runsProgramOfOurs(argv: readonly string[]): boolean {
  return argv.slice(1).some((word) => ownPrograms.test(word));
}

/** Matches the programs of every version of clip. */
const ownPrograms = /(?:^|\/)bin\/clip(?:d|-keeper)\.js$/;

function readOwner(pid: number): number | null {
  const text = readProcFile(pid, 'status', 'latin1');
  return text === null ? null : Number(/^Uid:\s+(\d+)/m.exec(text)?.[1] ?? Number.NaN);
}

/** Returns the value of a variable; null if empty, because an empty mark matches nothing. */
function variableIn(environment: Buffer, prefix: Buffer): string | null {
  for (let from = 0; ; ) {
    const at = environment.indexOf(prefix, from);
    if (at < 0) return null;
    if (at === 0 || environment[at - 1] === 0) {
      const end = environment.indexOf(0, at);
      return environment.toString('latin1', at + prefix.length, end < 0 ? environment.length : end) || null;
    }
    from = at + prefix.length;
  }
}
