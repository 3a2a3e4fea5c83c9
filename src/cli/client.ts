/** The client: requests over the socket, streams that reconnect, and the start of the daemon when a verb may. */

import { accessSync, constants } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { type Home, strangersIn, troubleWithHome } from '../config/home.ts';
import { missingForBoot } from '../launch/boot.ts';
import { version } from '../launch/version.ts';
import { ClipError, isErrorCode } from '../run/errors.ts';
import { isLaterRelease } from '../run/release.ts';
import { startDaemon } from './start-daemon.ts';

export type Client = ReturnType<typeof createClient>;
type Body = Buffer | string | Readable | null;
export type Line = Readonly<Record<string, unknown>>;
/** It said goodbye, or it broke off. */
export type Lost = 'stopped' | 'gone';

/** A daemon that is there but says nothing for so long is stopped (SIGSTOP) or in trouble. */
const requestMs = 15_000;
const reconnectMs = 300;
const doorMs = 20;

/** Of the run that this command is a part of: the daemon knows by it who acts. */
export type Inside = { readonly runId: string; readonly token: string } | null;

export function createClient(options: { home: Home; maySpawn: boolean; inside: Inside; notice: (text: string) => void }) {
  const { home, notice } = options;
  let maySpawn = options.maySpawn;
  let warned = false;

  /** Sends a request and returns its answer's head; starts the daemon if nobody is there, but only the first time. */
  async function open(method: string, path: string, body: Body, type: string, stream: boolean): Promise<IncomingMessage> {
    refuseStranger(home);
    try {
      const answer = await send({ socketPath: home.socket, method, path, headers: insideHeaders(options.inside) }, { body, type, stream });
      maySpawn = false;
      warn(answer.headers['clip-version']);
      return answer;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EACCES' || code === 'EPERM') throw noPermission(home, error);
      const broke = code === 'ECONNRESET' || code === 'EPIPE';
      // It died with the question in its hands: one that changes nothing is asked again.
      if (broke && method !== 'GET') throw brokeOff(error);
      if (code !== 'ENOENT' && code !== 'ECONNREFUSED' && !broke) {
        const trouble = troubleWithHome(home);
        if (trouble) throw new ClipError('home_unusable', trouble.sentence, trouble.hint, error);
        throw new ClipError('unreachable', `The daemon does not answer: ${(error as Error).message}.`, 'See clip daemon status and clip daemon logs.', error);
      }
      if (!maySpawn)
        throw new ClipError('unreachable', 'The daemon is not running.', 'Start it: clip daemon start (clip run -- COMMAND starts it, too).', error);
      maySpawn = false;
      await startDaemon(home);
      const missing = missingForBoot(process.env);
      if (missing !== null) notice(`The daemon is not started at login any more: its unit names ${missing}, which is not there. Mend it: clip boot enable`);
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

  /** One request and its whole answer. A patient one waits for as long as it takes. */
  async function call<T>(method: string, path: string, body: unknown = null, patient = false): Promise<T> {
    const answer = await open(method, path, body === null ? null : JSON.stringify(body), 'application/json', patient);
    const text = await readText(answer);
    const value = parseJson(text);
    if ((answer.statusCode ?? 500) >= 400) throw errorOf(value, answer.statusCode ?? 0);
    return value as T;
  }

  /** Whether a daemon is there and answers. */
  const answers = (): Promise<boolean> =>
    call('GET', '/v1/daemon').then(
      () => true,
      () => false,
    );

  /** The lines of one streaming answer; ends when it ends, throws when the connection breaks. */
  async function* lines(method: string, path: string, body: Body = null): AsyncGenerator<Line> {
    const answer = await open(method, path, body, 'application/x-ndjson', true);
    if ((answer.statusCode ?? 500) >= 400) throw errorOf(parseJson(await readText(answer)), answer.statusCode ?? 0);
    const broke = (cause: unknown) => new ClipError('unreachable', 'The connection to the daemon broke.', null, cause);
    let broken: Error | null = null;
    answer.on('error', (error) => {
      broken = error;
    });
    try {
      for await (const line of createInterface({ input: answer, crlfDelay: Number.POSITIVE_INFINITY })) {
        if (line !== '') yield JSON.parse(line) as Line;
      }
    } catch (error) {
      // A daemon that dies in the middle breaks the reading, or leaves half a line.
      throw answer.complete ? error : broke(error);
    }
    if (broken !== null || !answer.complete) throw broke(broken);
  }

  /**
   * The same, for as long as the caller wants: when the daemon goes, it waits for the next one and asks
   * again. `next` gives the path to ask, with the cursor as it stands, or null when all has been seen.
   * `lost` is told once each time that there is nobody any more.
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
        // Only what a connection died of is worth another try: not an answer, nor a start that failed or is forbidden.
        const gone = error instanceof ClipError && error.code === 'unreachable' && error.cause !== undefined;
        if (!gone) throw error;
        if (!said) lost('gone');
        said = true;
      }
      await new Promise((resolve) => setTimeout(resolve, reconnectMs));
    }
  }

  function sayLost(how: Lost): void {
    if (how === 'stopped') notice('The daemon was stopped; its runs go on. Waiting for it: clip daemon start');
    else notice('The daemon has gone; waiting for it to come back (clip daemon start, if nobody does).');
  }

  return { call, answers, lines, following, home };
}

type Sent = { readonly body: Body; readonly type: string; readonly stream: boolean };

async function send(
  to: { socketPath: string; method: string; path: string; headers: Record<string, string> },
  { body, type, stream }: Sent,
): Promise<IncomingMessage> {
  const socket = await connectTo(to.socketPath);
  return new Promise((resolve, reject) => {
    const length = typeof body === 'string' || Buffer.isBuffer(body) ? { 'content-length': Buffer.byteLength(body) } : {};
    const headers = body === null ? {} : { 'content-type': type, ...length };
    const request = httpRequest({ ...to, headers: { host: 'clip', ...to.headers, ...headers }, createConnection: () => socket });
    if (!stream) request.setTimeout(requestMs, () => request.destroy(new Error(`no answer within ${requestMs / 1_000} s`)));
    request.on('error', reject);
    request.on('response', resolve);
    // A stream is sent as it comes; its length is not known.
    if (body instanceof Readable) body.on('error', (error) => request.destroy(error)).pipe(request);
    else request.end(body ?? undefined);
  });
}

/** So many wait at the door that the system takes no more (EAGAIN): nothing was said yet, so it is tried again until there is room. */
async function connectTo(path: string): Promise<Socket> {
  for (const until = Date.now() + requestMs; ; await new Promise((resolve) => setTimeout(resolve, doorMs))) {
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

/** The daemon's error, as it said it. */
function errorOf(value: unknown, status: number): ClipError {
  const error = (value as { error?: { code?: string; message?: string; hint?: string | null } } | null)?.error;
  if (!error?.message)
    return new ClipError('unreachable', `The daemon gave an answer that is not clip's (HTTP ${status}).`, 'Is another program using the socket? clip doctor');
  return new ClipError(error.code && isErrorCode(error.code) ? error.code : 'failed', error.message, error.hint ?? null);
}

/** A request carries this shell's whole environment: whoever listens in a home that is not ours gets nothing. */
function refuseStranger(home: Home): void {
  const trouble = troubleWithHome(home) ?? strangersIn(home, [basename(home.socket)]);
  if (trouble === null) return;
  try {
    accessSync(home.socket, constants.R_OK | constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') throw noPermission(home, error);
  }
  throw new ClipError('home_unusable', trouble.sentence, trouble.hint);
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
