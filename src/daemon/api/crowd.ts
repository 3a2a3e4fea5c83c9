/**
 * Who is connected. Anybody may connect, say nothing and stay, or send half a request and stop. There is room for many,
 * and when there are more, those go first who have waited longest without asking anything: whoever asks gets in.
 *
 *  - idle: connected, with no request that has begun;
 *  - arriving: the head of a request is here, its body is not;
 *  - asking: a whole request is being answered, or a stream goes on. Never dropped for others.
 */
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { limits } from '../../run/limits.ts';

type State = 'idle' | 'arriving' | 'asking';
type Guest = { state: State; since: number };

export function createCrowd(world: { readonly now: () => number; readonly refusal: string }) {
  const guests = new Map<Socket, Guest>();
  let timer: NodeJS.Timeout | null = null;

  function welcome(socket: Socket): void {
    guests.set(socket, { state: 'idle', since: world.now() });
    socket.once('close', () => guests.delete(socket));
    makeRoom();
    // As many ask something as can be served at all.
    if (guests.size > limits.connectionsBurstMax) dismiss(socket, world.refusal);
  }

  /** Those who have just come may be about to ask: they have a moment, as long as there is room at all. */
  function makeRoom(): void {
    const before = world.now() - limits.idleGraceMs;
    for (const state of ['idle', 'arriving'] as const) {
      while (guests.size > limits.connectionsMax) {
        const [socket, guest] = longest(state) ?? [];
        if (!socket || !guest || (guest.since > before && guests.size <= limits.connectionsBurstMax)) break;
        dismiss(socket);
      }
    }
    if (guests.size > limits.connectionsMax) lookAgain();
  }

  function lookAgain(): void {
    if (timer !== null) return;
    timer = setTimeout(() => {
      timer = null;
      makeRoom();
    }, limits.idleGraceMs).unref();
  }

  function longest(state: State): [Socket, Guest] | null {
    let found: [Socket, Guest] | null = null;
    for (const each of guests) if (each[1].state === state && (found === null || each[1].since < found[1].since)) found = each;
    return found;
  }

  function dismiss(socket: Socket, words: string | null = null): void {
    guests.delete(socket);
    if (words === null) socket.destroy();
    else socket.end(words, () => socket.destroy());
  }

  return {
    /** Before it listens. */
    attach(api: FastifyInstance): void {
      api.server.on('connection', welcome);
      const set = (socket: Socket, state: State) => {
        const guest = guests.get(socket);
        if (guest) Object.assign(guest, { state, since: world.now() });
      };
      api.addHook('onRequest', async ({ raw }, reply) => {
        const { 'content-length': length, 'transfer-encoding': encoding } = raw.headers;
        set(raw.socket, encoding === undefined && (length === undefined || length === '0') ? 'asking' : 'arriving');
        reply.raw.once('close', () => set(raw.socket, 'idle'));
      });
      api.addHook('preHandler', async ({ raw }) => set(raw.socket, 'asking'));
    },
  };
}
