/**
 * The client: requests over the socket, streams that reconnect, and the start of the daemon when a command may start
 * it.
 */
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Home } from '#config/home.ts';
import { version } from '#launch/version.ts';
import { isLaterRelease } from '#run/compare-versions.ts';
import { ClipError } from '#run/errors.ts';
import {
  brokenOff,
  droppedConnections,
  noAnswer,
  noPermission,
  notRunning,
  refuseStranger,
  toClipError,
} from './client-errors.ts';
import { comesBack } from './daemon-returns.ts';
import { exchange, requestMs } from './exchange.ts';
import { linesIn } from './json-lines.ts';
import type { Body } from './send-request.ts';

export type Line = Readonly<Record<string, unknown>>;
/** How a connection was lost: the daemon said goodbye, or the connection broke. */
export type Lost = 'stopped' | 'gone';

const reconnectMs = 300;
/**
 * The pauses of a client whose request the daemon refuses for want of capacity. They grow, and are random so that
 * clients do not return all at once.
 */
const busyMs = 250;
const busyMsMax = 5_000;
/** The number of retried connections. A daemon that dies, or is briefly out of descriptors, breaks connections. */
const droppedMax = 8;

/** The run that contains this command. The daemon identifies the caller by it. */
export type Inside = { readonly runId: string; readonly token: string } | null;

type ClientOptions = {
  readonly home: Home;
  /** Whether the first request may start the daemon. */
  readonly maySpawn: boolean;
  readonly inside: Inside;
  readonly notice: (text: string) => void;
};

/** The requests of one command. */
export class Client {
  readonly #home: Home;
  readonly #inside: Inside;
  readonly #notice: (text: string) => void;
  #maySpawn: boolean;
  #warned = false;
  /** The connections in a row that the daemon has dropped. */
  #dropped = 0;

  constructor({ home, maySpawn, inside, notice }: ClientOptions) {
    this.#home = home;
    this.#maySpawn = maySpawn;
    this.#inside = inside;
    this.#notice = notice;
  }

  /** Sends one request and returns its whole response. A patient request has no time limit. Throws ClipError. */
  async call<T>(method: string, path: string, body: unknown = null, patient = false): Promise<T> {
    const request = {
      method,
      path,
      body: body === null ? null : JSON.stringify(body),
      headers: insideHeaders(this.#inside),
      timeoutMs: patient ? null : requestMs,
    };
    return whenRoom(Date.now() + requestMs, async () => {
      const reply = await this.#repeat(method, async () => {
        const received = await exchange(this.#home.socket, request);
        this.#accept(received.version);
        return received;
      });
      const value = parseBody(reply.body);
      if (isRefusal(reply.status)) throw toClipError(value, reply.status);
      return value as T;
    });
  }

  /** Returns whether a daemon is running and answers. */
  answers(): Promise<boolean> {
    return this.call('GET', '/v1/daemon').then(
      () => true,
      () => false,
    );
  }

  /** Yields the lines of one streaming response. Throws unreachable when the connection breaks. */
  async *lines(method: string, path: string, body: Body = null): AsyncGenerator<Line> {
    // Only a stream needs Node's HTTP client.
    const { readBody, sendRequest } = await import('./send-request.ts');
    // A body that is a stream can be sent only once.
    const until = body instanceof Readable ? 0 : Number.POSITIVE_INFINITY;
    const answer = await whenRoom(until, async () => {
      const stream = await this.#repeat(method, async () => {
        const head = await sendRequest(this.#home.socket, { method, path, body }, insideHeaders(this.#inside));
        this.#accept(String(head.headers['clip-version'] ?? '') || null);
        return head;
      });
      const status = stream.statusCode ?? 500;
      if (isRefusal(status)) throw toClipError(parseBody(await readBody(stream)), status);
      return stream;
    });
    const broke = (cause: unknown) => new ClipError('unreachable', 'The connection to the daemon broke.', null, cause);
    let broken: Error | null = null;
    answer.on('error', (error) => {
      broken = error;
    });
    try {
      for await (const line of linesIn(answer)) {
        if (line !== '') yield JSON.parse(line) as Line;
      }
    } catch (error) {
      // A daemon that dies in the middle breaks the connection, or leaves an incomplete line.
      throw answer.complete ? error : broke(error);
    }
    if (broken !== null || !answer.complete) throw broke(broken);
  }

  /**
   * Yields lines across daemon restarts: when the daemon goes, it waits for the next one and asks again. `next` returns
   * the path with the current cursor, or null when everything was received. `lost` is called once for each loss of the
   * daemon.
   */
  async *following(
    next: () => string | null,
    lost: (how: Lost) => void = (how) => this.#notice(lossSentences[how]),
  ): AsyncGenerator<Line> {
    let said = false;
    for (let path = next(); path !== null; path = next()) {
      try {
        for await (const line of this.lines('GET', path)) {
          said = line['type'] === 'goodbye';
          if (said) lost('stopped');
          else yield line;
          if (next() === null) return;
        }
        if (!said) return;
      } catch (error) {
        // Only a broken connection is retried: not an error response, nor a start that failed or is forbidden.
        const gone = error instanceof ClipError && error.code === 'unreachable' && error.cause !== undefined;
        if (!gone) throw error;
        if (!said) lost('gone');
        said = true;
      }
      await sleep(reconnectMs);
    }
  }

  /** Sends a request. Repeats it as far as that is possible and harmless. */
  async #repeat<T>(method: string, send: () => Promise<T>): Promise<T> {
    for (;;) {
      refuseStranger(this.#home);
      try {
        return await send();
      } catch (error) {
        await this.#recover(method, error);
      }
    }
  }

  /** Notes that a daemon of this version answers. */
  #accept(theirs: string | null): void {
    this.#maySpawn = false;
    this.#dropped = 0;
    if (this.#warned || theirs === null || theirs === version) return;
    this.#warned = true;
    this.#notice(versionSentence(theirs));
  }

  /**
   * Returns when a failed request can be repeated: after a pause, or after the daemon was started. Throws otherwise.
   */
  async #recover(method: string, error: unknown): Promise<void> {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') throw noPermission(this.#home, error);
    if (code === 'ECONNRESET' || code === 'EPIPE') {
      // The daemon died during the request. Only a request that changes nothing is repeated.
      if (method !== 'GET') throw brokenOff(error);
      if (this.#dropped >= droppedMax) throw droppedConnections(error);
      this.#dropped += 1;
      await sleep(busyMs);
      return;
    }
    if (code !== 'ENOENT' && code !== 'ECONNREFUSED') throw noAnswer(this.#home, error);
    if (this.#maySpawn) return this.#startDaemon();
    // After a clean stop the socket is gone. A socket without a listener was left by a killed daemon.
    if (code === 'ENOENT' || !(await comesBack(this.#home))) throw notRunning(error);
  }

  async #startDaemon(): Promise<void> {
    this.#maySpawn = false;
    // Most commands find a daemon that runs.
    const { startDaemon } = await import('./start-daemon.ts');
    try {
      await startDaemon(this.#home);
    } catch (error) {
      // A start that failed for a reason that passes, such as a locked database, is tried again with the request.
      this.#maySpawn = true;
      throw error;
    }
    const { missingForBoot } = await import('#launch/autostart.ts');
    const missing = missingForBoot(process.env);
    if (missing !== null)
      this.#notice(
        `The daemon is not started at login any more: its unit names ${missing}, which is not there. ` +
          'Fix it: clip boot enable',
      );
  }
}

/**
 * Repeats what the daemon refused temporarily: it was busy, or its database was locked. Such a request had no effect.
 */
async function whenRoom<T>(until: number, work: () => Promise<T>): Promise<T> {
  for (let pause = busyMs; ; pause = Math.min(2 * pause, busyMsMax)) {
    try {
      return await work();
    } catch (error) {
      const passes = error instanceof ClipError && (error.code === 'busy' || error.code === 'database_locked');
      if (!passes || Date.now() > until) throw error;
      await sleep(pause * (0.5 + Math.random() / 2));
    }
  }
}

const lossSentences: Readonly<Record<Lost, string>> = {
  stopped: 'The daemon was stopped; its runs go on. Waiting for it: clip daemon start',
  gone: 'The daemon has gone; waiting for it to come back (or start it: clip daemon start).',
};

function versionSentence(theirs: string): string {
  const together = isLaterRelease(theirs, version)
    ? 'use that version to have all it can do'
    : 'clip daemon restart brings them together; live runs go on';
  return `This is clip ${version}, the daemon is clip ${theirs}: ${together}.`;
}

function isRefusal(status: number): boolean {
  return status >= 400;
}

/** Returns null for a body that is not JSON. */
function parseBody(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
}

function insideHeaders(inside: Inside): Record<string, string> {
  return inside === null ? {} : { 'clip-run': inside.runId, 'clip-run-token': inside.token };
}
