/** Checks whether this program may use a database: only one of its own version or an older one. */
import { existsSync, readdirSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isLaterRelease } from '#run/compare-versions.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { newestLevel, readLevel } from './migrations.ts';
import type { Sqlite } from './sqlite.ts';

export type Program = { readonly path: string; readonly migrations: string; readonly version: string };

/**
 * Throws if a newer program has migrated or used the database: stored JSON may hold what this version does not know.
 * Patch releases (the last number) never change that, in either direction.
 */
export function refuseNewer(sqlite: Sqlite, program: Program): void {
  const level = readLevel(sqlite);
  if (level === null) return;
  const last = lastVersion(sqlite);
  const known = newestLevel(program.migrations);
  if (level <= known && (last === null || !isLaterRelease(last, program.version))) return;
  const theirs = last === null || last === program.version ? 'of a newer version' : last;
  const copy = copiesIn(program.path).find((version) => !isLaterRelease(version, program.version));
  const manual = '(docs/operation.md, "Going back", says how and what is lost)';
  const back =
    copy === undefined
      ? 'or point CLIP_HOME at another home'
      : `or go back to the copy of before, ${copyPath(program.path, copy)} ${manual}`;
  throw new ClipError(
    'database_newer',
    `The database ${program.path} was written by clip ${theirs}; this is clip ${program.version}.`,
    `Use that version again, ${back}. Live runs go on.`,
  );
}

/**
 * Copies the database before a newer version changes it, so a person can go back. Only the last copy is kept. If
 * copying would take too long or there is no space, there is no copy, and the log says so.
 */
export function copyBefore(
  sqlite: Sqlite,
  program: Program,
  say: (sentence: string, facts: Record<string, unknown>) => void,
): void {
  const level = readLevel(sqlite);
  const last = level === null ? null : lastVersion(sqlite);
  const known = newestLevel(program.migrations);
  if (level === null || last === null || (level >= known && !isLaterRelease(program.version, last))) return;
  const bytes = statSync(program.path).size + (statSync(`${program.path}-wal`, { throwIfNoEntry: false })?.size ?? 0);
  const { bavail, bsize } = statfsSync(dirname(program.path));
  const copy = copyPath(program.path, last);
  if (bytes > limits.copyBytesMax || bytes + limits.freeBytesAgain > bavail * bsize) {
    return say('database not copied before upgrade', {
      bytes,
      bytesFree: bavail * bsize,
      bytesMax: limits.copyBytesMax,
    });
  }
  const temporary = `${copy}.making`;
  rmSync(temporary, { force: true });
  try {
    sqlite.prepare('VACUUM INTO ?').run(temporary);
  } catch (error) {
    rmSync(temporary, { force: true });
    // For example: quota exceeded. Damage is found at the next read.
    return say('database not copied before upgrade', { error: String(error) });
  }
  renameSync(temporary, copy);
  for (const version of copiesIn(program.path))
    if (version !== last) rmSync(copyPath(program.path, version), { force: true });
  say('database copied before upgrade', { copy, from: last, to: program.version });
}

function copyPath(path: string, version: string): string {
  return `${path}.of-${version}`;
}

/** Returns the versions of which there are copies. */
function copiesIn(path: string): string[] {
  const folder = dirname(path);
  const start = `${basename(path)}.of-`;
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names
    .filter((name) => name.startsWith(start) && !name.endsWith('.making') && statSync(join(folder, name)).isFile())
    .map((name) => name.slice(start.length));
}

function lastVersion(sqlite: Sqlite): string | null {
  return (
    (sqlite.prepare("SELECT value FROM meta WHERE key = 'version'").get() as { value: string } | undefined)?.value ??
    null
  );
}
