/** Requests to the API as any program sends them: HTTP over the socket, without clip's client. */
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';

/** Returns the parsed body. Its type is not checked. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads deep into answers, and fails when they are not so
export type Json = any;

export type ApiAnswer = {
  readonly status: number;
  readonly version: string | undefined;
  readonly text: string;
  readonly json: () => Json;
};
/** `ms`: the time limit for the answer. There is no limit by default. */
type Ask = {
  readonly method?: string;
  readonly body?: string | Buffer;
  readonly type?: string;
  readonly ms?: number;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Resolves with the head of an answer, whose body is still to be read. */
export function open(
  folder: string,
  path: string,
  { method = 'GET', body, type = 'application/json', ms, headers: more }: Ask = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const ofBody = body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) };
    const headers = { ...ofBody, ...more };
    const sent = request({ socketPath: join(folder, 'clip.sock'), method, path, headers, agent: false });
    sent.on('error', reject);
    sent.on('response', resolve);
    if (ms !== undefined) sent.setTimeout(ms, () => sent.destroy(new Error(`no answer within ${ms} ms`)));
    sent.end(body);
  });
}

export async function ask(folder: string, path: string, options: Ask = {}): Promise<ApiAnswer> {
  const answer = await open(folder, path, options);
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return {
    status: answer.statusCode ?? 0,
    version: answer.headers['clip-version'] as string | undefined,
    text,
    json: () => JSON.parse(text),
  };
}

/** Reads at most `most` lines of a stream, then cuts the connection. Returns all lines when the stream ends before. */
export async function take(folder: string, path: string, most: number = Number.POSITIVE_INFINITY): Promise<Json[]> {
  const answer = await open(folder, path);
  const lines: Json[] = [];
  let text = '';
  try {
    for await (const chunk of answer.setEncoding('utf8')) {
      text += chunk;
      const whole = text.split('\n');
      text = whole.pop() ?? '';
      for (const line of whole) if (lines.length < most) lines.push(JSON.parse(line));
      if (lines.length >= most) break;
    }
  } finally {
    answer.destroy();
  }
  return lines;
}
