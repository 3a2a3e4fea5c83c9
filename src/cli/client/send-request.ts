/** Sends one request over the socket of the daemon whose body or response is a stream. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { connectTo } from './exchange.ts';

export type Body = Buffer | string | Readable | null;
export type SocketRequest = {
  readonly method: string;
  readonly path: string;
  readonly body: Body;
};

/** Sends the request and returns the head of its response, which may take any time. Throws the error of the socket. */
export async function sendRequest(
  socketPath: string,
  { method, path, body }: SocketRequest,
  headers: Readonly<Record<string, string>>,
): Promise<IncomingMessage> {
  const socket = await connectTo(socketPath);
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      socketPath,
      method,
      path,
      headers: { host: 'clip', ...headers, ...bodyHeaders(body) },
      createConnection: () => socket,
    });
    request.on('error', reject);
    request.on('response', resolve);
    // A stream is sent as it arrives. Its length is unknown.
    if (body instanceof Readable) body.on('error', (error) => request.destroy(error)).pipe(request);
    else request.end(body ?? undefined);
  });
}

function bodyHeaders(body: Body): Record<string, string | number> {
  if (body === null) return {};
  const type = 'application/x-ndjson';
  return body instanceof Readable
    ? { 'content-type': type }
    : { 'content-type': type, 'content-length': Buffer.byteLength(body) };
}

/** Reads the whole body of a response. */
export async function readBody(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
