/** What the system or a folder would refuse is refused at once, with a person there to see it. */
import { type Stats, statSync } from 'node:fs';
import type { RunRequest } from '../protocol/requests.ts';
import { ClipError } from '../run/errors.ts';
import { limits } from '../run/limits.ts';
import type { RunSpec } from '../run/run.ts';

export function checkCommand(command: readonly string[], env: Readonly<Record<string, string>>): void {
  const long = command.find((argument) => Buffer.byteLength(argument) > limits.argumentBytesMax);
  if (long !== undefined) {
    const sentence = `One argument has ${Buffer.byteLength(long)} bytes; the system takes at most ${limits.argumentBytesMax} in one.`;
    throw new ClipError('too_large', sentence, 'Put it into a file, or pass it on standard input: --stdin FILE.');
  }
  const bytes = [...command, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)].reduce((sum, text) => sum + Buffer.byteLength(text) + 9, 0);
  if (bytes > limits.commandBytesMax) {
    throw new ClipError(
      'too_large',
      `The arguments and the environment have ${bytes} bytes together; ${limits.commandBytesMax} is the limit.`,
      'Put what is long into a file.',
    );
  }
}

/** The keeper takes requests up to a limit, and control characters grow sixfold on their way to it. */
export function checkLaunch({ command, cwd }: RunSpec): void {
  const bytes = Buffer.byteLength(JSON.stringify([command, cwd]));
  if (bytes <= limits.keeperLineBytesMax - limits.bodyBytesMax) return;
  throw new ClipError('too_large', `The command line has ${bytes} bytes when it is written as JSON, which is too long.`, 'Put what is long into a file.');
}

/** Null when it is not there, and when its path is too long, goes in circles, or leads through what is closed to us. */
function lookAt(path: string): Stats | null {
  try {
    return statSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}

/** A folder that is missing now is refused now, with a person there to see it; one that vanishes later ends the run. */
export function checkPaths({ cwd, stdin }: Pick<RunRequest, 'cwd' | 'stdin'>): void {
  if (!lookAt(cwd)?.isDirectory()) {
    throw new ClipError('not_found', `The work folder ${cwd} does not exist.`, 'Make it first, or name another with --cwd.');
  }
  if (stdin?.kind !== 'file') return;
  const input = lookAt(stdin.path);
  if (!input) throw new ClipError('not_found', `The input file ${stdin.path} does not exist.`, 'Check the path after --stdin.');
  // Whoever opens a named pipe waits for its writer, and nobody may wait in the keeper.
  if (!input.isFile())
    throw new ClipError('usage', `The input ${stdin.path} is no regular file.`, 'Name a file after --stdin, or pass the input itself: --stdin -');
}
