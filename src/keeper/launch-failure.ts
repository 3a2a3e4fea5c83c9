/** Describes why a process could not be started. */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import type { LaunchRecord } from '#process/run-folder.ts';
import { runFiles } from '#process/run-folder.ts';

export type Failure = { readonly code: string; readonly message: string };

/** Temporary shortages of the system, by error code. The run can be tried again. */
const shortages: Readonly<Record<string, string>> = {
  EAGAIN: 'the limit of processes is reached (EAGAIN)',
  EMFILE: 'too many files are open (EMFILE)',
  ENFILE: 'too many files are open on this machine (ENFILE)',
  ENOMEM: 'there is not enough memory (ENOMEM)',
};

/** Returns what the system is short of; null for a lasting error. */
export function describeShortage(error: NodeJS.ErrnoException): string | null {
  return shortages[error.code ?? ''] ?? null;
}

/** The PATH is quoted up to this length, which covers the first and most important folders. */
const pathLengthMax = 300;

/**
 * Describes where a command was searched. PATH is the only variable quoted in errors, because this error is useless
 * without it.
 */
function notFound(command: string, path: string | null): string {
  if (command.includes('/')) return `The command ${command} was not found.`;
  if (path === null) return `The command ${command} was not found: the run's environment has no PATH.`;
  const quoted = path.length <= pathLengthMax ? path : `${path.slice(0, path.lastIndexOf(':', pathLengthMax))}:…`;
  return `The command ${command} was not found in the run's PATH, ${quoted}`;
}

/** The length of a first line that names an interpreter. The kernel reads no more of it. */
const interpreterLineMax = 256;

/**
 * Describes a script that is there while its interpreter is not: the system has one error for both. The file system has
 * just answered the system's own look at the script, so that reading it does not wait.
 */
function missingInterpreter(command: string, cwd: string): string | null {
  if (!command.includes('/')) return null;
  const line = readFirstLine(resolve(cwd, command));
  const interpreter = /^#![ \t]*([^ \t\n]+)/.exec(line)?.[1];
  if (interpreter === undefined) return null;
  if (interpreter.endsWith('\r'))
    return `The first line of ${command} ends with a carriage return, so its interpreter was not found: save it with Unix line ends.`;
  return `The interpreter of ${command}, ${interpreter}, was not found.`;
}

function readFirstLine(path: string): string {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const bytes = Buffer.alloc(interpreterLineMax);
      return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0));
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}

/** Returns why a process could not be started. `path` is the PATH in which its command was searched, or null. */
export function explainFailure(error: NodeJS.ErrnoException, launch: LaunchRecord, path: string | null): Failure {
  const command = launch.argv[0] ?? '';
  if (launch.stdin !== null && error.path === launch.stdin)
    return { code: 'launch_failed', message: `The input file ${launch.stdin} cannot be read: ${error.message}` };
  switch (error.code) {
    case 'ENOENT':
      if (error.path?.endsWith(runFiles.env))
        return { code: 'launch_failed', message: 'The environment stored for this run is gone.' };
      return { code: 'command_not_found', message: missingInterpreter(command, launch.cwd) ?? notFound(command, path) };
    case 'ENOCWD':
      return { code: 'cwd_missing', message: `The work folder ${launch.cwd} does not exist.` };
    case 'EREPLACED':
      return { code: 'launch_failed', message: 'The folder of this run is not the one that was made for it.' };
    case 'EBADENV':
      return { code: 'launch_failed', message: 'The environment stored for this run is damaged.' };
    case 'EACCES':
      return { code: 'not_executable', message: `The command ${command} may not be executed.` };
    case 'E2BIG':
      return {
        code: 'launch_failed',
        message: `The arguments and the environment of ${command} are too long for the system.`,
      };
    case 'ERR_INVALID_ARG_VALUE':
      // The system's message quotes the value, which may be a secret.
      return {
        code: 'launch_failed',
        message: `${command} could not be started: an argument or a variable holds a NUL character.`,
      };
    default:
      return { code: 'launch_failed', message: `${command} could not be started: ${error.message}` };
  }
}
