/**
 * Node's cache of compiled code, which takes a third off the start of the daemon. It is only used where no other user
 * can write, because Node executes what it finds there.
 */
import { lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { enableCompileCache, flushCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * Lets Node read compiled code from, and write it to, the cache folder of the user. Without a safe folder, for example
 * on a read-only disk, nothing is cached.
 */
export function useCompileCache(env: NodeJS.ProcessEnv, version: string): void {
  const base = join(findCacheHome(env), 'clip');
  const folder = join(base, `code-${version}`);
  try {
    const isNew = mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined;
    if (![base, folder].every(isPrivate)) return;
    if (isNew) removeOthers(base, folder);
    enableCompileCache(folder);
  } catch {
    // The start takes longer.
  }
}

/** Writes what was compiled so far. A daemon that is killed would not do it at its end. */
export function saveCompileCache(): void {
  flushCompileCache();
}

function findCacheHome(env: NodeJS.ProcessEnv): string {
  const { XDG_CACHE_HOME: given = '' } = env;
  return isAbsolute(given) ? given : join(env['HOME'] || homedir(), '.cache');
}

function isPrivate(folder: string): boolean {
  const { uid, mode } = lstatSync(folder);
  return uid === process.getuid?.() && (mode & 0o022) === 0;
}

/** Removes the caches of other versions. A daemon of one of them works without its cache, too. */
function removeOthers(base: string, own: string): void {
  for (const name of readdirSync(base))
    if (name.startsWith('code-') && join(base, name) !== own)
      rmSync(join(base, name), { recursive: true, force: true });
}
