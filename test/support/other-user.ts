/** Another user of this machine. Only root can play one: tests that need it say so and are skipped elsewhere. */
import { execFileSync } from 'node:child_process';

export const root = process.getuid?.() === 0;
export const nobody = 65_534;

/** Runs this program as the other user, and gives what it printed. */
export function asNobody(source: string, args: readonly string[]): string {
  const who = ['--reuid', String(nobody), '--regid', String(nobody), '--clear-groups'];
  return execFileSync('setpriv', [...who, process.execPath, '-e', source, ...args], {
    cwd: '/',
    encoding: 'utf8',
  }).trim();
}
