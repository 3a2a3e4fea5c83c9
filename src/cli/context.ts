/** The context of a command: where to write, the style of its output, and a client on demand. */
import { isatty } from 'node:tty';
import { type Home, locateHome } from '#config/home.ts';
import { visibleJson } from '#run/control-chars.ts';
import { ClipError } from '#run/errors.ts';
import { markVariable } from '#run/leader.ts';
import { Client, type Inside } from './client/client.ts';
import { writeAll } from './fast-path.ts';
import { cleanText, forTerminal } from './terminal/clean.ts';
import { readTextStyle, type TextStyle } from './terminal/style.ts';

export type Context = {
  readonly env: NodeJS.ProcessEnv;
  /** Returns the current folder. Throws when it has been deleted. */
  readonly cwd: () => string;
  readonly home: Home;
  readonly json: boolean;
  readonly look: TextStyle;
  /** Prints a result to stdout. */
  readonly print: (text: string) => void;
  readonly printJson: (value: object) => void;
  /** Prints a notice to stderr. */
  readonly notice: (text: string) => void;
  /** Prints an error about one of several requested things to stderr. */
  readonly complain: (error: Complaint) => void;
  /** Returns a client that may start the daemon, or one that may not. */
  readonly client: (maySpawn?: boolean) => Client;
  /** The id of the run that contains this command. */
  readonly insideRun: string | null;
};

/** Creates the context from the global options. */
export function createContext(options: { json: boolean; color: string; quiet: boolean }): Context {
  const { env } = process;
  const home = locateHome(env);
  const notice = (text: string) => {
    if (!options.quiet) printText(2, `${text}\n`);
  };
  return {
    env,
    cwd: currentFolder,
    home,
    json: options.json,
    look: readTextStyle(options.color, env, isatty(1) ? process.stdout : { isTTY: false, columns: 0 }),
    print: (text) => printText(1, text.endsWith('\n') ? text : `${text}\n`),
    printJson: (value) => writeText(1, `${visibleJson(value)}\n`),
    notice,
    complain: (error) => complain(error, options.json),
    client: (maySpawn = true) => new Client({ home, maySpawn, inside: readEnclosingRun(env), notice }),
    insideRun: env[markVariable] || null,
  };
}

/** Returns null outside of a run. */
function readEnclosingRun(env: NodeJS.ProcessEnv): Inside {
  const [runId, token] = [env[markVariable], env['CLIP_RUN_TOKEN']];
  return runId && token ? { runId, token } : null;
}

function currentFolder(): string {
  try {
    return process.cwd();
  } catch (error) {
    throw new ClipError(
      'not_found',
      'The current folder does not exist any more.',
      'Go to another one, or name the work folder: --cwd DIR',
      error,
    );
  }
}

type Complaint = { readonly code: string; readonly message: string; readonly hint: string | null };

/**
 * Prints an error. It is cleaned for pipes as well, because it quotes arguments and texts of the daemon, a file or
 * another program.
 */
export function complain({ code, message, hint }: Complaint, json: boolean): void {
  const lines = [message, hint].flatMap((part) => (part === null ? [] : [cleanText(part)]));
  makeWay?.();
  writeText(2, json ? `${visibleJson({ error: { code, message, hint } })}\n` : `clip: ${lines.join('\n      ')}\n`);
}

let makeWay: (() => void) | null = null;

/** Sets a function that runs before any output, for example to clear a progress line. */
export function beforeSaying(act: (() => void) | null): void {
  makeWay = act;
}

/** Prints text for people. A pipe gets it unchanged, a terminal sanitized. */
export function printText(fd: 1 | 2, text: string): void {
  makeWay?.();
  writeText(fd, isatty(fd) ? forTerminal(text) : text);
}

/** Writes synchronously and in order, also right before the process ends. Throws ClipError when that fails. */
export function writeText(fd: 1 | 2, content: string | Buffer): void {
  try {
    writeAll(fd, typeof content === 'string' ? Buffer.from(content) : content);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // The reader has gone (`| head`), so the process ends as with SIGPIPE.
    if (code === 'EPIPE') process.kill(process.pid, 'SIGPIPE');
    if (code === 'EPIPE' || code === 'EIO') return;
    throw new ClipError(
      'failed',
      `Standard ${fd === 1 ? 'output' : 'error'} cannot be written: ${message}.`,
      'Is the disk full?',
      error,
    );
  }
}
