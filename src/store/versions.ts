/** Which databases this program may use: those of its own version and of older ones. */
import { existsSync, readdirSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ClipError } from '../run/errors.ts';
import { limits } from '../run/limits.ts';
import { isLaterRelease } from '../run/release.ts';
import { levelOf, readMigrations } from './migrations.ts';
import type { Sqlite } from './sqlite.ts';

export type Program = { readonly path: string; readonly migrations: string; readonly version: string };

/**
 * Refuses a database that a newer program has changed or only used: what is stored as JSON may hold what this one does
 * not know. Patch releases (the last number) change nothing of that, in either direction.
 */
export function refuseNewer(sqlite: Sqlite, program: Program): void {
  const level = levelOf(sqlite);
  if (level === null) return;
  const last = lastVersion(sqlite);
  const known = Math.max(...readMigrations(program.migrations).map(({ when }) => when));
  if (level <= known && (last === null || !isLaterRelease(last, program.version))) return;
  const theirs = last === null || last === program.version ? 'of a newer version' : last;
  const copy = copiesIn(program.path).find((version) => !isLaterRelease(version, program.version));
  const back =
    copy === undefined
      ? 'or point CLIP_HOME at another home'
      : `or go back to the copy of before, ${copyPath(program.path, copy)} (README.md, "Going back", says how and what is lost)`;
  throw new ClipError(
    'database_newer',
    `The database ${program.path} was written by clip ${theirs}; this is clip ${program.version}.`,
    `Use that version again, ${back}. Live runs go on.`,
  );
}

/**
 * Before a newer version touches it, a copy of what the older one left, for the way back: the last one is kept. Where
 * it would take too long or there is no room, there is none, and the log says so.
 */
export function copyBefore(sqlite: Sqlite, program: Program, say: (sentence: string, facts: Record<string, unknown>) => void): void {
  const level = levelOf(sqlite);
  const last = level === null ? null : lastVersion(sqlite);
  const known = Math.max(...readMigrations(program.migrations).map(({ when }) => when));
  if (level === null || last === null || (level >= known && !isLaterRelease(program.version, last))) return;
  const bytes = statSync(program.path).size + (statSync(`${program.path}-wal`, { throwIfNoEntry: false })?.size ?? 0);
  const { bavail, bsize } = statfsSync(dirname(program.path));
  const copy = copyPath(program.path, last);
  if (bytes > limits.copyBytesMax || bytes + limits.freeBytesAgain > bavail * bsize) {
    return say('no copy of the database was made before it was upgraded', { bytes, bytesFree: bavail * bsize, bytesMax: limits.copyBytesMax });
  }
  const temporary = `${copy}.making`;
  rmSync(temporary, { force: true });
  try {
    sqlite.prepare('VACUUM INTO ?').run(temporary);
  } catch (error) {
    rmSync(temporary, { force: true });
    // A quota, say. What is damaged is found by whoever reads it next.
    return say('no copy of the database was made before it was upgraded', { error: String(error) });
  }
  renameSync(temporary, copy);
  for (const version of copiesIn(program.path)) if (version !== last) rmSync(copyPath(program.path, version), { force: true });
  say('the database was copied before it was upgraded', { copy, from: last, to: program.version });
}

function copyPath(path: string, version: string): string {
  return `${path}.of-${version}`;
}

/** Of which versions there are copies. */
function copiesIn(path: string): string[] {
  const folder = dirname(path);
  const start = `${basename(path)}.of-`;
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names
    .filter((name) => name.startsWith(start) && !name.endsWith('.making') && statSync(join(folder, name)).isFile())
    .map((name) => name.slice(start.length));
}

function lastVersion(sqlite: Sqlite): string | null {
  return (sqlite.prepare("SELECT value FROM meta WHERE key = 'version'").get() as { value: string } | undefined)?.value ?? null;
}
