/** When a process was born and on which boot: what makes a pid an identity. Knows only node:*, because the keeper uses it. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

let bootId: string | null = null;

/** Identity of this boot of the machine. */
export function systemBootId(): string {
  bootId ??= process.platform === 'linux' ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() : darwinBootId();
  return bootId;
}

/** Start time of a living process (Linux: ticks since boot; macOS: seconds since the epoch), null when there is none or it is a zombie. */
export function readStartTime(pid: number): number | null {
  if (process.platform !== 'linux') return darwinStartTime(pid);
  const stat = readStat(pid);
  return stat === null || stat.state === 'Z' || stat.state === 'X' ? null : stat.startTime;
}

/** The same for our own child that has not been reaped yet: it has a start time even if it has already ended. 0 when it cannot be told. */
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

const buffer = Buffer.allocUnsafe(4_096);

/** One line of /proc/<pid>/stat, read synchronously into one shared buffer (30 µs); null when the process is gone. */
export function readStat(pid: number): Stat | null {
  let fd: number;
  try {
    fd = openSync(`/proc/${pid}/stat`, 'r');
  } catch {
    return null;
  }
  try {
    return parseStat(buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0)));
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}

/** The name stands in brackets and may hold brackets and spaces itself, so the fields begin after the last one. Null unless whole. */
export function parseStat(line: string): Stat | null {
  const open = line.indexOf('(');
  const close = line.lastIndexOf(')');
  if (open < 0 || close < open) return null;
  // Field by field instead of split(): this runs for every process of the machine at every sweep.
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

/** Start time is field 22 (proc_pid_stat(5)); the state, field 3, is the first after the name. */
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

/** `Ss   Sun Nov 22 19:09:35 2026` → seconds since the epoch; null for a zombie or anything else. */
export function parsePsBirth(line: string): number | null {
  const match = /^(\S+)\s+(\w{3} \w{3}\s+\d+ \d\d:\d\d:\d\d \d{4})$/.exec(line.trim());
  if (!match?.[1] || !match[2] || match[1].startsWith('Z')) return null;
  const at = Date.parse(`${match[2]} UTC`);
  return Number.isNaN(at) ? null : at / 1_000;
}
