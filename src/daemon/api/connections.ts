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

/** The open connections. */
export class Connections {
  readonly #now: () => number;
  /** The answer to a client for which there is no room. */
  readonly #refusal: string;
  readonly #connections = new Map<Socket, Connection>();
  #timer: NodeJS.Timeout | null = null;

  constructor(deps: { readonly now: () => number; readonly refusal: string }) {
    this.#now = deps.now;
    this.#refusal = deps.refusal;
  }

  /** Registers the hooks. Must be called before the server listens. */
  attach(api: FastifyInstance): void {
    api.server.on('connection', (socket: Socket) => this.#add(socket));
    api.addHook('onRequest', async ({ raw }, reply) => {
      const { 'content-length': length, 'transfer-encoding': encoding } = raw.headers;
      const isWhole = encoding === undefined && (length === undefined || length === '0');
      this.#note(raw.socket, isWhole ? 'asking' : 'arriving');
      reply.raw.once('close', () => this.#note(raw.socket, 'idle'));
    });
    api.addHook('preHandler', async ({ raw }) => this.#note(raw.socket, 'asking'));
  }

  #add(socket: Socket): void {
    this.#connections.set(socket, { state: 'idle', since: this.#now() });
    socket.once('close', () => this.#connections.delete(socket));
    this.#makeRoom();
    // All connections are active, and there are as many as can be served.
    if (this.#connections.size > limits.connectionsBurstMax) this.#drop(socket, this.#refusal);
  }

  #note(socket: Socket, state: State): void {
    const connection = this.#connections.get(socket);
    if (connection) Object.assign(connection, { state, since: this.#now() });
  }

  /** Drops inactive connections above the limit. New connections get a grace period while the burst limit allows it. */
  #makeRoom(): void {
    const before = this.#now() - limits.idleGraceMs;
    for (const state of ['idle', 'arriving'] as const) {
      while (this.#connections.size > limits.connectionsMax) {
        const [socket, connection] = this.#longest(state) ?? [];
        if (!socket || !connection) break;
        if (connection.since > before && this.#connections.size <= limits.connectionsBurstMax) break;
        this.#drop(socket);
      }
    }
    if (this.#connections.size > limits.connectionsMax) this.#lookAgain();
  }

  #lookAgain(): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#makeRoom();
    }, limits.idleGraceMs).unref();
  }

  /** Returns the connection that has been in this state longest. */
  #longest(state: State): [Socket, Connection] | null {
    let found: [Socket, Connection] | null = null;
    for (const each of this.#connections)
      if (each[1].state === state && (found === null || each[1].since < found[1].since)) found = each;
    return found;
  }

  #drop(socket: Socket, words: string | null = null): void {
    this.#connections.delete(socket);
    if (words === null) socket.destroy();
    else socket.end(words, () => socket.destroy());
  }
}
