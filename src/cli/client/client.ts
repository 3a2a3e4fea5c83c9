/** The client: requests over the socket, streams that reconnect, and the start of the daemon when a command may start it. */

import { accessSync, constants } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { findForeignFiles, type Home, validateHome } from '#config/home.ts';
import { missingForBoot } from '#launch/autostart.ts';
import { version } from '#launch/version.ts';
import { isLaterRelease } from '#run/compare-versions.ts';
import { ClipError, isErrorCode } from '#run/errors.ts';
import { comesBack } from './daemon-returns.ts';
import { linesIn } from './json-lines.ts';
import { startDaemon } from './start-daemon.ts';

export type Client = ReturnType<typeof createClient>;
type Body = Buffer | string | Readable | null;
export type Line = Readonly<Record<string, unknown>>;
/** How a connection was lost: the daemon said goodbye, or the connection broke. */
export type Lost = 'stopped' | 'gone';

/** A daemon that does not answer for this long is suspended (SIGSTOP) or has failed. */
const requestMs = 15_000;
const reconnectMs = 300;
const doorMs = 20;
/**
 * The pauses of a client whose request the daemon refuses for want of capacity. They grow, and are random so that
 * clients do not return all at once.
 */
const busyMs = 250;
/** The number of broken connections that are retried. A daemon that dies, or is briefly out of descriptors, breaks them. */
const droppedMax = 8;
const busyMsMax = 5_000;

/** The run that contains this command. The daemon identifies the caller by it. */
export type Inside = { readonly runId: string; readonly token: string } | null;

export function createClient(options: {
  home: Home;
  maySpawn: boolean;
  inside: Inside;
  notice: (text: string) => void;
}) {
  const { home, notice } = options;
  let maySpawn = options.maySpawn;
  let warned = false;
  let dropped = 0;

  /**
   * Sends a request and returns the head of its response. Starts the daemon if it is not running, but only for the
   * first request.
   */
  async function open(
    method: string,
    path: string,
    body: Body,
    type: string,
    stream: boolean,
  ): Promise<IncomingMessage> {
    refuseStranger(home);
    try {
      const answer = await send(
        { socketPath: home.socket, method, path, headers: insideHeaders(options.inside) },
        { body, type, stream },
      );
      maySpawn = false;
      dropped = 0;
      warn(answer.headers['clip-version']);
      return answer;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EACCES' || code === 'EPERM') throw noPermission(home, error);
      const broke = code === 'ECONNRESET' || code === 'EPIPE';
      // The daemon died during the request. Only a request that changes nothing is repeated.
      if (broke && method !== 'GET') throw brokeOff(error);
      if (code !== 'ENOENT' && code !== 'ECONNREFUSED' && !broke) {
        const trouble = validateHome(home);
        if (trouble) throw new ClipError('home_unusable', trouble.sentence, trouble.hint, error);
        throw new ClipError(
          'unreachable',
          `The daemon does not answer: ${(error as Error).message}.`,
          'See clip daemon status and clip daemon logs.',
          error,
        );
      }
      if (broke && dropped < droppedMax) {
        dropped += 1;
        await sleep(busyMs);
        return open(method, path, body, type, stream);
      }
      if (broke) throw droppedError(error);
      // After a clean stop the socket is gone. A socket without a listener was left by a killed daemon.
      if (!maySpawn && code === 'ECONNREFUSED' && (await comesBack(home)))
        return open(method, path, body, type, stream);
      if (!maySpawn)
        throw new ClipError(
          'unreachable',
          'The daemon is not running.',
          'Start it: clip daemon start (clip run -- COMMAND starts it, too).',
          error,
        );
      maySpawn = false;
      await startDaemon(home);
      const missing = missingForBoot(process.env);
      if (missing !== null)
        notice(
          `The daemon is not started at login any more: its unit names ${missing}, which is not there. Fix it: clip boot enable`,
        );
      return open(method, path, body, type, stream);
    }
  }

  function warn(theirs: string | string[] | undefined): void {
    if (warned || theirs === undefined || theirs === version) return;
    warned = true;
    const together = isLaterRelease(String(theirs), version)
      ? 'use that version to have all it can do'
      : 'clip daemon restart brings them together; live runs go on';
    notice(`This is clip ${version}, the daemon is clip ${theirs}: ${together}.`);
  }

  /** Sends one request and returns its whole response. A patient request has no time limit. */
  async function call<T>(method: string, path: string, body: unknown = null, patient = false): Promise<T> {
    return whenRoom(Date.now() + requestMs, () => callOnce<T>(method, path, body, patient));
  }

  /** Repeats what the daemon refused temporarily, because it was busy or the database was locked. Such a request had no effect. */
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

  async function callOnce<T>(method: string, path: string, body: unknown, patient: boolean): Promise<T> {
    const answer = await open(method, path, body === null ? null : JSON.stringify(body), 'application/json', patient);
    const text = await readText(answer);
    const value = parseJson(text);
    if ((answer.statusCode ?? 500) >= 400) throw toClipError(value, answer.statusCode ?? 0);
    return value as T;
  }

  /** Returns whether a daemon is running and answers. */
  const answers = (): Promise<boolean> =>
    call('GET', '/v1/daemon').then(
      () => true,
      () => false,
    );

  /** Yields the lines of one streaming response. Throws when the connection breaks. */
  async function* lines(method: string, path: string, body: Body = null): AsyncGenerator<Line> {
    const openStream = async () => {
      const stream = await open(method, path, body, 'application/x-ndjson', true);
      if ((stream.statusCode ?? 500) >= 400)
        throw toClipError(parseJson(await readText(stream)), stream.statusCode ?? 0);
      return stream;
    };
    // A body that is a stream can be sent only once.
    const answer = await whenRoom(body instanceof Readable ? 0 : Number.POSITIVE_INFINITY, openStream);
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
  async function* following(next: () => string | null, lost: (how: Lost) => void = sayLost): AsyncGenerator<Line> {
    let said = false;
    for (let path = next(); path !== null; path = next()) {
      try {
        for await (const line of lines('GET', path)) {
          said = false;
          if (line['type'] !== 'goodbye') yield line;
          else {
            said = true;
            lost('stopped');
          }
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

  function sayLost(how: Lost): void {
    if (how === 'stopped') notice('The daemon was stopped; its runs go on. Waiting for it: clip daemon start');
    else notice('The daemon has gone; waiting for it to come back (or start it: clip daemon start).');
  }

  return { call, answers, lines, following, home };
}

type SentRequest = { readonly body: Body; readonly type: string; readonly stream: boolean };

async function send(
  to: { socketPath: string; method: string; path: string; headers: Record<string, string> },
  { body, type, stream }: SentRequest,
): Promise<IncomingMessage> {
  const socket = await connectTo(to.socketPath);
  return new Promise((resolve, reject) => {
    const length =
      typeof body === 'string' || Buffer.isBuffer(body) ? { 'content-length': Buffer.byteLength(body) } : {};
    const headers = body === null ? {} : { 'content-type': type, ...length };
    const request = httpRequest({
      ...to,
      headers: { host: 'clip', ...to.headers, ...headers },
      createConnection: () => socket,
    });
    if (!stream)
      request.setTimeout(requestMs, () => request.destroy(new Error(`no answer within ${requestMs / 1_000} s`)));
    request.on('error', reject);
    request.on('response', resolve);
    // A stream is sent as it arrives. Its length is unknown.
    if (body instanceof Readable) body.on('error', (error) => request.destroy(error)).pipe(request);
    else request.end(body ?? undefined);
  });
}

/** Connects to the socket. When its queue is full (EAGAIN), nothing was sent yet, so it tries again until there is room. */
async function connectTo(path: string): Promise<Socket> {
  for (const until = Date.now() + requestMs; ; await sleep(doorMs)) {
    try {
      return await new Promise<Socket>((resolve, reject) => {
        const socket = connect(path, () => resolve(socket.off('error', reject)));
        socket.on('error', reject);
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || Date.now() > until) throw error;
    }
  }
}

function insideHeaders(inside: Inside): Record<string, string> {
  return inside === null ? {} : { 'clip-run': inside.runId, 'clip-run-token': inside.token };
}

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Returns the daemon's error as a ClipError. */
function toClipError(value: unknown, status: number): ClipError {
  const error = (value as { error?: { code?: string; message?: string; hint?: string | null } } | null)?.error;
  if (!error?.message)
    return new ClipError(
      'unreachable',
      `The daemon gave an answer that is not clip's (HTTP ${status}).`,
      'Is another program using the socket? clip doctor',
    );
  return new ClipError(
    error.code && isErrorCode(error.code) ? error.code : 'failed',
    error.message,
    error.hint ?? null,
  );
}

/** Refuses a home of another user. A request carries this shell's whole environment, which a foreign listener must not get. */
function refuseStranger(home: Home): void {
  const trouble = validateHome(home) ?? findForeignFiles(home, [basename(home.socket)]);
  if (trouble === null) return;
  try {
    accessSync(home.socket, constants.R_OK | constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') throw noPermission(home, error);
  }
  throw new ClipError('home_unusable', trouble.sentence, trouble.hint);
}

/** Explains a dropped connection. A daemon without a free file descriptor accepts a connection only to close it. */
function droppedError(cause: unknown): ClipError {
  return new ClipError(
    'unreachable',
    'The daemon drops every connection: it may have reached its limit of open files, or it dies at each request.',
    'See clip daemon logs; its limits: /proc/$(pgrep -f clipd)/limits. A restart leaves runs alive: clip daemon restart',
    cause,
  );
}

function brokeOff(cause: unknown): ClipError {
  return new ClipError(
    'unreachable',
    'The connection to the daemon broke before it answered: what was asked may have been done, or not.',
    'Look first: clip runs. A run that is submitted with --key can be submitted again without harm.',
    cause,
  );
}

function noPermission(home: Home, cause: unknown): ClipError {
  return new ClipError(
    'no_permission',
    `The socket ${home.socket} may not be used from here; the daemon may well be running.`,
    'Inside an agent sandbox, allow Unix sockets (for instance allowAllUnixSockets, or a writable path for the home of clip).',
    cause,
  );
}
