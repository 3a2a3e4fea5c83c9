/** The heavy part of the start, loaded only by the daemon that holds the lock. */
import { readConfig } from '../config/config.ts';
import { ConfigError } from '../config/config-error.ts';
import { configPath, type Home } from '../config/home.ts';
import { missingForBoot } from '../launch/boot.ts';
import { migrationsFolder } from '../launch/launch.ts';
import { wrongWithBudget } from '../protocol/budget.ts';
import { ClipError } from '../run/errors.ts';
import { asClipError, isOfDatabase } from '../store/trouble.ts';
import { createLog, describe } from './log.ts';
import { startDaemon } from './main.ts';

export async function begin(options: { home: Home; version: string; managed: boolean }): Promise<void> {
  const log = createLog(options.home.log);
  // A bug in one turn must not end the supervision of everything else.
  process.on('uncaughtException', (error) => log('error', 'a bug', { error: describe(error) }));
  process.on('unhandledRejection', (error) => log('error', 'a bug', { error: describe(error) }));
  const missing = missingForBoot(process.env);
  if (missing !== null) log('warn', 'the unit that starts the daemon at login names what is not there; clip boot enable mends it', { missing });
  // Whatever the umask of whoever started us: our files are ours alone.
  const umask = process.umask(0o077);
  try {
    await startDaemon({ ...options, config: readConfig(configPath(process.env), wrongWithBudget), migrations: migrationsFolder(), umask, log });
  } catch (error) {
    log('error', 'the daemon could not start', { error: describe(error) });
    if (error instanceof ConfigError) throw new ClipError('usage', error.message, 'Mend the file; docs/configuration.md has all settings.');
    // Damage may show itself only when the runs are read.
    throw isOfDatabase(error) ? asClipError(error, options.home.database) : error;
  }
}
