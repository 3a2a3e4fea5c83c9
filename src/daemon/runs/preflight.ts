/** Refuses at once what the system or a folder would refuse later, while a person is there to see it. */
import type { RunRequest } from '#protocol/requests.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import type { RunSpec } from '#run/run.ts';
import { lookAtPath } from '../core/look-at-path.ts';

export function checkCommand(command: readonly string[], env: Readonly<Record<string, string>>): void {
  const long = command.find((argument) => Buffer.byteLength(argument) > limits.argumentBytesMax);
  if (long !== undefined) {
    const sentence = `One argument has ${Buffer.byteLength(long)} bytes; the system takes at most ${limits.argumentBytesMax} in one.`;
    throw new ClipError('too_large', sentence, 'Put it into a file, or pass it on standard input: --stdin FILE.');
  }
  const bytes = [...command, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)].reduce(
    (sum, text) => sum + Buffer.byteLength(text) + 9,
    0,
  );
  if (bytes > limits.commandBytesMax) {
    throw new ClipError(
      'too_large',
      `The arguments and the environment have ${bytes} bytes together; ${limits.commandBytesMax} is the limit.`,
      'Put what is long into a file.',
    );
  }
}

/** Throws if the command line is too long for a keeper message. Control characters grow sixfold in JSON. */
export function checkLaunch({ command, cwd }: RunSpec): void {
  const bytes = Buffer.byteLength(JSON.stringify([command, cwd]));
  if (bytes <= limits.keeperLineBytesMax - limits.bodyBytesMax) return;
  throw new ClipError(
    'too_large',
    `The command line has ${bytes} bytes when it is written as JSON, which is too long.`,
    'Put what is long into a file.',
  );
}

/** Throws if the work folder or the input file is missing. If one disappears later, the run fails instead. */
export function checkPaths({ cwd, stdin }: Pick<RunRequest, 'cwd' | 'stdin'>): void {
  const folder = lookAtPath('work folder', cwd).kind;
  if (folder !== 'folder' && folder !== 'unknown')
    throw new ClipError(
      'not_found',
      folder === 'missing' ? `The work folder ${cwd} does not exist.` : `The work folder ${cwd} is not a folder.`,
      'Make it first, or name another with --cwd.',
    );
  if (stdin?.kind !== 'file') return;
  const input = lookAtPath('input file', stdin.path).kind;
  if (input === 'missing')
    throw new ClipError('not_found', `The input file ${stdin.path} does not exist.`, 'Check the path after --stdin.');
  // Opening a named pipe blocks until there is a writer, and the keeper must not block.
  if (input !== 'file' && input !== 'unknown')
    throw new ClipError(
      'usage',
      `The input ${stdin.path} is no regular file.`,
      'Name a file after --stdin, or pass the input itself: --stdin -',
    );
}
