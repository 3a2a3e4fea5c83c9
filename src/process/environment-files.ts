/** Environments on disk: a JSON file per name, readable only by its owner. Values never enter the database. */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { limits } from '#run/limits.ts';
import type { Environment } from '#run/run-environment.ts';
import { readRegularFile } from './read-regular-file.ts';
import { flushFolder, writeFlushed } from './run-folder.ts';

const suffix = '.json';

/** Returns access to the environments in this folder. */
export function createEnvironmentFiles(folder: string) {
  const filePath = (name: string) => join(folder, `${name}${suffix}`);

  return {
    pathOf: filePath,
    /** Returns the names of all stored environments. */
    names(): string[] {
      try {
        return readdirSync(folder).flatMap((file) => (file.endsWith(suffix) ? [file.slice(0, -suffix.length)] : []));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw error;
      }
    },
    /** Returns the environment of this name, or null. Throws if the file cannot be read or is damaged. */
    read(name: string): Environment | null {
      try {
        return parseStored(readRegularFile(filePath(name), limits.runFileBytesMax).toString('utf8'));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },
    /** Returns when this environment was written, in milliseconds since the epoch; null if there is none. */
    writtenAt(name: string): number | null {
      const stat = statSync(filePath(name), { throwIfNoEntry: false });
      return stat === undefined ? null : Math.floor(stat.mtimeMs);
    },
    /** Replaces the file atomically, so a reader never sees a part of it. */
    write(name: string, environment: Environment): void {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const temporary = join(folder, `${name}.new`);
      try {
        rmSync(temporary, { force: true });
        writeFlushed(temporary, JSON.stringify(environment));
        renameSync(temporary, filePath(name));
      } catch (error) {
        rmSync(temporary, { force: true });
        throw error;
      }
      flushFolder(folder);
    },
    remove(name: string): void {
      rmSync(filePath(name), { force: true });
    },
  };
}

/**
 * Parses an environment. Throws for a damaged file without the parser's message, which would quote values that errors
 * then show and record.
 */
function parseStored(text: string): Environment {
  try {
    const value = JSON.parse(text) as Environment | null;
    if (typeof value === 'object' && value !== null && Object.values(value).every((each) => typeof each === 'string'))
      return value;
  } catch {
    // The error below does not quote the file.
  }
  throw new Error('it is damaged');
}
