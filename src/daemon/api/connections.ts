/**
 * Limits open connections. A client may connect and stay silent, or send half a request and stop. Above the limit,
 * the connections that have been inactive longest are dropped, so active clients are served.
 *
 *  - idle: connected, with no request that has begun;
 *  - arriving: the head of a request is here, its body is not;
 *  - asking: a whole request is being answered, or a stream goes on. Never dropped for others.
 */
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { limits } from '#run/limits.ts';

type State = 'idle' | 'arriving' | 'asking';
type Connection = { state: State; since: number };

export function createConnections(deps: { readonly now: () => number; readonly refusal: string }) {
  const guests = new Map<Socket, Connection>();
  let timer: NodeJS.Timeout | null = null;

  function welcome(socket: Socket): void {
    guests.set(socket, { state: 'idle', since: deps.now() });
    socket.once('close', () => guests.delete(socket));
    makeRoom();
    // All connections are active, and there are as many as can be served.
    if (guests.size > limits.connectionsBurstMax) dismiss(socket, deps.refusal);
  }

  /** Drops inactive connections above the limit. New connections get a grace period while the burst limit allows it. */
  function makeRoom(): void {
    const before = deps.now() - limits.idleGraceMs;
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

  function longest(state: State): [Socket, Connection] | null {
    let found: [Socket, Connection] | null = null;
    for (const each of guests)
      if (each[1].state === state && (found === null || each[1].since < found[1].since)) found = each;
    return found;
  }

  function dismiss(socket: Socket, words: string | null = null): void {
    guests.delete(socket);
    if (words === null) socket.destroy();
    else socket.end(words, () => socket.destroy());
  }

  return {
    /** Registers the hooks. Must be called before the server listens. */
    attach(api: FastifyInstance): void {
      api.server.on('connection', welcome);
      const set = (socket: Socket, state: State) => {
        const guest = guests.get(socket);
        if (guest) Object.assign(guest, { state, since: deps.now() });
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
