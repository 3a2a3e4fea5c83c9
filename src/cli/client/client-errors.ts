/** The errors of requests to the daemon, in words. */
import { accessSync, constants } from 'node:fs';
import { basename } from 'node:path';
import { findForeignFiles, type Home, validateHome } from '#config/home.ts';
import { ClipError, isErrorCode } from '#run/errors.ts';

/** Returns the error in a response of the daemon as a ClipError. */
export function toClipError(value: unknown, status: number): ClipError {
  const error = (value as { error?: { code?: string; message?: string; hint?: string | null } } | null)?.error;
  if (!error?.message)
    return new ClipError(
      'unreachable',
      `The daemon gave an answer that is not clip's (HTTP ${status}).`,
      'Is another program using the socket? clip doctor',
    );
  const code = error.code && isErrorCode(error.code) ? error.code : 'failed';
  return new ClipError(code, error.message, error.hint ?? null);
}

/**
 * Throws for a home of another user. A request carries this shell's whole environment, which a foreign listener must
 * not get.
 */
export function refuseStranger(home: Home): void {
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

/** Returns the error for a daemon that does not run, and may not be started by this command. */
export function notRunning(cause: unknown): ClipError {
  return new ClipError(
    'unreachable',
    'The daemon is not running.',
    'Start it: clip daemon start (clip run -- COMMAND starts it, too).',
    cause,
  );
}

/** Returns the error for a daemon that does not answer, or for a home that cannot be used. */
export function noAnswer(home: Home, cause: unknown): ClipError {
  const trouble = validateHome(home);
  if (trouble) return new ClipError('home_unusable', trouble.sentence, trouble.hint, cause);
  return new ClipError(
    'unreachable',
    `The daemon does not answer: ${(cause as Error).message}.`,
    'See clip daemon status and clip daemon logs.',
    cause,
  );
}

/** Returns the error for dropped connections. A daemon without a free file descriptor accepts one only to close it. */
export function droppedConnections(cause: unknown): ClipError {
  return new ClipError(
    'unreachable',
    'The daemon drops every connection: it may have reached its limit of open files, or it dies at each request.',
    'See clip daemon logs; its limits: /proc/$(pgrep -f clipd)/limits. ' +
      'A restart leaves runs alive: clip daemon restart',
    cause,
  );
}

/** Returns the error for a connection that broke after a request was sent that may have changed something. */
export function brokenOff(cause: unknown): ClipError {
  return new ClipError(
    'unreachable',
    'The connection to the daemon broke before it answered: what was asked may have been done, or not.',
    'Look first: clip runs. A run that is submitted with --key can be submitted again without harm.',
    cause,
  );
}

/** Returns the error for a socket that this process may not use. */
export function noPermission(home: Home, cause: unknown): ClipError {
  return new ClipError(
    'no_permission',
    `The socket ${home.socket} may not be used from here; the daemon may well be running.`,
    'Inside an agent sandbox, allow Unix sockets ' +
      '(for instance allowAllUnixSockets, or a writable path for the home of clip).',
    cause,
  );
}
