/** An agent behind HTTP, which the test plays on loopback, and the real clip-http as its client. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Result, resultOf, root } from './home.ts';

export type Asked = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
};
type Play = (asked: Asked, answer: ServerResponse, request: IncomingMessage) => void;

/** Starts a server that answers as the test specifies and records its requests. */
export async function playAgent(play: Play) {
  const asked: Asked[] = [];
  const server = createServer((request, answer) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => {});
    answer.on('error', () => {});
    request.on('end', () => {
      const one = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      };
      asked.push(one);
      play(one, answer, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { asked, port, url: `http://127.0.0.1:${port}` };
}

type Given = { readonly prompt?: string | null; readonly env?: Readonly<Record<string, string>> };

export const clipHttp = join(root, 'bin/clip-http.js');

/** Starts clip-http as the keeper would. If `prompt` is null, its input stays open. It is ended with the test. */
export function startClipHttp(args: readonly string[], { prompt = 'Repair the fence.', env = {} }: Given = {}) {
  const child = spawn(process.execPath, [clipHttp, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: 'pipe',
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin.on('error', () => {});
  if (prompt !== null) child.stdin.end(prompt);
  let soFar = '';
  child.stdout.on('data', (chunk: Buffer) => {
    soFar += chunk.toString();
  });
  return { child: child as ChildProcess, ended: resultOf(child), soFar: () => soFar };
}

export function runClipHttp(args: readonly string[], given: Given = {}): Promise<Result> {
  return startClipHttp(args, given).ended;
}
