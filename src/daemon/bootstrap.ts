/** The heavy part of the start. Loaded only by the daemon that holds the lock. */
import { readConfig } from '#config/config.ts';
import { ConfigError } from '#config/config-error.ts';
import { configPath, type Home } from '#config/home.ts';
import { missingForBoot } from '#launch/autostart.ts';
import { migrationsFolder } from '#launch/launch.ts';
import { wrongWithBudget } from '#protocol/budget.ts';
import { ClipError } from '#run/errors.ts';
import { asClipError, isOfDatabase } from '#store/errors.ts';
import { createLog, describe, parseLogLevel } from './core/log.ts';
import { startDaemon } from './daemon.ts';

export async function begin(options: { home: Home; version: string; managed: boolean }): Promise<void> {
  let level = parseLogLevel(process.env['CLIP_LOG']) ?? 'info';
  const log = createLog(options.home.log, () => level);
  // An error in one turn of the event loop must not end the supervision of every run.
  process.on('uncaughtException', (error) => log('error', 'uncaught exception', { error: describe(error) }));
  process.on('unhandledRejection', (error) => log('error', 'unhandled rejection', { error: describe(error) }));
  const missing = missingForBoot(process.env);
  if (missing !== null) log('warn', 'autostart unit refers to missing files; run: clip boot enable', { missing });
  // The daemon's files are private, whatever umask it inherited.
  const umask = process.umask(0o077);
  try {
    const config = readConfig(configPath(process.env), wrongWithBudget);
    level = parseLogLevel(process.env['CLIP_LOG']) ?? config.log_level;
    await startDaemon({ ...options, config, migrations: migrationsFolder(), umask, log });
  } catch (error) {
    log('error', 'daemon failed to start', { error: describe(error) });
    if (error instanceof ConfigError)
      throw new ClipError('usage', error.message, 'Fix the file; docs/configuration.md has all settings.');
    // Damage to the database may surface only when the runs are read.
    throw isOfDatabase(error) ? asClipError(error, options.home.database) : error;
  }
}
