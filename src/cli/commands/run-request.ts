/** Builds the request from the options of `clip run`. */

import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { RunRequestInput } from '#protocol/requests.ts';
import type { Permission } from '#run/agent.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { collectEnvironment } from '../client/submitted-environment.ts';
import type { Context } from '../context.ts';
import { whyUnreadable } from '../format/file-error.ts';

export type RunOptions = {
  name?: string;
  cwd?: string;
  env?: Record<string, string>;
  timeout?: number;
  silence?: number;
  grace?: number;
  group?: string;
  lock?: string[];
  label?: Record<string, string>;
  after?: string;
  key?: string;
  priority?: number;
  maxOutput?: number;
  mergeOutput?: boolean;
  stdin?: string;
  onLoss?: 'retry' | 'fail';
  leftovers?: 'stop' | 'leave';
  promptSecret?: boolean;
  batch?: string;
  agent?: string;
  model?: string;
  permission?: Permission;
  task?: string;
  promptFile?: string;
  wait?: boolean;
  follow?: boolean;
  quiet?: boolean;
  json?: boolean;
};

/** Returns the prompt of an agent: the words, a file, or with `-` this command's own input. */
export function readPrompt(context: Context, words: readonly string[], options: RunOptions): RunRequestInput['stdin'] {
  const { promptFile } = options;
  if (promptFile !== undefined && words.length > 0)
    throw new ClipError('usage', 'There are two prompts: the words and --prompt-file.', 'Leave one of them out.');
  if (options.stdin !== undefined)
    throw new ClipError(
      'usage',
      'An agent reads its prompt; --stdin is for plain commands.',
      'Use --prompt-file FILE, or - for this command’s input.',
    );
  // The task is the prompt.
  if (options.task !== undefined && words.length === 0 && promptFile === undefined) return null;
  return { kind: 'text', base64: promptBytes(context, words, promptFile).toString('base64') };
}

function promptBytes(context: Context, words: readonly string[], promptFile: string | undefined): Buffer {
  const [first] = words;
  if (promptFile === '-' || (words.length === 1 && first === '-'))
    return readInput(limits.promptBytesMax, 'Put what is long into a file, and name the file in the prompt.');
  if (promptFile === undefined) return Buffer.from(words.join(' '));
  const path = resolve(context.cwd(), promptFile);
  try {
    return readFileWithin(path, limits.promptBytesMax, 'Name the file in the prompt instead.');
  } catch (error) {
    if (error instanceof ClipError) throw error;
    throw new ClipError(
      'not_found',
      `The prompt file ${path} cannot be read: ${whyUnreadable(error)}.`,
      'Check the path after --prompt-file.',
      error,
    );
  }
}

/** Builds the request without its command. It includes the whole environment, because the run may start much later. */
export function buildRequest(context: Context, options: RunOptions): Omit<RunRequestInput, 'command'> {
  return {
    cwd: resolve(context.cwd(), options.cwd ?? '.'),
    cwdIsDefault: options.cwd === undefined,
    env: collectEnvironment(context.env, options.env),
    envNames: Object.keys(options.env ?? {}),
    model: options.model ?? null,
    permission: options.permission ?? null,
    task: options.task ?? null,
    name: options.name ?? null,
    group: options.group ?? null,
    priority: options.priority ?? 0,
    labels: options.label ?? {},
    locks: options.lock ?? [],
    after: options.after ?? null,
    key: options.key ?? null,
    timeoutMs: options.timeout ?? null,
    silenceMs: options.silence ?? null,
    graceMs: options.grace ?? null,
    outputBytesMax: options.maxOutput ?? null,
    mergeOutput: options.mergeOutput ?? false,
    stdin: options.agent === undefined ? readStdinOption(context, options.stdin) : null,
    onLoss: options.onLoss ?? null,
    leftovers: options.leftovers ?? null,
    promptSecret: options.promptSecret ?? false,
    parentRunId: context.insideRun,
  };
}

function readStdinOption(context: Context, stdin: string | undefined): RunRequestInput['stdin'] {
  if (stdin === undefined) return null;
  if (stdin !== '-') {
    const path = resolve(context.cwd(), stdin);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat)
      throw new ClipError('not_found', `The input file ${path} does not exist.`, 'Check the path after --stdin.');
    if (stat.isDirectory())
      throw new ClipError('usage', `The input ${path} is a folder.`, 'Name a file after --stdin.');
    return { kind: 'file', path };
  }
  return { kind: 'text', base64: readInput(limits.promptBytesMax).toString('base64') };
}

/** Reads all of standard input, up to a limit. */
export function readInput(bytesMax: number, hint = 'Put it into a file and name the file: --stdin FILE.'): Buffer {
  return readAll(0, { bytesMax, what: 'The input', hint });
}

/** Reads all of a file, up to a limit. The file may be a pipe of the shell, or a device that never ends. */
export function readFileWithin(path: string, bytesMax: number, hint: string): Buffer {
  const fd = openSync(path, 'r');
  try {
    return readAll(fd, { bytesMax, what: `The file ${path}`, hint });
  } finally {
    closeSync(fd);
  }
}

function readAll(
  fd: number,
  { bytesMax, what, hint }: { readonly bytesMax: number; readonly what: string; readonly hint: string },
): Buffer {
  const chunks: Buffer[] = [];
  for (let total = 0; ; ) {
    const chunk = Buffer.allocUnsafe(64 * 1024);
    const read = readSome(fd, chunk);
    if (read === 0) return Buffer.concat(chunks);
    total += read;
    if (total > bytesMax)
      throw new ClipError(
        'too_large',
        `${what} is larger than ${(bytesMax / 2 ** 20).toFixed(bytesMax < 2 ** 20 ? 2 : 0)} MiB.`,
        hint,
      );
    chunks.push(chunk.subarray(0, read));
  }
}

function readSome(fd: number, chunk: Buffer): number {
  for (;;) {
    try {
      return readSync(fd, chunk);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}
