/**
 * One request and its whole response over the socket of the daemon. `node:http` is not loaded for it: a tenth of the
 * time of a short command would go there.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A daemon that does not answer for this long is suspended (SIGSTOP) or has failed. */
export const requestMs = 15_000;
const doorMs = 20;

export type Exchange = {
  readonly method: string;
  readonly path: string;
  /** A JSON document, or null for a request without a body. */
  readonly body: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** How long the daemon may be silent, or null for any time. */
  readonly timeoutMs: number | null;
};
export type Reply = {
  readonly status: number;
  /** The version of the daemon. */
  readonly version: string | null;
  readonly body: Buffer;
};

/**
 * Sends the request and returns the response. Throws the error of the socket; ECONNRESET also for a response that is
 * cut off.
 */
export async function exchange(socketPath: string, request: Exchange): Promise<Reply> {
  const socket = await connectTo(socketPath);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const settle = (error: Error) => {
      const reply = parseReply(Buffer.concat(chunks));
      if (reply === null) reject(error);
      else resolve(reply);
    };
    // A daemon that refuses a long request may close the connection before it has read all of it.
    socket.on('error', settle);
    socket.on('data', (chunk) => chunks.push(chunk));
    const cutOff = () => settle(Object.assign(new Error('the response is cut off'), { code: 'ECONNRESET' }));
    socket.on('end', cutOff);
    // A connection that closes in any other way is no reason to wait.
    socket.on('close', cutOff);
    const { timeoutMs } = request;
    if (timeoutMs !== null)
      socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs / 1_000} s`)));
    socket.write(buildRequest(request));
  });
}

function buildRequest({ method, path, body, headers }: Exchange): string {
  const fields: Record<string, string> = { host: 'clip', connection: 'close', ...headers };
  if (body !== null) {
    fields['content-type'] = 'application/json';
    fields['content-length'] = String(Buffer.byteLength(body));
  }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`;
}

/**
 * Returns null for a response that is not complete. A response without a length ends with the connection. The daemon
 * sends none, but another program on its socket may.
 */
function parseReply(bytes: Buffer): Reply | null {
  const split = bytes.indexOf('\r\n\r\n');
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(bytes.toString('latin1', 0, 16))?.[1] ?? Number.NaN);
  if (split < 0 || Number.isNaN(status)) return null;
  const head = `${bytes.toString('latin1', 0, split)}\r\n`;
  const body = bytes.subarray(split + 4);
  const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head)?.[1];
  if (length !== undefined && body.length !== Number(length)) return null;
  return { status, version: /\r\nclip-version: *([^\r]*)\r\n/i.exec(head)?.[1] ?? null, body };
}

/** Connects to the socket. A full queue (EAGAIN) means that nothing was sent yet, so it tries until there is room. */
export async function connectTo(path: string): Promise<Socket> {
  for (const until = Date.now() + requestMs; ; await sleep(doorMs)) {
    try {
      return await new Promise<Socket>((resolve, reject) => {
        const socket = connect(path, () => resolve(socket.off('error', reject)));
        socket.on('error', reject);
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || Date.now() > until) throw error;
    }
  }
}
