/**
 * Hashes of file contents, which tell whether a file has changed. Size and time do not, because a file that is
 * rewritten with the same bytes has a new time. Files are read in chunks, with limits on parallel reads and on total
 * bytes.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readlink } from 'node:fs/promises';
import { limits } from '#run/limits.ts';
import { type FileVersion, gone } from '#run/workspace.ts';
import { decodeName } from './file-names.ts';

/** A larger file was not written by hand. It is not read, and its content is not compared. */
const fileBytesMax = 16 * 2 ** 20;
/** The time for reading file contents in one snapshot. The start of a run does not wait longer. */
const readMs = 3_000;
/** The bytes that are hashed at a time. One piece blocks the event loop for a quarter of a millisecond. */
const pieceBytes = 256 * 2 ** 10;
/** Node reads four files at a time for the whole daemon. One of the four stays free for everything else. */
const readsAtOnce = 3;
/** Files whose size and time are read at once. */
const statsAtOnce = 16;

export type Content = {
  readonly version: FileVersion;
  readonly size: number | null;
  /** Number of lines of a text; null for a binary or unread file. */
  readonly lines: number | null;
  /** Whether the earlier content is a proper prefix of the present one. */
  readonly grew: boolean;
};

/** `earlier`: the content at an earlier snapshot, to tell growth from change. */
export type HashRequest = {
  readonly path: string;
  readonly earlier: { readonly id: string; readonly size: number } | null;
};
export type Hashing = { readonly algorithm: 'sha1' | 'sha256'; readonly modes: (mode: string) => string };

type CachedHash = { readonly stamp: string; readonly content: Content };

/** Cache of hashes of unchanged files, so a second snapshot reads nothing again. */
const kept = new Map<string, CachedHash>();

/** Bytes and time left for reading in one snapshot. The time of git itself is not counted. */
export type ReadBudget = { bytesLeft: number; msLeft: number };

/** Returns a new budget for one snapshot: bytes and milliseconds. */
export function readBudget(): ReadBudget {
  return { bytesLeft: limits.workspaceBytesMax, msLeft: readMs };
}

/**
 * Returns the content of each of these files, in their order. Files beyond the budget get a version that says nothing.
 */
export async function hashContents(
  wanted: readonly HashRequest[],
  hashing: Hashing,
  budget: ReadBudget,
): Promise<readonly Content[]> {
  const seen = await inParallel(wanted, statsAtOnce, ({ path }) => lookAt(path));
  const results = seen.map((entry) => unread(entry));
  // Small files first, so that a large one does not use up the budget of a hundred others.
  const order = wanted.map((_, index) => index).sort((a, b) => parseSize(seen[a]) - parseSize(seen[b]));
  const begun = Date.now();
  const allowed = { budget, until: begun + budget.msLeft };
  await inParallel(order, readsAtOnce, async (index) => {
    const [file, entry] = [wanted[index], seen[index]];
    if (file !== undefined && entry !== undefined)
      results[index] = await hashContent(file, entry, { hashing, allowed });
  });
  budget.msLeft -= Date.now() - begun;
  return results;
}

/** Processes at most `atOnce` items in parallel. */
async function inParallel<T, R>(items: readonly T[], atOnce: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < items.length; at = next++) results[at] = await work(items[at] as T);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  return results;
}

type HashCandidate = {
  readonly kind: 'file' | 'link' | 'gone' | 'other';
  readonly size: number;
  readonly executable: boolean;
  readonly stamp: string;
  readonly ctimeMs: number;
};

const nothing: HashCandidate = { kind: 'gone', size: 0, executable: false, stamp: '', ctimeMs: 0 };
const parseSize = (seen: HashCandidate | undefined): number => (seen?.kind === 'file' ? seen.size : 0);

async function lookAt(path: string): Promise<HashCandidate> {
  try {
    const stat = await lstat(decodeName(path), { bigint: true });
    const kind = stat.isFile() ? 'file' : stat.isSymbolicLink() ? 'link' : stat.isDirectory() ? 'gone' : 'other';
    const stamp = `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.mode}`;
    return {
      kind,
      size: Number(stat.size),
      executable: (stat.mode & 0o100n) !== 0n,
      stamp,
      ctimeMs: Number(stat.ctimeMs),
    };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? nothing : { ...nothing, kind: 'other', stamp: String(code) };
  }
}

/** Returns what is known of a file without reading it. */
function unread({ kind, size, stamp }: HashCandidate): Content {
  if (kind === 'gone') return { version: gone, size: null, lines: null, grew: false };
  return { version: `?${stamp}`, size: kind === 'file' ? size : null, lines: null, grew: false };
}

type Allowed = { readonly budget: ReadBudget; readonly until: number };

async function hashContent(
  file: HashRequest,
  seen: HashCandidate,
  { hashing, allowed }: { hashing: Hashing; allowed: Allowed },
): Promise<Content> {
  const { budget, until } = allowed;
  if (seen.kind === 'gone' || seen.kind === 'other') return unread(seen);
  try {
    if (seen.kind === 'link')
      return {
        ...unread(seen),
        version: `120000 ${formatId(await readlink(decodeName(file.path), 'buffer'), hashing.algorithm)}`,
      };
    const known = kept.get(file.path);
    // A cached result does not tell whether the file has grown since this earlier snapshot.
    if (known !== undefined && known.stamp === seen.stamp && !mayHaveGrown(file, seen)) return known.content;
    if (seen.size > fileBytesMax || seen.size > budget.bytesLeft || Date.now() > until) return unread(seen);
    budget.bytesLeft -= seen.size;
    const begun = Date.now();
    const read = await readContent(file, seen, hashing.algorithm, until);
    if (read === null) return unread(seen);
    const mode = hashing.modes(seen.executable ? '100755' : '100644');
    const content: Content = { version: `${mode} ${read.id}`, size: seen.size, lines: read.lines, grew: read.grew };
    // A file that was just changed may change again without a trace in its times, so it is not cached.
    if (seen.ctimeMs + limits.workspaceSettledMs < begun)
      keep(file.path, { stamp: seen.stamp, content: { ...content, grew: false } });
    return content;
  } catch {
    // The file was deleted, is not readable, or was replaced in the meantime.
    return unread(seen);
  }
}

function mayHaveGrown({ earlier }: HashRequest, { size }: HashCandidate): boolean {
  return earlier !== null && earlier.size > 0 && earlier.size < size;
}

function keep(path: string, entry: CachedHash): void {
  kept.delete(path);
  kept.set(path, entry);
  for (const oldest of kept.keys()) {
    if (kept.size <= limits.workspaceContentsKept) return;
    kept.delete(oldest);
  }
}

function formatId(content: Buffer, algorithm: Hashing['algorithm']): string {
  return createHash(algorithm).update(`blob ${content.length}\0`).update(content).digest('hex');
}

type HashedFile = { readonly id: string; readonly lines: number | null; readonly grew: boolean };

/**
 * Reads and hashes a file. Returns null if it changes meanwhile or takes too long. The id equals that of the git blob.
 */
async function readContent(
  wanted: HashRequest,
  seen: HashCandidate,
  algorithm: Hashing['algorithm'],
  until: number,
): Promise<HashedFile | null> {
  const { path, earlier } = wanted;
  // Does not block on a named pipe, and does not follow a link that has replaced the file.
  const file = await open(decodeName(path), constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.size !== seen.size) return null;
    const whole = createHash(algorithm).update(`blob ${seen.size}\0`);
    const beginning =
      earlier !== null && mayHaveGrown(wanted, seen) ? createHash(algorithm).update(`blob ${earlier.size}\0`) : null;
    const text = countLines();
    const bytes = await eachPiece(file, until, (piece, from) => {
      whole.update(piece);
      if (earlier !== null && from < earlier.size) beginning?.update(piece.subarray(0, earlier.size - from));
      text.read(piece);
    });
    if (bytes !== seen.size) return null;
    return {
      id: whole.digest('hex'),
      lines: text.lines(),
      grew: beginning !== null && beginning.digest('hex') === earlier?.id,
    };
  } finally {
    await file.close();
  }
}

/** Passes the file to `take`, chunk by chunk. Returns the number of bytes, fewer if the time ran out. */
async function eachPiece(
  file: FileHandle,
  until: number,
  take: (piece: Buffer, from: number) => void,
): Promise<number> {
  const buffer = Buffer.allocUnsafe(pieceBytes);
  for (let from = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
    if (bytesRead === 0 || Date.now() > until) return from;
    take(buffer.subarray(0, bytesRead), from);
    from += bytesRead;
  }
}

/** Git treats a file as binary if there is a NUL among its first bytes. */
const sniffedBytes = 8_000;

function countLines() {
  let [lines, seen, isBinary, endsInLine] = [0, 0, false, true];
  return {
    read(piece: Buffer): void {
      if (seen < sniffedBytes) isBinary ||= piece.subarray(0, sniffedBytes - seen).includes(0);
      seen += piece.length;
      if (isBinary) return;
      for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, at + 1)) lines += 1;
      endsInLine = piece.at(-1) === 10;
    },
    /** Returns the number of lines, including a last one without a line break; null for a binary file. */
    lines: (): number | null => (isBinary ? null : lines + (endsInLine ? 0 : 1)),
  };
}
