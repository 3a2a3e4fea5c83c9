/**
 * `clip doctor --fix` for a database:
 *
 *  1. the lock is taken: no daemon may be there, and none can start meanwhile; keepers and runs go on;
 *  2. a copy of the damaged database is read as far as it can be, into a new one beside it (store/rebuild.ts);
 *  3. every folder in runs/ that is not known then is taken in (taken-in.ts);
 *  4. the new one gets the name under which it may be put in place, and only then
 *  5. the damaged one is set aside, whole, and the new one takes its place (set-aside.ts).
 *
 * Killed before 4, nothing has happened. Killed after, the next `--fix` does the rest, and no daemon starts before.
 */
import { createHash } from 'node:crypto';
import { constants, copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Home } from '../config/home.ts';
import { crashPoint } from '../launch/crash-point.ts';
import { flushFile, flushFolder, runFiles } from '../process/run-folder.ts';
import { readExit, readLaunch, readStarted } from '../process/run-records.ts';
import { worktreeOf } from '../process/worktree.ts';
import type { AgentProfile } from '../run/agent.ts';
import { readMeta } from '../store/meta.ts';
import { mendedPath, openReadOnly } from '../store/open.ts';
import { type Rebuilding, rebuild } from '../store/rebuild.ts';
import type { Salvaged } from '../store/salvage.ts';
import { damageOf } from './damage.ts';
import { setAside } from './set-aside.ts';
import { type FoundFolder, type Known, type Plan, planTakingIn } from './taken-in.ts';

/** What was done, in sentences; none when there was nothing to do. Call it only with the lock. */
export function mendDatabase(options: { home: Home; migrations: string; version: string }): string[] {
  const { home } = options;
  const damage = damageOf(home, options);
  if (damage === null) return [];
  const ready = mendedPath(home.database);
  const says = existsSync(ready) ? ['An earlier repair of the database was finished.'] : build(options, damage);
  const { sqlite, db, close } = openReadOnly(ready);
  const aside = join(home.folder, readMeta(db, 'mended_from') ?? 'damaged');
  const known = new Set((sqlite.prepare('SELECT id FROM runs UNION ALL SELECT id FROM tombstones').all() as { id: string }[]).map(({ id }) => id));
  close();
  const moved = setAside({ home, aside, ready, strangers: foldersIn(home).filter((id) => !known.has(id)) });
  if (moved > 0) says.push(`Of ${count(moved, 'folder')} it is not known what was to be run: they were moved to ${join(aside, 'runs')}.`);
  if (existsSync(aside)) says.push(`What was damaged lies in ${aside}; nothing of it was deleted.`);
  return says;
}

function build({ home, ...options }: { home: Home; migrations: string; version: string }, damage: string): string[] {
  const [copy, into] = [`${home.database}.reading`, `${home.database}.mending`];
  const leftovers = [copy, into].flatMap((path) => ['', '-wal', '-shm', '-journal'].map((end) => `${path}${end}`));
  const sweep = () => {
    for (const path of leftovers) rmSync(path, { force: true });
  };
  sweep();
  try {
    const there = copyOf(home.database, copy);
    const rebuilding = rebuild({ copy: there ? copy : null, into, ...options });
    const plan = planFor(home, rebuilding);
    const done = rebuilding.finish({ ...plan, mendedFrom: freeName(home) });
    flushFile(into);
    crashPoint('mend.before-ready');
    renameSync(into, mendedPath(home.database));
    flushFolder(home.folder);
    return [`The database was damaged: ${damage}.`, ...wordsOf(rebuilding.salvaged), ...wordsOfPlan(plan), ...wordsOfLoss(done)];
  } finally {
    sweep();
  }
}

/** The database and its log of changes: the one is not whole without the other. */
function copyOf(from: string, to: string): boolean {
  for (const end of ['-wal', '']) {
    if (statSync(`${from}${end}`, { throwIfNoEntry: false })?.isFile()) copyFileSync(`${from}${end}`, `${to}${end}`, constants.COPYFILE_FICLONE);
  }
  return existsSync(to);
}

function planFor(home: Home, rebuilding: Rebuilding): Plan {
  try {
    const ids = rebuilding.knownIds();
    const found = foldersIn(home)
      .filter((id) => !ids.has(id))
      .map((id) => look(join(home.runs, id), id));
    const known: Known = {
      numbers: rebuilding.takenNumbers(),
      tasks: rebuilding.tasks(),
      newestOfTasks: rebuilding.newestOfTasks(),
      highestRun: rebuilding.highestRun(),
      agentNamed: (name) => profileOf(rebuilding, name),
      originOf: rebuilding.originOf,
    };
    return planTakingIn(found, known);
  } catch (error) {
    rebuilding.close();
    throw error;
  }
}

function profileOf(rebuilding: Rebuilding, agentName: string): AgentProfile | null {
  const agent = rebuilding.agentNamed(agentName);
  if (agent === null) return null;
  const { adapter, command, model, role, args, permission, mapping } = agent.settings;
  return { id: agent.id, name: agent.name, adapter, command, model, role, args, permission, mapping };
}

function foldersIn(home: Home): string[] {
  return existsSync(home.runs) ? readdirSync(home.runs).sort() : [];
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
    worktree: found !== null && found.launch.agent !== null && existsSync(found.launch.cwd) ? worktreeOf(found.launch.cwd) : null,
  };
}

/** Nothing that was set aside before is touched. */
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

function wordsOf(salvaged: readonly Salvaged[]): string[] {
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

function wordsOfLoss({ wakesDropped, tasksBlocked }: { wakesDropped: number; tasksBlocked: readonly number[] }): string[] {
  if (wakesDropped === 0) return [];
  const blocked = tasksBlocked.length === 0 ? '' : ` Blocked, and for you to continue: ${tasksBlocked.map((task) => `T${task}`).join(', ')}.`;
  return [`${count(wakesDropped, 'start')} that waited ${wakesDropped === 1 ? 'is' : 'are'} lost.${blocked}`];
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
