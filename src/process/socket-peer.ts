/**
 * Finds the process at the other end of a connection to the Unix socket. Node offers no SO_PEERCRED, so the kernel's
 * socket table (`ss`, of iproute2) gives the inode of the other end, and /proc the process that holds it. Linux only.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import type { Socket } from 'node:net';
import { computeKernelMark, readKernelMark } from './kernel-mark.ts';
import { readStat } from './process-birth.ts';

/** The time for reading the kernel's table of Unix sockets, which takes some milliseconds. */
const peerMs = 2_000;
/** The size of that table. Each socket has 100 bytes. */
const peerBytesMax = 16 * 2 ** 20;

/** How far ancestors are followed. */
const ancestorsMax = 64;

/** Returns the pids of all processes that can be seen. */
export function listPids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

/**
 * Returns whether a process comes from a run with these pids, whatever mark it has given itself: by the number that the
 * kernel keeps, or by an ancestor.
 */
export function comesFromRun(pid: number, runId: string, pids: readonly number[]): boolean {
  if (readKernelMark(pid) === computeKernelMark(runId)) return true;
  for (let each = pid, depth = 0; each > 1 && depth < ancestorsMax; each = readStat(each)?.ppid ?? 0, depth += 1)
    if (pids.includes(each)) return true;
  return false;
}

/** Returns which of these processes holds the other end; null if none does, or if it is unknown. */
export async function findPeer(socket: Socket, pids: readonly number[]): Promise<number | null> {
  if (process.platform !== 'linux' || pids.length === 0) return null;
  const own = parseInode(socket);
  if (own === null) return null;
  const { execa } = await import('execa');
  const { stdout, failed } = await execa('ss', ['-xH'], {
    timeout: peerMs,
    reject: false,
    stdin: 'ignore',
    stderr: 'ignore',
    maxBuffer: peerBytesMax,
  });
  if (failed || typeof stdout !== 'string') return null;
  const peer = peerInode(stdout, own);
  if (peer === null) return null;
  return pids.find((pid) => holdsSocket(pid, peer)) ?? null;
}

/** Returns the inode of this process's end. */
function parseInode(socket: Socket): string | null {
  const { fd } = (socket as Socket & { _handle?: { fd?: number } })._handle ?? {};
  if (fd === undefined || fd < 0) return null;
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? null;
  } catch {
    return null;
  }
}

/** Returns the inode connected with this one, given the output of `ss -xH`; null if it is not listed. */
export function peerInode(table: string, inode: string): string | null {
  for (const line of table.split('\n')) {
    // u_str ESTAB 0 0 /path/of/the.sock 1234 * 1235
    const fields = line.trim().split(/\s+/);
    const [local, , peer] = fields.slice(-3);
    if (local === inode && peer !== undefined && /^[1-9]\d*$/.test(peer)) return peer;
  }
  return null;
}

function holdsSocket(pid: number, inode: string): boolean {
  const name = `socket:[${inode}]`;
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => linkTarget(`/proc/${pid}/fd/${fd}`) === name);
  } catch {
    // The process has ended, or became another user's.
    return false;
  }
}

function linkTarget(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
