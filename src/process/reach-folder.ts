/**
 * Examines a path that may not answer. A child process does it, because it can be killed, while this process would
 * block. This module uses only node:*, because the keeper loads it.
 */
import { spawn } from 'node:child_process';
import { findRemoteMount, type Mount } from './mounts.ts';

export type ReachedFolder = {
  readonly kind: 'folder' | 'file' | 'other' | 'missing' | 'silent';
  /** For a folder: the nearest ancestor that holds a `.git`, or the folder itself, with links resolved. */
  readonly worktree: string | null;
};

/** Timeout. Even a distant server answers sooner. */
const reachMs = 3_000;
/** How long a result is valid for `lastReached`. */
const freshMs = 10_000;
/** Maximum number of cached paths. */
const knownMax = 1_000;

const script = [
  'if cd -- "$1" 2>/dev/null; then',
  '  at=$(pwd -P); top=$at',
  '  while test ! -e "$top/.git" && test "$top" != /; do top=$(dirname -- "$top"); done',
  '  test -e "$top/.git" || top=$at',
  '  printf "folder\\n%s\\n" "$top"',
  'elif test -f "$1"; then echo file',
  'elif test -e "$1"; then echo other',
  'else echo missing; fi',
].join('\n');

const silent: ReachedFolder = { kind: 'silent', worktree: null };
const known = new Map<string, { readonly found: ReachedFolder; readonly at: number }>();

/** Returns what is at a path, or `silent` if there is no answer in time. Never throws. */
export async function reach(path: string): Promise<ReachedFolder> {
  const found = await ask(path);
  if (known.size >= knownMax) known.clear();
  known.set(path, { found, at: performance.now() });
  return found;
}

/** Returns a recent result for a path, or null. */
export function lastReached(path: string): ReachedFolder | null {
  const last = known.get(path);
  return last !== undefined && performance.now() - last.at < freshMs ? last.found : null;
}

/** Returns the last known worktree of a folder, regardless of its age. */
export function knownWorktree(path: string): string | null {
  return known.get(path)?.found.worktree ?? null;
}

/** Examines the paths on remote mounts in parallel. Afterwards `lastReached` has a result for each. */
export async function reachRemote(paths: Iterable<string>): Promise<void> {
  await Promise.all([...new Set(paths)].filter((path) => findRemoteMount(path) !== null).map(reach));
}

/** Returns whether a path can be accessed without blocking. True for a local path. */
export async function isAnswering(path: string): Promise<boolean> {
  return findRemoteMount(path) === null || (await reach(path)).kind !== 'silent';
}

function ask(path: string): Promise<ReachedFolder> {
  return new Promise((resolve) => {
    let said = '';
    const env = { PATH: '/usr/bin:/bin' };
    const child = spawn('/bin/sh', ['-c', script, 'sh', path], {
      cwd: '/',
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    // Without a process or a descriptor for it, nothing is known, and the child has no stream.
    if (child.pid === undefined) return void child.on('error', () => resolve(silent));
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      child.stdout.destroy();
      // The child may hang in the kernel as long as the mount does, so it is not waited for.
      child.unref();
      resolve(silent);
    }, reachMs);
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text: string) => {
      said += text;
    });
    child.stdout.on('error', () => {});
    child.on('error', () => {
      clearTimeout(timer);
      resolve(silent);
    });
    child.on('close', () => {
      clearTimeout(timer);
      resolve(parseReached(said));
    });
  });
}

function parseReached(said: string): ReachedFolder {
  const at = said.indexOf('\n');
  const word = said.slice(0, at);
  if (word === 'folder') return { kind: 'folder', worktree: said.slice(at + 1).replace(/\n$/, '') || null };
  return word === 'file' || word === 'other' || word === 'missing' ? { kind: word, worktree: null } : silent;
}

/** Returns words such as `the work folder /mnt/x does not answer (fuse.sshfs at /mnt)`. */
export function formatSilent(what: string, path: string, { at, type }: Mount): string {
  return `the ${what} ${path} does not answer (${type} at ${at})`;
}
