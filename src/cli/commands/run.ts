import { existsSync, fstatSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { RunView } from '#protocol/answers.ts';
import { wireLimits } from '#protocol/wire-limits.ts';
import { permissions } from '#run/agent.ts';
import { ClipError } from '#run/errors.ts';
import { startKeeperIfWanted } from '../client/start-keeper.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { formatCommand } from '../format/format.ts';
import { clean } from '../terminal/clean.ts';
import { collect, collectPair, describeArguments, duration, size, wholeNumber } from './options.ts';
import { buildRequest, type RunOptions, readPrompt } from './run-request.ts';
import { afterwards } from './run-result.ts';

/** Adds `clip run`. */
export function addRun(command: Command, register: Register): void {
  describeArguments(command, 'the command and its arguments, kept as they are: no shell; with --agent, the prompt');
  command
    .usage('[options] -- COMMAND [ARG...]\n       clip run --agent NAME [options] PROMPT...')
    .passThroughOptions()
    .option('--agent <name>', 'run this agent (clip agent list); what follows the options is its prompt, - reads it')
    .option('--model <model>', 'the model of the agent for this run')
    .addOption(new Option('--permission <level>', 'what the agent may do in this run').choices([...permissions]))
    .option('--prompt-file <file>', 'the agent’s prompt from a file, or - for this command’s input')
    .option('--task <task>', 'the task it serves (T7): an agent is told of it, and needs no other prompt')
    .option('--name <name>', 'a name, unique among live runs')
    .option('--cwd <dir>', 'work folder (default: this one)')
    .option('--env <K=V>', 'a variable for the run, beside this shell’s own (repeatable)', collectPair)
    .option('--timeout <duration>', 'stop it after this long: 90s, 30m, 2h (default: never)', duration('--timeout'))
    .option(
      '--silence <duration>',
      'stop it when it has said nothing for this long and no child process of it lives',
      duration('--silence'),
    )
    .option('--grace <duration>', 'time between SIGTERM and SIGKILL (default 15s, agents 20s)', duration('--grace'))
    .option('--group <group>', 'a group with a limit of its own')
    .option('--lock <key>', 'never beside another run with this key (repeatable)', collect)
    .option('--label <k=v>', 'a label (repeatable)', collectPair)
    .option('--after <run>', 'only when that run has succeeded')
    .option('--key <key>', 'submitting twice with one key gives one run')
    .option('--priority <n>', 'higher starts first (default 0)', wholeNumber)
    .option(
      '--max-output <size>',
      'stop it at this much output (default 10G; looked at each second)',
      size('--max-output'),
    )
    .option('--merge-output', 'stdout and stderr into one log, in true order')
    .option('--stdin <file>', 'what it reads: a file, or - for this command’s input (default: nothing)')
    .addOption(new Option('--on-loss <what>', 'when its process vanishes without a trace').choices(['retry', 'fail']))
    .addOption(new Option('--leftovers <what>', 'processes it leaves behind').choices(['stop', 'leave']))
    .option('--prompt-secret', 'delete the prompt, or what was given with --stdin -, at the end')
    .option('--batch <file>', 'many runs: a JSON line each, from a file or -')
    .option('-w, --wait', 'wait for the end, and end with its exit code')
    .option('-f, --follow', 'show its output until the end, and end with its exit code')
    .option('-q, --quiet', 'print the number and nothing else')
    .option('--json', 'print the run as JSON')
    .action((words: string[]) => {
      const given = command.opts<RunOptions>().agent === undefined ? words : readLateOptions(command, words);
      const options = command.opts<RunOptions>();
      register({ ...options, waits: (options.wait || options.follow) ?? false }, (context) =>
        options.batch === undefined
          ? runOne(context, given, options)
          : runMany(context, given, { ...options, batch: options.batch }),
      );
    });
}

/** Runs a batch. Its code is loaded only here. */
async function runMany(context: Context, command: string[], options: RunOptions & { batch: string }): Promise<number> {
  const { runBatch } = await import('./batch.ts');
  return runBatch(context, command, options);
}

async function runOne(context: Context, command: string[], options: RunOptions): Promise<number> {
  if (command.length === 0 && options.agent === undefined)
    throw new ClipError('usage', 'There is no command to run.', 'Name one after two dashes: clip run -- make test');
  if (options.agent === undefined) refuseShellLine(context, command);
  if (command.length > wireLimits.commandArgs)
    throw new ClipError(
      'too_large',
      `The command has ${command.length} arguments; ${wireLimits.commandArgs} is the most.`,
      'Put them into a file or a script, or run xargs: clip run -- sh -c "xargs … < FILE"',
    );
  if (command.some((word) => word.includes('\ufffd')))
    context.notice('An argument is not UTF-8, and its bytes are lost (�). Put the command into a script.');
  const client = context.client();
  const what =
    options.agent === undefined ? { command } : { agent: options.agent, stdin: readPrompt(context, command, options) };
  if (options.agent === undefined) noticeUnreadInput(context, options);
  const answer = await client.call<{ run: RunView; existing: boolean; notice: string | null; keeper?: string | null }>(
    'POST',
    '/v1/runs',
    {
      ...buildRequest(context, options),
      ...what,
    },
  );
  const { run } = answer;
  await startKeeperIfWanted(context.home, answer.keeper);
  if (answer.existing)
    context.notice(`The key was used before: this is run ${run.number}, and nothing new was started.`);
  if (answer.notice) context.notice(clean(answer.notice));
  return afterwards(context, client, run, options);
}

/**
 * Returns the words of a prompt, without the options between and behind them, which then apply as if they stood before
 * it. After `--` everything is the prompt. Throws for an option that there is not.
 */
function readLateOptions(command: Command, words: readonly string[]): string[] {
  if (process.argv.includes('--')) return [...words];
  const prompt: string[] = [];
  for (let rest = [...words]; rest.length > 0; ) {
    const at = rest.findIndex((word) => /^--?[a-z]/i.test(word));
    if (at === -1) return [...prompt, ...rest];
    prompt.push(...rest.slice(0, at));
    // Commander stops at the next word of the prompt.
    const { operands, unknown } = command.parseOptions(rest.slice(at));
    if (operands.length + unknown.length === rest.length - at && /^-/.test(unknown[0] ?? ''))
      throw new ClipError(
        'usage',
        `Unknown option '${unknown[0]}' after the beginning of the prompt.`,
        'After -- everything is the prompt: clip run --agent NAME -- PROMPT',
      );
    rest = [...operands, ...unknown];
  }
  return prompt;
}

/** Throws for a shell line that was given as one word: clip starts no shell, and there is no such program. */
function refuseShellLine(context: Context, command: readonly string[]): void {
  const [line = ''] = command;
  if (command.length > 1 || !/\s/.test(line.trim()) || existsSync(resolve(context.cwd(), line))) return;
  const isPlain = /^[\w\s./:=@%+,-]+$/.test(line);
  throw new ClipError(
    'usage',
    `There is no program ${formatCommand([line])}: clip starts no shell.`,
    isPlain
      ? `Without the quotes: clip run -- ${line.trim()}`
      : `With a shell: clip run -- sh -c ${formatCommand([line])}`,
  );
}

/** Warns about input that is piped in but not read. */
function noticeUnreadInput(context: Context, options: RunOptions): void {
  if (options.stdin !== undefined) return;
  try {
    const input = fstatSync(0);
    if (input.isFIFO() || input.isFile())
      context.notice('Standard input is not read by the run; give it with --stdin - if it should be.');
  } catch {
    // Standard input is closed, so there is nothing to read.
  }
}
