/** Writes config.toml atomically, readable by its owner only. */
import { closeSync, fsyncSync, mkdirSync, openSync, realpathSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigError } from './config-error.ts';

/** Writes the file through a temporary one, and creates its folder. Throws ConfigError. */
export function putConfig(path: string, text: string): void {
  const target = behindLinks(path);
  const temporary = `${target}.${process.pid}`;
  try {
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    const file = openSync(temporary, 'wx', 0o600);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new ConfigError(`The configuration ${path} cannot be written: ${(error as Error).message}.`);
  }
}

/**
 * Resolves a symbolic link. Many users keep the file with their other settings, and the target is what must be written.
 */
function behindLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
