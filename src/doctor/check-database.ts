/** Checks the database: whether it can be read, knows all runs and is not kept from shrinking. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import type { Home } from '#config/home.ts';
import type { Config } from '#config/settings.ts';
import { findForgotten } from '#process/forgotten-folders.ts';
import { findRunProcesses } from '#process/run-processes.ts';
import { isEnded } from '#run/run.ts';
import { isRunId } from '#run/run-id.ts';
import { readMeta } from '#store/meta.ts';
import { type OpenDatabase, openReadOnly } from '#store/open.ts';
import { RunStore } from '#store/runs.ts';
import { findUsageDrift } from '#store/usage-check.ts';
import { type Check, ok } from './check.ts';
import type { DaemonSays } from './check-daemon.ts';
import { checkLogs } from './check-logs.ts';

/** Ended runs, the newest first, that are searched for processes that are still alive. */
const familiesMax = 2_000;
/** Far above the normal size of the write-ahead log (store/open.ts). */
const changesBytesMax = 64 * 2 ** 20;

/**
 * Checks the database, the leftovers of the runs in it, and its logs. `config`: null when the settings cannot be read.
 */
export function checkDatabase(home: Home, daemon: DaemonSays, config: Config | null): Check[] {
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
    const store = new RunStore(opened.db);
    const lost = findForgotten(home.runs, folders, store);
    if (lost.length > 0)
      return [
        damaged(`knows nothing of ${lost.length} runs that were started (${lost.slice(0, 3).join(', ')})`, daemon),
      ];
    const changes = checkChanges(home);
    const logs = config === null ? [] : [checkLogs(opened.db, config.logs, Date.now())];
    return [
      ok('database', `${store.total()} runs, ${Math.ceil(statSync(home.database).size / 2 ** 20)} MiB`),
      ...checkSums(opened, daemon),
      checkLeaks(store, daemon),
      ...changes,
      ...logs,
    ];
  } catch (error) {
    return [damaged(error instanceof Error ? error.message : String(error), daemon)];
  } finally {
    opened?.close();
  }
}

/**
 * Checks the size of the write-ahead log. It shrinks when nothing reads it, so a large one has a reader that never
 * finishes.
 */
function checkChanges({ database }: Home): Check[] {
  const size = statSync(`${database}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  if (size < changesBytesMax) return [];
  const log = `its log of changes, clip.db-wal, has ${Math.floor(size / 2 ** 20)} MiB`;
  const says = `${log}: another program has been reading the database for long`;
  return [{ name: 'database', state: 'warning', says, todo: 'End that program (fuser clip.db shows it).' }];
}

/** Reads single values. Returns none when the database cannot be read. */
export function readMetaOf(home: Home): (key: string) => string | null {
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

/** Checks the sums of what runs have used, which budgets and the ledger read. */
function checkSums({ sqlite }: OpenDatabase, daemon: DaemonSays): Check[] {
  const drift = findUsageDrift(sqlite);
  if (drift === null) return [];
  if (drift.entries + drift.sums === 0) return [ok('sums', 'what runs have used is summed up correctly')];
  const says = `${drift.sums} sums of what runs have used are wrong, and ${drift.entries} of the runs in them`;
  const first = daemon === null ? '' : 'clip daemon stop (the runs live on), then ';
  return [{ name: 'sums', state: 'broken', says, todo: `${first}clip doctor --fix: all runs are summed up again.` }];
}

/** Finds processes that carry the mark of an ended run. */
function checkLeaks(store: RunStore, daemon: DaemonSays): Check {
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
