/** The settings of an agent: their options, and the request that they become. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { AgentRequest } from '#protocol/agents.ts';
import { adapterNames, permissions } from '#run/agent.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { collectEnvironment } from '../client/submitted-environment.ts';
import type { Context } from '../context.ts';
import { whyUnreadable } from '../format/file-error.ts';
import { clean } from '../terminal/clean.ts';
import {
  type Cleared,
  cleared,
  type LimitOptions,
  limitOptions,
  limitsIn,
  orNone,
  unlessCleared,
} from './agent-options.ts';
import { collect, collectPair, duration, positiveNumber } from './options.ts';
import { readFileWithin } from './run-request.ts';

export type AgentOptions = LimitOptions & {
  adapter?: AgentRequest['adapter'];
  preset?: string;
  mapping?: string;
  command?: string;
  model?: string;
  role?: string;
  cwd?: string;
  arg?: string[];
  env?: Record<string, string>;
  unsetEnv?: string[];
  envFrom?: string;
  timeout?: number | Cleared;
  silence?: number | Cleared;
  grace?: number | Cleared;
  concurrency?: number;
  promptTemplate?: string;
  leftovers?: 'stop' | 'leave' | 'none';
  permission?: AgentRequest['permission'];
  shareWorktree?: boolean;
  json?: boolean;
};

/** Adds the options of all settings to a command. */
export function settingOptions(command: Command): Command {
  return limitOptions(command)
    .addOption(new Option('--adapter <adapter>', 'how it is started and read').choices(adapterNames))
    .option('--preset <name>', 'a plain agent that clip knows: qwen, cursor, copilot, amp, aider, goose')
    .option('--mapping <file>', 'a plain agent described by a JSON file (docs/agents/presets-and-mappings.md)')
    .option(
      '--command <path>',
      'its program, or the URL of an http agent (default: the adapter’s own name on the PATH)',
    )
    .option('--model <model>', 'the model it shall use')
    .option('--role <role>', 'a word for what it does')
    .option('--cwd <dir>', 'work folder of its runs (default: where clip run is called)')
    .option('--arg <arg>', 'one more argument for the program (repeatable; replaces the ones before)', collect)
    .option(
      '--env <K=V>',
      'a variable for its runs, kept in a file of its own (repeatable; edit --unset-env forgets one)',
      collectPair,
    )
    .option('--env-from <file>', 'a file of KEY=VALUE lines, read at each run')
    .option('--timeout <duration>', 'stop its runs after this long', orNone(duration('--timeout')))
    .option(
      '--silence <duration>',
      'stop its runs when they have said and done nothing for this long',
      orNone(duration('--silence')),
    )
    .option('--grace <duration>', 'time between SIGTERM and SIGKILL (default 20s)', orNone(duration('--grace')))
    .option('--concurrency <n>', 'its runs at a time (default: one in each worktree)', positiveNumber)
    .option('--prompt-template <file>', 'a text with {{prompt}} in it, read at each run')
    .addOption(new Option('--leftovers <what>', 'processes its runs leave behind').choices(['stop', 'leave', 'none']))
    .addOption(
      new Option('--permission <mode>', 'what it may do without asking (default ask); full means everything').choices(
        permissions,
      ),
    )
    .option('--share-worktree', 'its runs may work beside others in one worktree')
    .option('--no-share-worktree', 'one run in a worktree at a time (default)')
    .option('--json', 'as JSON');
}

/**
 * Returns the request for these options. A setting that was not given is undefined. Throws for an unreadable mapping.
 */
export function buildAgentRequest(context: Context, options: AgentOptions): Record<string, unknown> {
  const word = (value: string | undefined) => (value === cleared ? null : value);
  const path = (value: string | undefined) =>
    value === undefined || value === cleared ? word(value) : resolve(context.cwd(), value);
  const { command } = options;
  return {
    adapter: options.adapter,
    preset: word(options.preset),
    mapping:
      options.mapping === undefined
        ? undefined
        : options.mapping === cleared
          ? null
          : mappingIn(resolve(context.cwd(), options.mapping)),
    // A name is searched on the PATH of each run. A path means one program.
    command: command?.includes('/') && !/^https?:/.test(command) ? path(command) : word(command),
    model: word(options.model),
    role: word(options.role),
    cwd: path(options.cwd),
    args: options.arg?.length === 1 && options.arg[0] === cleared ? [] : options.arg,
    env: options.env,
    unsetEnv: options.unsetEnv,
    envFile: path(options.envFrom),
    timeoutMs: unlessCleared(options.timeout),
    silenceMs: unlessCleared(options.silence),
    graceMs: unlessCleared(options.grace),
    concurrency: options.concurrency,
    promptTemplate: path(options.promptTemplate),
    leftovers: word(options.leftovers),
    permission: options.permission,
    sharesWorktree: options.shareWorktree,
    ...limitsIn(options),
    timerEnvironment: typeof options.every === 'number' ? collectEnvironment(context.env) : undefined,
  };
}

/** Prints a notice about each path that does not exist. That is not an error, but rarely intended. */
export function noticeMissing(
  context: Context,
  { command, cwd, envFile, promptTemplate }: Record<string, unknown>,
): void {
  for (const path of [command, cwd, envFile, promptTemplate])
    if (typeof path === 'string' && path.startsWith('/') && !existsSync(path))
      context.notice(`${clean(path)} does not exist${/\s-/.test(path) ? '; arguments are given with --arg' : ''}.`);
}

function mappingIn(path: string): unknown {
  try {
    return JSON.parse(readFileWithin(path, limits.bodyBytesMax, 'A mapping is a few rules.').toString('utf8'));
  } catch (error) {
    throw new ClipError(
      'usage',
      `The mapping ${path} cannot be read: ${whyUnreadable(error)}.`,
      'docs/agents/presets-and-mappings.md has a worked example.',
      error,
    );
  }
}
