/** The command tree of clip. */
import { Command, CommanderError, Option } from 'commander';
import { version } from '#launch/version.ts';
import { nearest } from '#run/did-you-mean.ts';
import { ClipError, errorTable } from '#run/errors.ts';
import type { CommandOptions, Handler, Register } from './command.ts';
import { complain, createContext, printText, writeText } from './context.ts';
import { ownFailureExit } from './exit-codes.ts';
import { examples, showExamples } from './help-examples.ts';
import { destructiveVerbs, findMeaning } from './synonyms.ts';
import { isNeeded, verbName, verbs, withoutColor } from './verbs.ts';

/** Parses the arguments, runs the command and returns the exit code. It never throws: errors are printed. */
export async function runProgram(args: readonly string[]): Promise<number> {
  let chosen: { verb: CommandOptions; work: Handler } | null = null;
  // Without a command it is `status`. For an unknown command the nearest one is suggested.
  const bare = args.every((word, index) => word.startsWith('-') || args[index - 1] === '--color');
  const program = await createProgram(
    (verb) => isNeeded(verb, args),
    bare,
    (verb, work) => {
      chosen = { verb, work };
    },
  );
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    return parseFailure(error, args, program);
  }
  const picked = chosen as { verb: CommandOptions; work: Handler } | null;
  if (picked === null) return 0;
  const { verb, work } = picked;
  try {
    return await work(
      createContext({
        json: verb.json ?? false,
        quiet: verb.quiet ?? false,
        color: program.opts<{ color: string }>().color,
      }),
    );
  } catch (error) {
    return explain(error, verb);
  }
}

/** Returns the command tree for documentation. Its commands do nothing. */
export function commandTree(): Promise<Command> {
  return createProgram(
    () => true,
    false,
    () => {},
  );
}

async function createProgram(
  isLoaded: (verb: (typeof verbs)[number]) => boolean,
  bare: boolean,
  register: Register,
): Promise<Command> {
  const program = new Command('clip')
    .description('Keeps local AI coding agents and other long commands running, accounted for and moving.')
    .version(version, '-V, --version')
    .addOption(new Option('--color <when>', 'colours in tables').choices(['auto', 'always', 'never']).default('auto'))
    .enablePositionalOptions()
    .helpCommand(false)
    .configureHelp({ subcommandTerm: formatUsage })
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput(outputs);
  for (const verb of verbs) {
    const command = program.command(verb.usage, { isDefault: bare && verbName(verb) === 'status' });
    command.description(verb.summary);
    command.helpGroup(`${verb.group}:`);
    if (verb.alias !== undefined) command.alias(verb.alias);
    if (isLoaded(verb)) (await verb.load())(command, register);
  }
  for (const command of program.commands) inherit(command);
  showExamples(program);
  return program;
}

/** Formats a command for a list of commands: its name and its arguments. Nearly all of them have options. */
function formatUsage(command: Command): string {
  const names = [command.name(), ...command.aliases()].join('|');
  const args = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [names, ...args].join(' ');
}

/** Commander prints no errors itself: `explain` does. */
const outputs = {
  writeOut: (text: string) => writeText(1, text),
  writeErr: (text: string) => writeText(2, text),
  outputError: () => {},
};

/** Makes nested commands throw their errors as well, instead of ending the process. */
function inherit(command: Command): void {
  command.exitOverride().configureOutput(outputs);
  for (const nested of command.commands) inherit(nested);
}

function parseFailure(error: unknown, args: readonly string[], program: Command): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  // The help of an incomplete command was shown.
  if (error instanceof CommanderError && error.code === 'commander.help') return errorTable.usage.exit;
  // Option values are parsed here as well, so an invalid duration is found here.
  return explain(error instanceof CommanderError ? toUsageError(error, args, helpOn(args, program)) : error, {
    json: args.includes('--json') && !args.slice(0, args.indexOf('--json')).includes('--'),
    waits: endsWithRun(args),
  });
}

/** Returns the hint where the usage of the command is described. */
function helpOn(args: readonly string[], program: Command): string {
  let here: Command | undefined = program;
  const path: string[] = [];
  for (const word of args) {
    here = here.commands.find((each) => each.name() === word || each.aliases().includes(word));
    if (here === undefined) break;
    path.push(word);
  }
  return path.length === 0 ? 'clip help lists the verbs.' : `clip ${path.join(' ')} --help says how it is used.`;
}

/** Turns `error: unknown option '--limt'\n(Did you mean --limit?)` into a sentence and a hint. */
function toUsageError({ code, message }: CommanderError, args: readonly string[], otherwise: string): ClipError {
  const [sentence = '', suggestion] = message.replace(/^error: /, '').split('\n');
  const near = suggestion?.replace(/^\((.*)\)$/, '$1');
  const isRoot = code === 'commander.unknownCommand' && !verbs.some((verb) => verbName(verb) === withoutColor(args)[0]);
  const hint = isRoot ? suggestVerb(args) : code === 'commander.missingArgument' ? findExample(args) : near;
  return new ClipError('usage', rewordCommander(sentence), hint ?? otherwise);
}

/** Returns the first example of the command that these arguments name, or null. */
function findExample(args: readonly string[]): string | null {
  const words = withoutColor(args);
  const own = examples[words.slice(0, 2).join(' ')] ?? examples[words[0] ?? ''];
  const line = own?.[0];
  return line === undefined ? null : `For example: ${typeof line === 'string' ? line : line[0]}`;
}

/** Rewords the sentences of commander that speak of arguments instead of what is missing or wrong. */
function rewordCommander(sentence: string): string {
  const invalid = /^option '.*?(--[\w-]+).*?' argument '(.*)' is invalid\. (.*)$/s.exec(sentence);
  if (invalid) return `${invalid[1]} "${invalid[2]}": ${invalid[3]}`;
  const missing = /^missing required argument '(.*)'$/.exec(sentence);
  if (missing) return `${(missing[1] ?? '').toUpperCase()} is missing.`;
  const option = /^required option '.*?(--[\w-]+).*?' not specified$/.exec(sentence);
  if (option) return `${option[1]} is missing.`;
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1).replace(/\.$/, '')}.`;
}

/** Returns what an unknown verb may mean, or null: a word of another tool, or a verb that is spelled like it. */
function suggestVerb(args: readonly string[]): string | null {
  const [word = '', ...rest] = withoutColor(args);
  const meant = findMeaning(word, rest);
  if (meant !== null) return `Did you mean: ${meant}`;
  const near = nearest(
    word,
    verbs.flatMap((verb) => [verbName(verb), verb.alias ?? []].flat()),
  );
  return near === null || destructiveVerbs.has(near) ? null : `Did you mean ${near}?`;
}

/** Returns whether these arguments name a command that ends with a run's exit code. */
function endsWithRun(args: readonly string[]): boolean {
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  if (own[0] === 'wait') return true;
  if (own[0] === 'logs') return own.includes('--exit-code');
  return (
    (own[0] === 'run' || own[0] === 'retry') &&
    own.some((word) => word === '--wait' || word === '--follow' || /^-[a-z]*[wf]/.test(word))
  );
}

/** Prints one sentence and a hint, and returns the exit code. A bug is shown as an internal error. */
function explain(error: unknown, verb: CommandOptions): number {
  const known = error instanceof ClipError ? error : null;
  const code = known?.code ?? 'internal';
  const message = known?.message ?? `Internal error: ${error instanceof Error ? error.message : String(error)}`;
  const hint = known ? known.hint : 'This is a bug in clip. CLIP_DEBUG=1 shows where.';
  complain({ code, message, hint }, verb.json ?? false);
  if (!known && process.env['CLIP_DEBUG'] === '1' && error instanceof Error) printText(2, `${error.stack}\n`);
  return verb.waits ? ownFailureExit : errorTable[code].exit;
}
