/** Sends one request over the socket of the daemon, and reads the text of its response. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** A daemon that does not answer for this long is suspended (SIGSTOP) or has failed. */
export const requestMs = 15_000;
const doorMs = 20;

export type Body = Buffer | string | Readable | null;
export type SocketRequest = {
  readonly method: string;
  readonly path: string;
  readonly body: Body;
  /** The content type of the body. */
  readonly type: string;
  /** Whether the response may take any time. */
  readonly patient: boolean;
};

/** Sends the request and returns the head of its response. Throws the error of the socket. */
export async function sendRequest(
  socketPath: string,
  { method, path, body, type, patient }: SocketRequest,
  headers: Readonly<Record<string, string>>,
): Promise<IncomingMessage> {
  const socket = await connectTo(socketPath);
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      socketPath,
      method,
      path,
      headers: { host: 'clip', ...headers, ...bodyHeaders(body, type) },
      createConnection: () => socket,
    });
    if (!patient)
      request.setTimeout(requestMs, () => request.destroy(new Error(`no answer within ${requestMs / 1_000} s`)));
    request.on('error', reject);
    request.on('response', resolve);
    // A stream is sent as it arrives. Its length is unknown.
    if (body instanceof Readable) body.on('error', (error) => request.destroy(error)).pipe(request);
    else request.end(body ?? undefined);
  });
}

function bodyHeaders(body: Body, type: string): Record<string, string | number> {
  if (body === null) return {};
  return body instanceof Readable
    ? { 'content-type': type }
    : { 'content-type': type, 'content-length': Buffer.byteLength(body) };
}

/** Connects to the socket. A full queue (EAGAIN) means that nothing was sent yet, so it tries until there is room. */
async function connectTo(path: string): Promise<Socket> {
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

/** Returns the parsed body of a response, or null for a body that is not JSON. */
export async function readJson(answer: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return null;
  }
}
