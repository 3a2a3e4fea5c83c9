/**
 * The fast path: a reading command with --json is one request over the socket, whose response is passed through. It
 * loads no command tree and no parser. Anything else, and anything unusual, is left to the full program.
 */
import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { escapeInvisible } from '#run/control-chars.ts';
import { exchange } from './client/exchange.ts';

/**
 * Returns the request path for these arguments, or null when they are not for the fast path. Each entry does what its
 * verb does, so each is compared with the verb by a test.
 */
export function fastPath(args: readonly string[]): string | null {
  const words = args.filter((word) => word !== '--json');
  if (words.length !== args.length - 1 || args[0] === '--json') return null;
  const [verb, first, ...rest] = words;
  if (verb === 'runs') return pathOfRuns(words.slice(1));
  if (rest.length > 1 || words.some((word) => word.startsWith('-'))) return null;
  if (verb === 'task' && first === 'show' && rest[0] !== undefined) return pathOfTask(rest[0]);
  if (rest.length > 0) return null;
  if (verb === 'show') return first === undefined ? null : `/v1/runs/${encodeURIComponent(first)}`;
  if (verb === 'handoff' && first !== undefined) {
    const task = pathOfTask(first);
    return task === null ? null : `${task}/handoff?diff=false`;
  }
  if (verb === 'ledger' && first !== undefined) {
    const task = pathOfTask(first);
    return task === null ? null : `/v1/ledger?task=${task.slice('/v1/tasks/'.length)}`;
  }
  const command = first === undefined ? (verb ?? '') : `${verb} ${first}`;
  return plainPaths.get(command) ?? null;
}

/** The commands without an argument. `task list` shows the open ones. */
const plainPaths: ReadonlyMap<string, string> = new Map([
  ['status', '/v1/status'],
  ['ledger', '/v1/ledger'],
  ['agent list', '/v1/agents'],
  ['task list', '/v1/tasks?status=backlog&status=todo&status=in_progress&status=in_review&status=blocked'],
]);

function pathOfTask(ref: string): string | null {
  return /^[Tt]?[1-9]\d{0,14}$/.test(ref) ? `/v1/tasks/${ref.replace(/^t/i, '')}` : null;
}

function pathOfRuns(options: readonly string[]): string | null {
  const query: string[] = [];
  for (let i = 0; i < options.length; i += 1) {
    const option = options[i] === '-n' ? '--limit' : options[i];
    if (option === '--failed' || option === '--live') {
      query.push(`${option.slice(2)}=true`);
      continue;
    }
    const value = options[i + 1];
    if (
      (option !== '--limit' && option !== '--status' && option !== '--group' && option !== '--before') ||
      value === undefined
    )
      return null;
    if ((option === '--limit' || option === '--before') && !/^[1-9]\d{0,8}$/.test(value)) return null;
    query.push(`${option.slice(2)}=${encodeURIComponent(value)}`);
    i += 1;
  }
  return query.length === 0 ? '/v1/runs' : `/v1/runs?${query.join('&')}`;
}

const fastRequestMs = 5_000;

/**
 * Sends the request and prints the response. Returns false, with nothing printed, unless it is a plain success of a
 * daemon of this version. Returns false as well when standard output cannot be written.
 */
export async function runFast(socketPath: string, path: string, version: string): Promise<boolean> {
  const request = { method: 'GET', path, body: null, headers: {}, timeoutMs: fastRequestMs };
  const reply = await exchange(socketPath, request).catch(() => null);
  if (reply === null || reply.status !== 200 || reply.version !== version) return false;
  try {
    writeOut(isatty(1) ? Buffer.from(escapeInvisible(reply.body.toString('utf8'))) : reply.body);
    writeOut(Buffer.from('\n'));
    return true;
  } catch {
    // The full program fails in the same way, and says it in a sentence.
    return false;
  }
}

/** The pause before a full pipe is tried again. A pipe takes 64 KiB at a time, so this is fast enough. */
const pipeFullMs = 0.2;

/** Writes everything before it returns, also into a pipe that is full. Throws the error of the system otherwise. */
export function writeAll(fd: 1 | 2, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pipeFullMs);
    }
  }
}

/** Writes to standard output. Does nothing when its reader has gone. */
export function writeOut(bytes: Buffer): void {
  try {
    writeAll(1, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}
