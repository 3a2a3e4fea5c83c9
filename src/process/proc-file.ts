/** Reads the small files of /proc/<pid>. This module uses only node:*, because the keeper loads it. */
import { closeSync, openSync, readSync } from 'node:fs';

const buffer = Buffer.allocUnsafe(4_096);

/**
 * Returns the first 4 KiB of /proc/<pid>/<name>, read synchronously into one shared buffer (30 µs). Returns null when
 * the process has ended or may not be read.
 */
export function readProcFile(pid: number, name: string, encoding: 'utf8' | 'latin1'): string | null {
  let fd: number;
  try {
    fd = openSync(`/proc/${pid}/${name}`, 'r');
  } catch {
    return null;
  }
  try {
    return buffer.toString(encoding, 0, readSync(fd, buffer, 0, buffer.length, 0));
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}
