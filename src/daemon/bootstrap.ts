/** The heavy part of the start. Loaded only by the daemon that holds the lock. */
import { readConfig } from '#config/config.ts';
import { ConfigError } from '#config/config-error.ts';
import { configPath, type Home } from '#config/home.ts';
import { missingForBoot } from '#launch/autostart.ts';
import { launchKeeper, migrationsFolder } from '#launch/launch.ts';
import { wrongWithBudget } from '#protocol/budget.ts';
import { ClipError } from '#run/errors.ts';
import { asClipError, isOfDatabase, isTemporary } from '#store/database-errors.ts';
import type { DaemonProcess } from './core/core.ts';
import { createLog, describe, type LogFunction, parseLogLevel } from './core/log.ts';
import { startDaemon } from './daemon.ts';

/** EX_SOFTWARE of sysexits.h: an internal error. */
const defectExitCode = 70;

const ownProcess: DaemonProcess = {
  exit: (code) => process.exit(code),
  onStopSignal: (stop) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
  },
  launchKeeper,
};

/**
 * Logs an unexpected error whole, and ends the daemon. A temporary error of the system, such as a full disk, is no
 * defect: what it has undone is tried again, so the daemon goes on.
 */
function endAfterDefect(log: LogFunction, error: unknown): void {
  if (isTemporary(error)) return log('error', 'operation failed', { error: describe(error) });
  log('error', 'unexpected error; daemon exits', { error: describe(error) });
  // The log may be what cannot be written, for example without a free file descriptor.
  console.error(`${new Date().toISOString()} unexpected error; daemon exits: ${describe(error)}`);
  process.exit(defectExitCode);
}

export async function begin(options: { home: Home; version: string; managed: boolean }): Promise<void> {
  let level = parseLogLevel(process.env['CLIP_LOG']) ?? 'info';
  const log = createLog(options.home.log, () => level);
  // The state in memory may be wrong after a defect, so the daemon ends. The keepers hold the runs. The next daemon is started by a keeper that is busy, or by the next client.
  for (const kind of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(kind, (error: unknown) => endAfterDefect(log, error));
  const missing = missingForBoot(process.env);
  if (missing !== null) log('warn', 'autostart unit refers to missing files; run: clip boot enable', { missing });
  // The daemon's files are private, whatever umask it inherited.
  const umask = process.umask(0o077);
  try {
    const config = readConfig(configPath(process.env), wrongWithBudget);
    level = parseLogLevel(process.env['CLIP_LOG']) ?? config.log_level;
    await startDaemon({ ...options, config, migrations: migrationsFolder(), umask, log, process: ownProcess });
  } catch (error) {
    log('error', 'daemon failed to start', { error: describe(error) });
    if (error instanceof ConfigError)
      throw new ClipError('usage', error.message, 'Fix the file; docs/configuration.md has all settings.');
    // Damage to the database may surface only when the runs are read.
    throw isOfDatabase(error) ? asClipError(error, options.home.database) : error;
  }
}
