/** Writes daemon.log: JSON lines, rotated. It must never contain environment values or prompts. */
import { appendFileSync, renameSync, statSync } from 'node:fs';
import { jsonText } from '#run/cut-text.ts';

const bytesMax = 5 * 2 ** 20;

/** From the fewest lines to the most: each level includes those before it. */
export const logLevels = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFunction = (level: LogLevel, message: string, facts?: Readonly<Record<string, unknown>>) => void;

/** Returns a log that drops lines above `level()`. */
export function createLog(path: string, level: () => LogLevel): LogFunction {
  let bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return (lineLevel, message, facts = {}) => {
    if (logLevels.indexOf(lineLevel) > logLevels.indexOf(level())) return;
    const line = `${jsonText({ at: new Date().toISOString(), level: lineLevel, pid: process.pid, message, ...facts })}\n`;
    try {
      if (bytes + line.length > bytesMax) {
        renameSync(path, `${path}.1`);
        bytes = 0;
      }
      appendFileSync(path, line, { mode: 0o600 });
      bytes += line.length;
    } catch {
      // A full disk must not stop the supervision. The next line may succeed.
    }
  };
}

/** Returns a log whose lines name a component of the daemon. */
export function logOf(log: LogFunction, component: string): LogFunction {
  return (level, message, facts) => log(level, message, { component, ...facts });
}

/** Returns the level with this name, or null. */
export function parseLogLevel(name: string | undefined): LogLevel | null {
  return logLevels.find((level) => level === name) ?? null;
}

/** Returns the stack of an error, followed by that of its cause. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `; caused by ${describe(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
