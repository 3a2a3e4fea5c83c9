/** What every verb gets: where to write, how it should look, and a client when it needs one. */
import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { type Home, locateHome } from '../config/home.ts';
import { ClipError } from '../run/errors.ts';
import { markVariable } from '../run/run.ts';
import { visibleJson } from '../run/unseen.ts';
import { type Client, createClient, type Inside } from './client.ts';
import { cleanText, forTerminal, type Look, lookOf } from './words.ts';

export type Context = {
  readonly env: NodeJS.ProcessEnv;
  /** The current folder; throws when it has been deleted. */
  readonly cwd: () => string;
  readonly home: Home;
  readonly json: boolean;
  readonly look: Look;
  /** To stdout: results only. */
  readonly print: (text: string) => void;
  readonly printJson: (value: object) => void;
  /** To stderr: notices. */
  readonly notice: (text: string) => void;
  /** To stderr: what is wrong with one of several things that were asked for. */
  readonly complain: (error: Complaint) => void;
  /** A client that may start the daemon, or one that may not. */
  readonly client: (maySpawn?: boolean) => Client;
  /** Id of the run that this command itself is part of. */
  readonly insideRun: string | null;
};

export function createContext(options: { json: boolean; color: string; quiet: boolean }): Context {
  const { env } = process;
  const home = locateHome(env);
  const notice = (text: string) => {
    if (!options.quiet) say(2, `${text}\n`);
  };
  return {
    env,
    cwd: currentFolder,
    home,
    json: options.json,
    look: lookOf(options.color, env, isatty(1) ? process.stdout : { isTTY: false, columns: 0 }),
    print: (text) => say(1, text.endsWith('\n') ? text : `${text}\n`),
    printJson: (value) => writeText(1, `${visibleJson(value)}\n`),
    notice,
    complain: (error) => complain(error, options.json),
    client: (maySpawn = true) => createClient({ home, maySpawn, inside: insideOf(env), notice }),
    insideRun: env[markVariable] || null,
  };
}

/** Null outside of a run. */
function insideOf(env: NodeJS.ProcessEnv): Inside {
  const [runId, token] = [env[markVariable], env['CLIP_RUN_TOKEN']];
  return runId && token ? { runId, token } : null;
}

function currentFolder(): string {
  try {
    return process.cwd();
  } catch (error) {
    throw new ClipError('not_found', 'The current folder does not exist any more.', 'Go to another one, or name the work folder: --cwd DIR', error);
  }
}

/** A pipe that is full is tried again after so long: 64 KiB at a time, that is more than any reader takes. */
const pipeFullMs = 0.2;

type Complaint = { readonly code: string; readonly message: string; readonly hint: string | null };

/** Cleaned for pipes as well: it quotes what was asked for, and what the daemon, a file or another program has said. */
export function complain({ code, message, hint }: Complaint, json: boolean): void {
  const lines = [message, hint].flatMap((part) => (part === null ? [] : [cleanText(part)]));
  makeWay?.();
  writeText(2, json ? `${visibleJson({ error: { code, message, hint } })}\n` : `clip: ${lines.join('\n      ')}\n`);
}

let makeWay: (() => void) | null = null;

/** What is done before something is said: a line that is rewritten in its place goes out of the way. */
export function beforeSaying(act: (() => void) | null): void {
  makeWay = act;
}

/** What people read; a program that reads it gets what is there. */
export function say(fd: 1 | 2, text: string): void {
  makeWay?.();
  writeText(fd, isatty(fd) ? forTerminal(text) : text);
}

/** Written at once and in order, also when the process ends right after. */
export function writeText(fd: 1 | 2, content: string | Buffer): void {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // The reader has gone (`| head`): as with SIGPIPE, there is nothing left to do.
      if (code === 'EPIPE') process.kill(process.pid, 'SIGPIPE');
      if (code === 'EPIPE' || code === 'EIO') return;
      if (code === 'EAGAIN') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pipeFullMs);
      else
        throw new ClipError('failed', `Standard ${fd === 1 ? 'output' : 'error'} cannot be written: ${(error as Error).message}.`, 'Is the disk full?', error);
    }
  }
}
