/** One connection to one keeper. */
import { connect, type Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { z } from 'zod';
import { limits } from '../run/limits.ts';
import type { FromKeeper, ToKeeper } from './keeper-wire.ts';
import { exitCodeSchema, leaderSchema, momentSchema, signalSchema } from './run-records.ts';

const message: z.ZodType<FromKeeper> = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    protocol: z.int(),
    version: z.string(),
    pid: z.int(),
    runs: z.array(z.object({ id: z.string(), leader: leaderSchema, at: momentSchema })),
  }),
  z.object({ type: z.literal('started'), id: z.string(), leader: leaderSchema, at: momentSchema }),
  z.object({ type: z.literal('already-launched'), id: z.string() }),
  z.object({ type: z.literal('failed'), id: z.string(), errorCode: z.string(), message: z.string() }),
  z
    .object({ type: z.literal('exited'), id: z.string(), code: exitCodeSchema, signal: signalSchema, at: momentSchema, byDeadline: z.boolean() })
    .refine(({ code, signal }) => (code === null) !== (signal === null)),
  z.object({ type: z.literal('refused'), id: z.string().nullable(), why: z.string() }),
]);

export type KeeperHello = Extract<FromKeeper, { type: 'hello' }>;
export type KeeperNotice = Exclude<FromKeeper, { type: 'hello' }>;

export type KeeperConnection = {
  readonly hello: KeeperHello;
  readonly send: (message: ToKeeper) => void;
  readonly end: () => void;
};

export type KeeperHandlers = {
  /** All notices that came in one piece, so that they can be recorded in one transaction. */
  readonly onNotices: (notices: readonly KeeperNotice[]) => void;
  readonly onClose: () => void;
};

const helloMs = 10_000;

/** Connects and says hello; rejects when nobody listens or the keeper refuses. */
export function connectKeeper(path: string, hello: Extract<ToKeeper, { type: 'hello' }>, handlers: KeeperHandlers): Promise<KeeperConnection> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const timer = setTimeout(() => socket.destroy(new Error('The keeper does not answer.')), helloMs);
    let greeted = false;
    socket.on('connect', () => send(socket, hello));
    socket.on('error', (error) => {
      if (!greeted) reject(error);
    });
    socket.on('close', () => {
      clearTimeout(timer);
      if (greeted) handlers.onClose();
      else reject(new Error('The keeper closed the connection.'));
    });
    onMessages(socket, (messages) => {
      const notices: KeeperNotice[] = [];
      for (const next of messages) {
        if (next.type !== 'hello') notices.push(next);
        else {
          greeted = true;
          clearTimeout(timer);
          resolve({ hello: next, send: (request) => send(socket, request), end: () => socket.end() });
        }
      }
      const refusal = notices.find((notice) => notice.type === 'refused' && notice.id === null);
      if (!greeted && refusal) return socket.destroy(new Error(refusal.type === 'refused' ? refusal.why : ''));
      if (notices.length > 0) handlers.onNotices(notices);
    });
  });
}

function send(socket: Socket, request: ToKeeper): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(request)}\n`);
}

function onMessages(socket: Socket, onBatch: (messages: FromKeeper[]) => void): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  socket.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > limits.keeperLineBytesMax) return void socket.destroy(new Error('The keeper sent an endless line.'));
    const messages: FromKeeper[] = [];
    for (const line of lines) {
      const parsed = message.safeParse(parseJson(line));
      // Something newer than we know: what it means for a run is seen in its folder at the next look around.
      if (parsed.success) messages.push(parsed.data);
    }
    if (messages.length > 0) onBatch(messages);
  });
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
