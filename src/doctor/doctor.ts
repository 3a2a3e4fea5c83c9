/** Checks the invariants of a home from outside. It works while the daemon is alive, dead or damaged. */

import { existsSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { type AmountCheck, readConfig } from '#config/config.ts';
import { ConfigError } from '#config/config-error.ts';
import { configPath, type Home, validateHome } from '#config/home.ts';
import type { Config } from '#config/settings.ts';
import { findForgotten } from '#process/forgotten-folders.ts';
import { toolVersion } from '#process/helper-command.ts';
import { findRunProcesses } from '#process/run-processes.ts';
import { ClipError } from '#run/errors.ts';
import type { Containment } from '#run/leader.ts';
import { limits } from '#run/limits.ts';
import { isEnded } from '#run/run.ts';
import { isRunId } from '#run/run-id.ts';
import { readMeta } from '#store/meta.ts';
import { type OpenDatabase, openReadOnly } from '#store/open.ts';
import { createRunStore } from '#store/runs.ts';
import type { Check } from './check.ts';
import { checkBoot } from './check-autostart.ts';
import { checkHooks } from './check-hooks.ts';
import { checkLogs } from './check-logs.ts';
import { openToOthers } from './file-modes.ts';
import { fix } from './fix.ts';

/** What the daemon reports about itself. Null when it does not answer. */
export type DaemonSays = {
  readonly pid: number;
  readonly version: string;
  readonly keepers: readonly KeeperSays[];
  readonly trouble?: { readonly code: string; readonly message: string; readonly hint: string | null } | null;
} | null;

type KeeperSays = {
  readonly pid: number;
  readonly runs: number;
  readonly answers?: boolean;
  readonly containment?: Containment;
  readonly kernelMark?: boolean;
};

const familiesMax = 2_000;
/** Far above the normal size of the write-ahead log (store/open.ts). */
const changesBytesMax = 64 * 2 ** 20;

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

function ok(name: string, says: string): Check {
  return { name, state: 'ok', says, todo: null };
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

function checkSocket(home: Home): Check {
  if (!existsSync(home.socket)) return ok('daemon', 'does not run; the next run starts it');
  return {
    name: 'daemon',
    state: 'warning',
    says: `does not answer, but its socket ${home.socket} is there`,
    todo: 'The next run starts it and replaces the socket.',
  };
}

function checkKeepers({ keepers }: NonNullable<DaemonSays>): Check {
  if (keepers.length === 0)
    return {
      name: 'keeper',
      state: 'warning',
      says: 'none is there',
      todo: 'One is started for the next run; if not, see clip daemon logs.',
    };
  const silent = keepers.filter(({ answers }) => answers === false);
  if (silent.length > 0)
    return {
      name: 'keeper',
      state: 'warning',
      says: `pid ${silent.map(({ pid }) => pid).join(', ')} does not answer; its runs go on, new ones go to another`,
      todo: `If it was stopped, continue it: kill -CONT ${silent.map(({ pid }) => pid).join(' ')}`,
    };
  return ok('keeper', keepers.map(({ pid, runs }) => `pid ${pid} with ${runs} runs`).join(', '));
}

/** Reports how the processes of new runs are identified, from the keepers that accept new runs. */
function checkContainment({ keepers }: NonNullable<DaemonSays>): Check[] {
  const [keeper] = keepers.filter(({ containment }) => containment !== undefined).slice(-1);
  if (keeper === undefined) return [];
  if (keeper.containment === 'cgroup') return [ok('containment', 'each run is in a control group of its own')];
  if (keeper.kernelMark)
    return [
      ok('containment', 'by marks, one of which the kernel keeps; docs/RELIABILITY.md says what can hide from them'),
    ];
  if (process.platform !== 'linux')
    return [ok('containment', 'by marks; docs/RELIABILITY.md says what can hide from them')];
  return [
    {
      name: 'containment',
      state: 'warning',
      says: 'by marks that a process can take off: a program that writes over its environment as a daemon is not found',
      todo: 'Install prlimit (util-linux), or start the daemon where it may make control groups: in a session with lingering (loginctl enable-linger).',
    },
  ];
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

function checkDatabase(home: Home, daemon: DaemonSays, config: Config | null): Check[] {
  const folders = existsSync(home.runs) ? readdirSync(home.runs).filter(isRunId) : [];
  const size = statSync(home.database, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0)
    return [
      folders.length === 0
        ? ok('database', 'is not there yet')
        : damaged(`is missing or empty, but there are runs in ${home.runs}`, daemon),
    ];
  let opened: OpenDatabase | null = null;
  try {
    opened = openReadOnly(home.database);
    const [answer] = opened.sqlite.pragma('quick_check(1)', { simple: false }) as { quick_check: string }[];
    if (answer?.quick_check !== 'ok') return [damaged(answer?.quick_check ?? 'gives no answer', daemon)];
    const store = createRunStore(opened.db);
    const lost = findForgotten(home.runs, folders, store);
    if (lost.length > 0)
      return [
        damaged(`knows nothing of ${lost.length} runs that were started (${lost.slice(0, 3).join(', ')})`, daemon),
      ];
    const changes = checkChanges(home);
    const logs = config === null ? [] : [checkLogs(opened.db, config.logs, Date.now())];
    return [
      ok('database', `${store.total()} runs, ${Math.ceil(statSync(home.database).size / 2 ** 20)} MiB`),
      checkLeaks(store, daemon),
      ...changes,
      ...logs,
    ];
  } catch (error) {
    return [damaged(error instanceof ClipError || error instanceof Error ? error.message : String(error), daemon)];
  } finally {
    opened?.close();
  }
}

/** Checks the size of the write-ahead log. It shrinks when nothing reads it, so a large one has a reader that never finishes. */
function checkChanges({ database }: Home): Check[] {
  const size = statSync(`${database}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  if (size < changesBytesMax) return [];
  const says = `its log of changes, clip.db-wal, has ${Math.floor(size / 2 ** 20)} MiB: another program has been reading the database for long`;
  return [{ name: 'database', state: 'warning', says, todo: 'End that program (fuser clip.db shows it).' }];
}

/** Reads single values. Returns none when the database cannot be read. */
function readMetaOf(home: Home): (key: string) => string | null {
  return (key) => {
    let opened: OpenDatabase | null = null;
    try {
      opened = openReadOnly(home.database);
      return readMeta(opened.db, key);
    } catch {
      return null;
    } finally {
      opened?.close();
    }
  };
}

function damaged(says: string, daemon: DaemonSays): Check {
  const first = daemon === null ? '' : 'clip daemon stop (the runs live on), then ';
  return {
    name: 'database',
    state: 'broken',
    says,
    todo: `${first}clip doctor --fix: a new one is made of what can be read and of the folders of the runs.`,
  };
}

/** Finds processes that carry the mark of an ended run. */
function checkLeaks(store: ReturnType<typeof createRunStore>, daemon: DaemonSays): Check {
  const ended = store.page({}, { before: null, limit: familiesMax }).runs.filter(({ state }) => isEnded(state));
  const except = new Set([process.pid, ...(daemon ? [daemon.pid, ...daemon.keepers.map(({ pid }) => pid)] : [])]);
  const { members } = findRunProcesses(
    ended.map(({ id, state }) => ({ runId: id, leader: isEnded(state) ? state.leader : null })),
    { except },
  );
  const leaked = ended.flatMap(({ number, id, spec }) =>
    spec.leftovers === 'leave'
      ? []
      : (members.get(id) ?? []).map(({ pid, command }) => `${command} (pid ${pid}, run ${number})`),
  );
  if (leaked.length === 0) return ok('leftovers', 'no process of an ended run is alive');
  return {
    name: 'leftovers',
    state: 'warning',
    says: leaked.slice(0, 5).join(', '),
    todo: 'They were left on purpose, or could not be ended: look at them and end them by pid.',
  };
}

async function checkAgent(name: string): Promise<Check> {
  const version = await toolVersion(name);
  return version === null ? { name, state: 'absent', says: 'is not on the PATH', todo: null } : ok(name, version);
}
