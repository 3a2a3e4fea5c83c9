/**
 * The fast path: reading commands with --json are one request over the socket, whose response is passed through. It
 * loads no command tree, no parser and no HTTP client. Anything else, and anything unusual, is left to the full
 * program.
 */
import { writeSync } from 'node:fs';
import { connect } from 'node:net';

/** Returns the request path for these arguments, or null when they are not for the fast path. */
export function fastPath(args: readonly string[]): string | null {
  const [verb, ...rest] = args;
  if (verb === 'status') return rest.length === 1 && rest[0] === '--json' ? '/v1/status' : null;
  if (verb !== 'runs' || !rest.includes('--json')) return null;
  const query: string[] = [];
  for (let i = 0; i < rest.length; i += 1) {
    const option = rest[i];
    if (option === '--json') continue;
    if (option === '--failed' || option === '--live') {
      query.push(`${option.slice(2)}=true`);
      continue;
    }
    const value = rest[i + 1];
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

/**
 * Sends the request and prints the response. `otherwise` is called, with nothing printed yet, for any response that is
 * not a plain success.
 */
export function runFast(
  socketPath: string,
  path: string,
  version: string,
  done: () => void,
  otherwise: () => void,
): void {
  askFast({ socketPath, path, timeoutMs: 5_000 }, (answer) => {
    if (answer === null || !answer.head.toLowerCase().includes(`\r\nclip-version: ${version}\r\n`)) return otherwise();
    writeOut(answer.body);
    writeOut(Buffer.from('\n'));
    done();
  });
}

type RawReply = { readonly head: string; readonly body: Buffer };

/** Sends one request. The response is null unless it is complete and has status 200. */
export function askFast(
  ask: { socketPath: string; path: string; timeoutMs: number },
  then: (answer: RawReply | null) => void,
): void {
  const chunks: Buffer[] = [];
  const socket = connect(ask.socketPath);
  let failed = false;
  const leave = () => {
    if (failed) return;
    failed = true;
    socket.destroy();
    then(null);
  };
  socket.on('error', leave);
  socket.setTimeout(ask.timeoutMs, leave);
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('end', () => {
    if (failed) return;
    const answer = Buffer.concat(chunks);
    const split = answer.indexOf('\r\n\r\n');
    const head = `${answer.toString('latin1', 0, Math.max(split, 0))}\r\n`;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1]);
    const body = answer.subarray(split + 4);
    if (!head.startsWith('HTTP/1.1 200') || body.length !== length) return leave();
    then({ head, body });
  });
  socket.write(`GET ${ask.path} HTTP/1.1\r\nHost: clip\r\nConnection: close\r\n\r\n`);
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
