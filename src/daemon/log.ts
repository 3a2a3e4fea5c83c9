/** daemon.log: JSON lines, rotated. Never environment values, never prompts. */
import { appendFileSync, renameSync, statSync } from 'node:fs';

const bytesMax = 5 * 2 ** 20;

export type Log = (level: 'info' | 'warn' | 'error', message: string, facts?: Readonly<Record<string, unknown>>) => void;

export function createLog(path: string): Log {
  let bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return (level, message, facts = {}) => {
    const line = `${JSON.stringify({ at: new Date().toISOString(), level, pid: process.pid, message, ...facts })}\n`;
    try {
      if (bytes + line.length > bytesMax) {
        renameSync(path, `${path}.1`);
        bytes = 0;
      }
      appendFileSync(path, line, { mode: 0o600 });
      bytes += line.length;
    } catch {
      // A full disk must not stop the supervision; the next line may fit again.
    }
  };
}

/** An error in a form fit for the log: its stack, and the cause below it. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `; caused by ${describe(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
