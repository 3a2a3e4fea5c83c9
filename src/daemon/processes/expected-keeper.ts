/** A keeper that a client is about to start, with traits that no present keeper can give. There is one at a time. */
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { limits } from '#run/limits.ts';
import { describe, type LogFunction } from '../core/log.ts';

type Expected = { readonly socketName: string; readonly arrived: Promise<void>; readonly run: string | null };

export class ExpectedKeeper {
  readonly #greetWhenThere: (socketName: string, ms: number) => Promise<void>;
  readonly #log: LogFunction;
  /** Runs that wait for it. */
  readonly #waiting = new Set<string>();
  #expected: Expected | null = null;

  /** `greetWhenThere` connects to a keeper that may not listen yet. */
  constructor(greetWhenThere: (socketName: string, ms: number) => Promise<void>, log: LogFunction) {
    this.#greetWhenThere = greetWhenThere;
    this.#log = log;
  }

  get isExpected(): boolean {
    return this.#expected !== null;
  }

  /** Expects a keeper, for this run or for a run that is about to be submitted. Returns the name of its socket. */
  expect(run: string | null): string {
    const socketName = newSocketName();
    const failed = (error: unknown) =>
      this.#log('warn', 'expected keeper did not connect', { socket: socketName, error: describe(error) });
    const arrived = this.#greetWhenThere(socketName, limits.keeperWantedMs)
      .catch(failed)
      .finally(() => {
        this.#expected = null;
      });
    this.#expected = { socketName, arrived, run };
    return socketName;
  }

  /** Returns the socket name of the keeper expected for this run, or null. */
  socketNameFor(run: string): string | null {
    return this.#expected?.run === run ? this.#expected.socketName : null;
  }

  /** Starts the run when the keeper has arrived, or will not come any more. Skipped if the run was withdrawn in the meantime. */
  startLater(run: string, start: () => void): void {
    this.#waiting.add(run);
    void this.#expected?.arrived.then(() => this.#waiting.delete(run) && start());
  }

  isWaiting(run: string): boolean {
    return this.#waiting.has(run);
  }

  /** Withdraws a run that waits for the keeper. Returns false if it does not. */
  withdraw(run: string): boolean {
    return this.#waiting.delete(run);
  }
}

/** Returns a new name of a keeper's socket. */
export function newSocketName(): string {
  return `keeper-${randomBytes(4).toString('hex')}.sock`;
}

/** Returns the names of the sockets of all keepers in this folder, including dead ones. */
export function listSocketNames(home: string): string[] {
  return readdirSync(home).filter((name) => /^keeper-[0-9a-f]+\.sock$/.test(name));
}
