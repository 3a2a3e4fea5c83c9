/** A connection to a keeper. */
import { connect, type Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { z } from 'zod';
import { limits } from '#run/limits.ts';
import type { FromKeeper, ToKeeper } from './keeper-protocol.ts';
import { exitCodeSchema, leaderSchema, momentSchema, signalSchema } from './run-folder-reader.ts';

/** The time for one answer of a keeper, which scans a process table. */
const keeperAnswerMs = 10_000;

const resource = z.tuple([z.number().nullable(), z.number().nullable()]);
const traits = z.object({ nice: z.int(), mayRaise: z.boolean(), limits: z.record(z.string(), resource).nullable() });
const proof = z.enum(['leader', 'group', 'cgroup', 'mark', 'kernel-mark', 'session', 'descent', 'seen']);
const identity = { pid: z.int(), startTime: z.number(), command: z.string(), proof };
const member = z.object({
  ...identity,
  bootId: z.string(),
  pidNamespace: z.string().nullish(),
  ppid: z.int(),
  pgid: z.int(),
  session: z.int(),
});

const message: z.ZodType<FromKeeper> = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    protocol: z.int(),
    revision: z.int().optional(),
    version: z.string(),
    pid: z.int(),
    runs: z.array(z.object({ id: z.string(), leader: leaderSchema, at: momentSchema })),
    pidNamespace: z.string().nullish(),
    traits: traits.optional(),
    containment: z.object({ kind: z.enum(['cgroup', 'mark']), kernelMark: z.boolean() }).optional(),
  }),
  z.object({
    type: z.literal('started'),
    id: z.string(),
    leader: leaderSchema,
    at: momentSchema,
    lacking: z.array(z.string()).optional(),
  }),
  z.object({ type: z.literal('already-launched'), id: z.string() }),
  z.object({ type: z.literal('withdrawn'), id: z.string(), attempt: z.string().optional() }),
  z.object({ type: z.literal('failed'), id: z.string(), errorCode: z.string(), message: z.string() }),
  z
    .object({
      type: z.literal('exited'),
      id: z.string(),
      code: exitCodeSchema,
      signal: signalSchema,
      at: momentSchema,
      byDeadline: z.boolean(),
      tick: z.number().optional(),
    })
    .refine(({ code, signal }) => (code === null) !== (signal === null)),
  z.object({ type: z.literal('pong'), n: z.int(), sleptMs: z.number() }),
  z.object({
    type: z.literal('found'),
    n: z.int(),
    members: z.array(member),
    unexamined: z.int(),
    everythingReadable: z.boolean(),
    vanished: z.int(),
    shared: z.boolean(),
    populated: z.boolean(),
  }),
  z.object({
    type: z.literal('signalled'),
    n: z.int(),
    targets: z.array(z.object({ ...identity, signal: z.string(), sent: z.boolean() })),
  }),
  z.object({
    type: z.literal('refused'),
    id: z.string().nullable(),
    why: z.string(),
    shortage: z.boolean().optional(),
    attempt: z.string().optional(),
  }),
]) as z.ZodType<FromKeeper>;

export type KeeperHello = Extract<FromKeeper, { type: 'hello' }>;
export type KeeperAnswer = Extract<FromKeeper, { type: 'pong' | 'found' | 'signalled' }>;
/** A message of a keeper about runs. */
export type KeeperNotice = Exclude<FromKeeper, KeeperHello | KeeperAnswer>;
/** A request with a number that its answer repeats. */
export type KeeperQuestion = Extract<ToKeeper, { n: number }>;

export type KeeperConnection = {
  readonly hello: KeeperHello;
  readonly send: (message: ToKeeper) => void;
  /**
   * Sends a request and waits for the answer. Rejects if none arrives within `keeperAnswerMs`, or if the connection
   * closes.
   */
  readonly ask: <A extends KeeperAnswer>(
    question: {
      [K in KeeperQuestion['type']]: Omit<Extract<KeeperQuestion, { type: K }>, 'n'>;
    }[KeeperQuestion['type']],
  ) => Promise<A>;
  readonly end: () => void;
};

export type KeeperHandlers = {
  /** Called with all notices of one chunk, so they can be recorded in one transaction. */
  readonly onNotices: (notices: readonly KeeperNotice[]) => void;
  /** Called for any message. */
  readonly onHeard?: () => void;
  readonly onClose: () => void;
};

/** A greeting in progress. */
export type Greeting = {
  /** Rejects if no process listens, or the keeper refuses. Stays pending while the keeper is suspended. */
  readonly greeted: Promise<KeeperConnection>;
  /** Sends a message after the greeting, which may still be unread. */
  readonly send: (message: ToKeeper) => void;
  readonly end: () => void;
};

/** Connects and sends the greeting. */
export function connectKeeper(
  path: string,
  hello: Extract<ToKeeper, { type: 'hello' }>,
  handlers: KeeperHandlers,
): Greeting {
  const socket = connect(path);
  const questions = createQuestions(socket);
  const greeted = new Promise<KeeperConnection>((resolve, reject) => {
    let isGreeted = false;
    socket.on('connect', () => send(socket, hello));
    socket.on('error', (error) => {
      if (!isGreeted) reject(error);
    });
    socket.on('close', () => {
      questions.close();
      if (isGreeted) handlers.onClose();
      else reject(new Error('The keeper closed the connection.'));
    });
    onMessages(socket, (messages) => {
      handlers.onHeard?.();
      const notices: KeeperNotice[] = [];
      for (const next of messages) {
        if (next.type === 'hello') {
          isGreeted = true;
          resolve({
            hello: next,
            send: (request) => send(socket, request),
            ask: questions.ask,
            end: () => socket.end(),
          });
        } else if (isAnswer(next)) questions.answered(next);
        else notices.push(next);
      }
      const refusal = notices.find((notice) => notice.type === 'refused' && notice.id === null);
      if (!isGreeted && refusal) return socket.destroy(new Error(refusal.type === 'refused' ? refusal.why : ''));
      if (notices.length > 0) handlers.onNotices(notices);
    });
  });
  return { greeted, send: (request) => send(socket, request), end: () => socket.end() };
}

function isAnswer(message: FromKeeper): message is KeeperAnswer {
  return message.type === 'pong' || message.type === 'found' || message.type === 'signalled';
}

type Waiting = {
  readonly resolve: (answer: KeeperAnswer) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
};

function createQuestions(socket: Socket) {
  const waiting = new Map<number, Waiting>();
  let last = 0;
  const take = (n: number): Waiting | undefined => {
    const found = waiting.get(n);
    waiting.delete(n);
    if (found) clearTimeout(found.timer);
    return found;
  };
  const ask: KeeperConnection['ask'] = (question) =>
    new Promise((resolve, reject) => {
      last += 1;
      const n = last;
      const timer = setTimeout(() => take(n)?.reject(new Error('The keeper does not answer.')), keeperAnswerMs);
      waiting.set(n, { resolve: resolve as Waiting['resolve'], reject, timer });
      send(socket, { ...question, n } as ToKeeper);
    });
  return {
    ask,
    answered: (answer: KeeperAnswer) => take(answer.n)?.resolve(answer),
    close(): void {
      for (const n of [...waiting.keys()]) take(n)?.reject(new Error('The keeper has gone.'));
    },
  };
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
    if (rest.length > limits.keeperLineBytesMax)
      return void socket.destroy(new Error('The keeper sent an endless line.'));
    const messages: FromKeeper[] = [];
    for (const line of lines) {
      const parsed = message.safeParse(parseJson(line));
      // A message of a newer keeper. Recovery sees its effect on a run in the run folder.
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
