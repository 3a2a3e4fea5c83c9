import type { Socket } from 'node:net';
import type { FromKeeper, ToKeeper } from '#process/keeper-protocol.ts';
import { readMessage } from './messages.ts';
import { readLines } from './socket-lines.ts';

/** Maximum length of a request. It holds the command of a run, whose arguments take at most 1.5 MB. */
const lineBytesMax = 4 * 2 ** 20;
/** Maximum length of a greeting. */
const greetingBytesMax = 4 * 2 ** 10;
/** Time for a new connection to greet, as long as a daemon waits for the answer. */
const greetingMs = 10_000;
/**
 * Refusals before an ungreeted connection is dropped: a refusal costs the keeper more than a bad message costs its
 * sender.
 */
const refusalsMax = 32;

export type Hello = Extract<ToKeeper, { type: 'hello' }>;
export type Order = Exclude<ToKeeper, Hello>;

type ConnectionDeps = {
  /** Returns whether the connection is that of the current daemon. */
  readonly isDaemon: (connection: Connection) => boolean;
  /** Answers a greeting, and returns whether it is accepted. */
  readonly onHello: (connection: Connection, hello: Hello) => boolean;
  /** Carries out a message of the current daemon. */
  readonly onOrder: (connection: Connection, order: Order) => void;
  readonly onClose: (connection: Connection) => void;
};

/** A connection to the keeper's socket. It belongs to a daemon once its greeting was accepted. */
export class Connection {
  readonly #socket: Socket;
  readonly #deps: ConnectionDeps;
  #greeted = false;
  #refusals = 0;

  /** Reads the messages of the socket from now on. */
  constructor(socket: Socket, deps: ConnectionDeps) {
    this.#socket = socket;
    this.#deps = deps;
    const patience = setTimeout(() => !deps.isDaemon(this) && this.drop(), greetingMs);
    readLines(socket, {
      bytesMax: () => (this.#greeted ? lineBytesMax : greetingBytesMax),
      onLine: (line) => this.#take(line),
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(patience);
      deps.onClose(this);
    });
  }

  /** Returns whether the socket was dropped. */
  get isDropped(): boolean {
    return this.#socket.destroyed;
  }

  reply(message: FromKeeper): void {
    this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  /** Refuses a message, and drops a stranger that has been refused too often. */
  refuse(why: string): void {
    this.reply({ type: 'refused', id: null, why });
    this.#refusals += 1;
    if (!this.#deps.isDaemon(this) && this.#refusals >= refusalsMax) this.#socket.destroySoon();
  }

  /** Ends the connection after what was written. */
  end(): void {
    this.#socket.end();
  }

  /** Ends the connection at once. Its unread messages are dropped. */
  drop(): void {
    this.#socket.destroy();
  }

  #take(line: string): void {
    const message = readMessage(line);
    if (message === null) return this.refuse('This keeper does not know that message.');
    if (message.type === 'hello') {
      this.#greeted = this.#deps.onHello(this, message);
      return;
    }
    if (!this.#greeted || !this.#deps.isDaemon(this)) return this.refuse('Say hello first.');
    this.#deps.onOrder(this, message);
  }
}
