/**
 * Repairs a database for `clip doctor --fix`:
 *
 * 1. Take the lock. No daemon is running or can start meanwhile. Keepers and runs continue.
 * 2. Read a copy of the damaged database as far as possible into a new one beside it (store/rebuild.ts).
 * 3. Import every folder in runs/ that is unknown then (import-folders.ts).
 * 4. Give the new database the name under which it may be put in place.
 * 5. Move the damaged database aside and put the new one in its place (swap-database.ts).
 *
 * When killed before step 4, nothing has changed. When killed after it, the next `--fix` does the rest, and no daemon
 * starts before that.
 */

import { createHash } from 'node:crypto';
import { constants, copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Home } from '#config/home.ts';
import { failpoint } from '#launch/failpoints.ts';
import { findFolderCopies } from '#process/forgotten-folders.ts';
import { flushFile, flushFolder, runFiles } from '#process/run-folder.ts';
import { readExit, readLaunch, readStarted } from '#process/run-folder-reader.ts';
import { findWorktree } from '#process/worktree.ts';
import type { AgentProfile } from '#run/agent.ts';
import { isRunId } from '#run/run-id.ts';
import { readMeta } from '#store/meta.ts';
import { openReadOnly, repairedPath } from '#store/open.ts';
import { type Rebuilding, rebuild } from '#store/rebuild.ts';
import type { Salvaged } from '#store/recover-rows.ts';
import { RunStore } from '#store/runs.ts';
import { detectDamage } from './detect-damage.ts';
import { type FoundFolder, type KnownRecords, type Plan, planImport } from './import-folders.ts';
import { setAside } from './swap-database.ts';

/**
 * Repairs the database and returns what was done, in sentences. Returns none when there was nothing to do. The caller
 * must hold the lock.
 */
export function repairDatabase(options: { home: Home; migrations: string; version: string }): string[] {
  const { home } = options;
  const damage = detectDamage(home, options);
  if (damage === null) return [];
  const ready = repairedPath(home.database);
  const says = existsSync(ready) ? ['An earlier repair of the database was finished.'] : build(options, damage);
  const { sqlite, db, close } = openReadOnly(ready);
  const aside = join(home.folder, readMeta(db, 'mended_from') ?? 'damaged');
  const known = new Set(
    (sqlite.prepare('SELECT id FROM runs UNION ALL SELECT id FROM tombstones').all() as { id: string }[]).map(
      ({ id }) => id,
    ),
  );
  const unknown = foldersIn(home).filter((id) => !known.has(id));
  const runs = new RunStore(db);
  const copies = findFolderCopies(home.runs, unknown, (number) => runs.idOf(number));
  close();
  const moved = setAside({ home, aside, ready, strangers: unknown.filter((id) => !copies.has(id)) });
  if (moved > 0)
    says.push(
      `Of ${count(moved, 'folder')} it is not known what was to be run: they were moved to ${join(aside, 'runs')}.`,
    );
  if (existsSync(aside)) says.push(`What was damaged lies in ${aside}; nothing of it was deleted.`);
  return says;
}

function build({ home, ...options }: { home: Home; migrations: string; version: string }, damage: string): string[] {
  const [copy, into] = [`${home.database}.reading`, `${home.database}.repairing`];
  const leftovers = [copy, into].flatMap((path) => ['', '-wal', '-shm', '-journal'].map((end) => `${path}${end}`));
  const sweep = () => {
    for (const path of leftovers) rmSync(path, { force: true });
  };
  sweep();
  try {
    const there = copyDatabase(home.database, copy);
    const rebuilding = rebuild({ copy: there ? copy : null, into, ...options });
    const plan = planFor(home, rebuilding);
    const done = rebuilding.finish({ ...plan, repairedFrom: freeName(home) });
    flushFile(into);
    failpoint('repair.before-ready');
    renameSync(into, repairedPath(home.database));
    flushFolder(home.folder);
    return [
      `The database was damaged: ${damage}.`,
      ...describeSalvage(rebuilding.salvaged),
      ...wordsOfPlan(plan),
      ...wordsOfLoss(done),
    ];
  } finally {
    sweep();
  }
}

/** Copies the database and its write-ahead log. One is incomplete without the other. */
function copyDatabase(from: string, to: string): boolean {
  for (const end of ['-wal', '']) {
    if (statSync(`${from}${end}`, { throwIfNoEntry: false })?.isFile())
      copyFileSync(`${from}${end}`, `${to}${end}`, constants.COPYFILE_FICLONE);
  }
  return existsSync(to);
}

function planFor(home: Home, rebuilding: Rebuilding): Plan {
  try {
    const ids = rebuilding.knownIds();
    const unknown = foldersIn(home).filter((id) => !ids.has(id));
    const copies = findFolderCopies(home.runs, unknown, (number) => rebuilding.idOf(number));
    const found = unknown.filter((id) => !copies.has(id)).map((id) => look(join(home.runs, id), id));
    const known: KnownRecords = {
      numbers: rebuilding.takenNumbers(),
      tasks: rebuilding.tasks(),
      newestOfTasks: rebuilding.newestOfTasks(),
      highestRun: rebuilding.highestRun(),
      agentNamed: (name) => buildProfile(rebuilding, name),
      originOf: (id) => rebuilding.originOf(id),
    };
    return planImport(found, known);
  } catch (error) {
    rebuilding.close();
    throw error;
  }
}

function buildProfile(rebuilding: Rebuilding, agentName: string): AgentProfile | null {
  const agent = rebuilding.agentNamed(agentName);
  if (agent === null) return null;
  const { adapter, command, model, role, args, permission, mapping } = agent.settings;
  return { id: agent.id, name: agent.name, adapter, command, model, role, args, permission, mapping };
}

function foldersIn(home: Home): string[] {
  return existsSync(home.runs) ? readdirSync(home.runs).filter(isRunId).sort() : [];
}

function look(folder: string, id: string): FoundFolder {
  const found = readLaunch(folder);
  const prompt = join(folder, runFiles.prompt);
  return {
    id,
    launch: found?.launch ?? null,
    launchedAt: found?.at ?? 0,
    startedAt: readStarted(folder)?.at ?? null,
    hasEnded: readExit(folder) !== null,
    promptSha256: existsSync(prompt) ? createHash('sha256').update(readFileSync(prompt)).digest('hex') : null,
    worktree:
      found !== null && found.launch.agent !== null && existsSync(found.launch.cwd)
        ? findWorktree(found.launch.cwd)
        : null,
  };
}

/** Returns an unused name, so that files that were set aside before stay untouched. */
function freeName(home: Home): string {
  const stamp = new Date()
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replace(/[-:]/g, '');
  for (let n = 1; ; n += 1) {
    const name = n === 1 ? `damaged-${stamp}` : `damaged-${stamp}-${n}`;
    if (!existsSync(join(home.folder, name))) return name;
  }
}

function describeSalvage(salvaged: readonly Salvaged[]): string[] {
  if (salvaged.length === 0) return ['Nothing of it could be read.'];
  const full = salvaged.filter(({ rows }) => rows > 0).map(({ table, rows }) => `${rows} ${table}`);
  const gaps = salvaged.filter((each) => each.gaps > 0).map(({ table }) => table);
  const read = full.length === 0 ? 'No row of it could be read.' : `Read from it: ${full.join(', ')}.`;
  return gaps.length === 0 ? [read] : [read, `Not all could be read of: ${gaps.join(', ')}.`];
}

function wordsOfPlan({ taken }: Plan): string[] {
  if (taken.length === 0) return [];
  const [first, last] = [taken[0]?.run.number, taken.at(-1)?.run.number];
  const which = taken.length === 1 ? `run ${first}` : `${taken.length} runs (${first} to ${last})`;
  return [`Taken in from their folders: ${which}; names, keys and labels of them are not known.`];
}

function wordsOfLoss({
  wakesDropped,
  tasksBlocked,
}: {
  wakesDropped: number;
  tasksBlocked: readonly number[];
}): string[] {
  if (wakesDropped === 0) return [];
  const blocked =
    tasksBlocked.length === 0
      ? ''
      : ` Blocked, and for you to continue: ${tasksBlocked.map((task) => `T${task}`).join(', ')}.`;
  return [`${count(wakesDropped, 'start')} that waited ${wakesDropped === 1 ? 'is' : 'are'} lost.${blocked}`];
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
