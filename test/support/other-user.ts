/** Another user of this machine. Only root can become one: tests that need it are skipped elsewhere. */
import { execFileSync } from 'node:child_process';

export const root = process.getuid?.() === 0;
export const otherUid = 65_534;

/** Runs this program as the other user and returns its output. */
export function asOtherUser(source: string, args: readonly string[]): string {
  const who = ['--reuid', String(otherUid), '--regid', String(otherUid), '--clear-groups'];
  return execFileSync('setpriv', [...who, process.execPath, '-e', source, ...args], {
    cwd: '/',
    encoding: 'utf8',
  }).trim();
}
