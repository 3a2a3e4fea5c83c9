/** Answers that go on: JSON lines, with a bound on what a slow client may make us keep. */
import type { FastifyReply } from 'fastify';
import { ClipError } from '../../run/errors.ts';
import { limits } from '../../run/limits.ts';

const open = new Set<{ goodbye: () => void }>();

export type LineStream = {
  /** Sends one line; resolves when there is room for more. False when the client has gone. */
  readonly send: (line: object) => Promise<boolean>;
  readonly end: () => void;
  readonly onClose: (action: () => void) => void;
  readonly closed: () => boolean;
};

/** Takes the reply over; throws when there are too many already. A client that takes nothing for 10 s while something waits for it is dropped. */
export function startLines(reply: FastifyReply, version: string): LineStream {
  if (open.size >= limits.streamsMax)
    throw new ClipError('busy', `${open.size} clients follow or wait already, and that is the most.`, 'End some of them, or ask without following: clip runs');
  const { raw } = reply;
  reply.hijack();
  raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'clip-version': version, 'cache-control': 'no-store' });
  raw.flushHeaders();
  // A stream may be silent for hours; slow readers are dropped by `write` below.
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
    if (raw.write(`${JSON.stringify(line)}\n`)) return Promise.resolve(true);
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

/** Says goodbye to everybody who follows: they wait for the next daemon instead of starting one. */
export function closeStreams(): void {
  for (const { goodbye } of [...open]) goodbye();
}
