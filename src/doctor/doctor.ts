/** Checks the invariants of a home from outside. It works while the daemon is alive, dead or damaged. */

import { existsSync, statfsSync, statSync } from 'node:fs';
import { type AmountCheck, readConfig } from '#config/config.ts';
import { ConfigError } from '#config/config-error.ts';
import { configPath, type Home, validateHome } from '#config/home.ts';
import type { Config } from '#config/settings.ts';
import { toolVersion } from '#process/helper-command.ts';
import { limits } from '#run/limits.ts';
import { type Check, ok } from './check.ts';
import { checkBoot } from './check-autostart.ts';
import { checkContainment, checkKeepers, checkSocket, type DaemonSays } from './check-daemon.ts';
import { checkDatabase, readMetaOf } from './check-database.ts';
import { checkHooks } from './check-hooks.ts';
import { openToOthers } from './file-modes.ts';
import { fix } from './fix.ts';

type Options = {
  readonly home: Home;
  readonly env: NodeJS.ProcessEnv;
  readonly version: string;
  /** The migrations of this version. A new database is created with them. */
  readonly migrations: string;
  readonly askDaemon: () => Promise<DaemonSays>;
  readonly wrongWithBudget: AmountCheck;
  /** Repairs what can be repaired safely before the checks. */
  readonly fix: boolean;
};

/** Checks a home and returns the results, and first what was repaired when that was asked for. */
export async function doctor(options: Options): Promise<{ fixed: readonly string[]; checks: readonly Check[] }> {
  const usable = options.fix && validateHome(options.home) === null;
  const fixed = usable ? await fix({ ...options, daemonAnswers: (await options.askDaemon()) !== null }) : [];
  return { fixed, checks: await examine(options) };
}

async function examine(options: Options): Promise<Check[]> {
  const { home } = options;
  const checks: Check[] = [checkNode(), checkHome(home)];
  if (!existsSync(home.folder))
    return [...checks, ok('home', `${home.folder} does not exist yet; the first run makes it`)];
  checks.push(...checkModes(home), checkConfig(options.env, options.wrongWithBudget));
  const daemon = await options.askDaemon();
  checks.push(daemon ? ok('daemon', `runs: pid ${daemon.pid}, clip ${daemon.version}`) : checkSocket(home));
  if (daemon) checks.push(checkKeepers(daemon), ...checkContainment(daemon));
  checks.push(checkDisk(home, daemon));
  const config = readConfigOrDefaults(options);
  checks.push(...checkDatabase(home, daemon, config));
  if (config !== null)
    checks.push(...checkHooks(config, options.env['PATH'] ?? '', { folder: home.folder, readMeta: readMetaOf(home) }));
  checks.push(await checkBoot(options.env));
  checks.push(...(await Promise.all(['claude', 'codex', 'gemini', 'opencode'].map(checkAgent))));
  return checks;
}

function checkNode(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const good = major > 22 || (major === 22 && minor >= 12);
  return good
    ? ok('node', `${process.versions.node}, ${process.execPath}`)
    : { name: 'node', state: 'broken', says: `is ${process.versions.node}`, todo: 'Use Node 22.12 or newer.' };
}

function checkHome(home: Home): Check {
  const trouble = validateHome(home);
  return trouble
    ? { name: 'home', state: 'broken', says: trouble.sentence, todo: trouble.hint }
    : ok('home', home.folder);
}

function checkModes(home: Home): Check[] {
  const open = openToOthers(home);
  if (open.length === 0) return [ok('modes', 'only you can read what is there')];
  return [
    {
      name: 'modes',
      state: 'broken',
      says: `others may use ${open.slice(0, 3).join(', ')}${open.length > 3 ? ` and ${open.length - 3} more` : ''}`,
      todo: 'clip doctor --fix closes them.',
    },
  ];
}

function checkConfig(env: NodeJS.ProcessEnv, wrongWithBudget: AmountCheck): Check {
  try {
    const path = configPath(env);
    readConfig(path, wrongWithBudget);
    const open = statSync(path, { throwIfNoEntry: false });
    // Any user with write access could make the daemon run their programs.
    if (open !== undefined && (open.mode & 0o022) !== 0)
      return { name: 'config', state: 'warning', says: `others may write ${path}`, todo: `chmod go-w ${path}` };
    return ok('config', open === undefined ? 'defaults' : path);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { name: 'config', state: 'broken', says: error.message, todo: 'Fix the file.' };
  }
}

/** Returns null when the file cannot be read. `checkConfig` reports the reason. */
function readConfigOrDefaults({
  env,
  wrongWithBudget,
}: {
  env: NodeJS.ProcessEnv;
  wrongWithBudget: AmountCheck;
}): Config | null {
  try {
    return readConfig(configPath(env), wrongWithBudget);
  } catch {
    return null;
  }
}

function checkDisk(home: Home, daemon: DaemonSays): Check {
  const { bavail, bsize } = statfsSync(home.folder);
  const free = `${Math.floor((bavail * bsize) / 2 ** 20)} MiB are free`;
  if (daemon?.trouble?.code === 'disk_full')
    return { name: 'disk', state: 'broken', says: `${daemon.trouble.message} (${free})`, todo: daemon.trouble.hint };
  if (bavail * bsize >= limits.freeBytesMin) return ok('disk', free);
  return {
    name: 'disk',
    state: 'broken',
    says: `is full: ${free}`,
    todo: 'Free some space: no run is admitted or started before.',
  };
}

async function checkAgent(name: string): Promise<Check> {
  const version = await toolVersion(name);
  return version === null ? { name, state: 'absent', says: 'is not on the PATH', todo: null } : ok(name, version);
}
