/** Streaming answers: JSON lines, with a bound on what is buffered for a slow client. */
import type { FastifyReply } from 'fastify';
import { jsonText } from '#run/cut-text.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';

const open = new Set<{ goodbye: () => void }>();

export type LineStream = {
  /** Sends one line. Resolves when the client can take more, with false if it has disconnected. */
  readonly send: (line: object) => Promise<boolean>;
  readonly end: () => void;
  readonly onClose: (action: () => void) => void;
  readonly closed: () => boolean;
};

/**
 * Takes over the reply. Throws if there are too many streams. A client that takes no data for 10 s while a line is
 * waiting is dropped.
 */
export function startLines(reply: FastifyReply, version: string): LineStream {
  if (open.size >= limits.streamsMax)
    throw new ClipError(
      'busy',
      `${open.size} clients follow or wait already, and that is the most.`,
      'End some of them, or ask without following: clip runs',
    );
  const { raw } = reply;
  reply.hijack();
  raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'clip-version': version, 'cache-control': 'no-store' });
  raw.flushHeaders();
  // A stream may be silent for hours. `write` below drops slow readers.
  raw.socket?.setTimeout(0);
  const actions: (() => void)[] = [];
  let closed = false;
  const handle = { goodbye: () => void (raw.end(`${JSON.stringify({ type: 'goodbye' })}\n`) as unknown) };
  open.add(handle);
  raw.on('error', () => raw.destroy());
  raw.on('close', () => {
    closed = true;
    open.delete(handle);
    for (const action of actions) action();
  });
  return {
    closed: () => closed,
    onClose: (action) => {
      if (closed) action();
      else actions.push(action);
    },
    end: () => void raw.end(),
    send: (line) => write(line),
  };

  function write(line: object): Promise<boolean> {
    if (closed || raw.writableEnded) return Promise.resolve(false);
    if (raw.write(`${jsonText(line)}\n`)) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => raw.destroy(), limits.slowClientMs);
      const done = () => {
        clearTimeout(timer);
        raw.off('drain', done);
        raw.off('close', done);
        resolve(!closed);
      };
      raw.on('drain', done);
      raw.on('close', done);
    });
  }
}

/** Says goodbye to all following clients, which then wait for the next daemon instead of starting one. */
export function closeStreams(): void {
  for (const { goodbye } of [...open]) goodbye();
}
