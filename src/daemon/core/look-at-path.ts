/** Looks at paths without waiting for a mount that does not answer. */
import { statSync } from 'node:fs';
import { findRemoteMount } from '#process/mounts.ts';
import { formatSilent, lastReached } from '#process/reach-folder.ts';
import { ClipError } from '#run/errors.ts';

type Looked = { readonly kind: 'folder' | 'file' | 'other' | 'missing' | 'unknown' };

/**
 * Looks at a path. `missing` also if the path is too long, loops, or is not accessible. For a path on a remote mount,
 * returns only what was found recently, because this must not block. Throws if the mount does not answer.
 */
export function lookAtPath(what: string, path: string): Looked {
  const mount = findRemoteMount(path);
  if (mount === null) return { kind: lookAtLocal(path) };
  const last = lastReached(path);
  if (last?.kind !== 'silent') return { kind: last?.kind ?? 'unknown' };
  const words = formatSilent(what, path, mount);
  throw new ClipError(
    'refused',
    `${words.slice(0, 1).toUpperCase()}${words.slice(1)}.`,
    'Mount it again, or name another.',
  );
}

function lookAtLocal(path: string): Exclude<Looked['kind'], 'unknown'> {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return 'missing';
    return stat.isDirectory() ? 'folder' : stat.isFile() ? 'file' : 'other';
  } catch {
    return 'missing';
  }
}

/** Throws if a file does not answer, instead of waiting for it. */
export function refuseIfSilent(what: string, path: string): void {
  lookAtPath(what, path);
}
