/**
 * Start time and boot of a process, which make a pid an identity. This module uses little more than node:*,
 * because the keeper loads it.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { readProcFile } from './proc-file.ts';

let bootId: string | null = null;

/** Returns the id of this boot of the machine. */
export function systemBootId(): string {
  bootId ??=
    process.platform === 'linux' ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() : darwinBootId();
  return bootId;
}

let namespace: string | null | undefined;

/**
 * Returns the pid namespace of this process, for example `pid:[4026531836]`. A pid means nothing in another one. Null
 * if the system has none.
 */
export function pidNamespace(): string | null {
  if (namespace === undefined) {
    try {
      namespace = readlinkSync('/proc/self/ns/pid');
    } catch {
      namespace = null;
    }
  }
  return namespace;
}

/** Returns the current time in the unit of start times. */
export function currentTick(): number {
  if (process.platform !== 'linux') return Math.floor(Date.now() / 1_000);
  return parseUptime(readFileSync('/proc/uptime', 'latin1'));
}

/** Returns the ticks in the content of /proc/uptime. It has two decimals, whose product with 100 may lie just below the whole number. */
export function parseUptime(content: string): number {
  return Math.round(Number(content.split(' ')[0]) * ticksPerSecond);
}

/** The unit of /proc/<pid>/stat (USER_HZ): 100 on all machines that Node supports. */
export const ticksPerSecond = 100;

/**
 * Returns the start time of a live process (Linux: ticks since boot; macOS: seconds since the epoch); null if there is
 * none or it is a zombie.
 */
export function readStartTime(pid: number): number | null {
  if (process.platform !== 'linux') return darwinStartTime(pid);
  const stat = readStat(pid);
  return stat === null || stat.state === 'Z' || stat.state === 'X' ? null : stat.startTime;
}

/** Returns the start time of a child that is not reaped yet, even if it has already ended; 0 if unknown. */
export function readStartTimeOfChild(pid: number): number {
  return (process.platform === 'linux' ? readStat(pid)?.startTime : readStartTime(pid)) ?? 0;
}

export type Stat = {
  readonly state: string;
  readonly ppid: number;
  readonly pgid: number;
  readonly session: number;
  readonly startTime: number;
  readonly command: string;
};

/** Returns the exit status of a zombie, whose parent has not reaped it; null for any other process. */
export function readZombie({ pid, startTime }: { readonly pid: number; readonly startTime: number }): Zombie | null {
  if (process.platform !== 'linux') return null;
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const stat = parseStat(line);
    if (stat === null || stat.state !== 'Z' || stat.startTime !== startTime) return null;
    return { ...endOfStatus(Number(line.trimEnd().split(' ').at(-1))), tick: currentTick() };
  } catch {
    return null;
  }
}

export type Zombie = { readonly code: number | null; readonly signal: string | null; readonly tick: number };

/** Decodes the status of wait(2), the last field of the line, which is shown to the same user. */
function endOfStatus(status: number): { code: number | null; signal: string | null } {
  const number = status & 0x7f;
  if (number === 0) return { code: (status >> 8) & 0xff, signal: null };
  const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return { code: null, signal: name ?? 'SIGKILL' };
}

/** Returns the parsed line of /proc/<pid>/stat; null if the process has ended. */
export function readStat(pid: number): Stat | null {
  const line = readProcFile(pid, 'stat', 'utf8');
  return line === null ? null : parseStat(line);
}

/**
 * Parses a line of /proc/<pid>/stat; null if incomplete. The name is in parentheses and may contain parentheses and
 * spaces, so the fields begin after the last one.
 */
export function parseStat(line: string): Stat | null {
  const open = line.indexOf('(');
  const close = line.lastIndexOf(')');
  if (open < 0 || close < open) return null;
  // Field by field instead of split(), because this runs for every process of the machine in every scan.
  let at = close + 2;
  const next = (): string => {
    const end = line.indexOf(' ', at);
    const field = line.slice(at, end < 0 ? undefined : end);
    at = end < 0 ? line.length : end + 1;
    return field;
  };
  const state = next();
  const ppid = Number(next());
  const pgid = Number(next());
  const session = Number(next());
  for (let skipped = 7; skipped < fieldsBeforeStart; skipped += 1) next();
  const startTime = next();
  if (state === '' || !/^\d+$/.test(startTime)) return null;
  return { state, ppid, pgid, session, startTime: Number(startTime), command: line.slice(open + 1, close) };
}

/** The start time is field 22 (proc_pid_stat(5)). The state, field 3, is the first after the name. */
const fieldsBeforeStart = 22;

function darwinBootId(): string {
  return execFileSync('sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8', timeout: 5_000 }).trim();
}

function darwinStartTime(pid: number): number | null {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      timeout: 5_000,
      env: { PATH: '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' },
    }).trim();
    return parsePsBirth(line);
  } catch {
    return null;
  }
}

/**
 * Parses a line such as `Ss   Sun Nov 22 19:09:35 2026` to seconds since the epoch; null for a zombie or anything else.
 */
export function parsePsBirth(line: string): number | null {
  const match = /^(\S+)\s+(\w{3} \w{3}\s+\d+ \d\d:\d\d:\d\d \d{4})$/.exec(line.trim());
  if (!match?.[1] || !match[2] || match[1].startsWith('Z')) return null;
  const at = Date.parse(`${match[2]} UTC`);
  return Number.isNaN(at) ? null : at / 1_000;
}
