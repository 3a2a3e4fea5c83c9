/** The heavy part of the start, loaded only by the daemon that holds the lock. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError, configPath, readConfig } from '../config/config.ts';
import type { Home } from '../config/home.ts';
import { wrongWithBudget } from '../protocol/budget.ts';
import { ClipError } from '../run/errors.ts';
import { createLog, describe } from './log.ts';
import { startDaemon } from './main.ts';

export async function begin(options: { home: Home; version: string; managed: boolean }): Promise<void> {
  const log = createLog(options.home.log);
  // A bug in one turn must not end the supervision of everything else.
  process.on('uncaughtException', (error) => log('error', 'a bug', { error: describe(error) }));
  process.on('unhandledRejection', (error) => log('error', 'a bug', { error: describe(error) }));
  // Whatever the umask of whoever started us: our files are ours alone.
  const umask = process.umask(0o077);
  try {
    const migrations = join(dirname(dirname(fileURLToPath(import.meta.url))), 'migrations');
    await startDaemon({ ...options, config: readConfig(configPath(process.env), wrongWithBudget), migrations, umask, log });
  } catch (error) {
    log('error', 'the daemon could not start', { error: describe(error) });
    throw error instanceof ConfigError ? new ClipError('usage', error.message, 'Mend the file; README.md lists the settings.') : error;
  }
}
