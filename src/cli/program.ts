/** The command tree: the table of contents of clip. */
import { Command, CommanderError, Option } from 'commander';
import { version } from '../launch/version.ts';
import { ClipError, errorTable } from '../run/errors.ts';
import { addAgent } from './commands/agent.ts';
import { addBackup } from './commands/backup.ts';
import { addBoot } from './commands/boot.ts';
import { addCancel } from './commands/cancel.ts';
import { addCompletions } from './commands/completions.ts';
import { addConfig } from './commands/config.ts';
import { addContinue } from './commands/continue.ts';
import { addDaemon } from './commands/daemon.ts';
import { addDemo } from './commands/demo.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEvents } from './commands/events.ts';
import { addGroup, addQueue } from './commands/group.ts';
import { addHandoff } from './commands/handoff.ts';
import { addHelp } from './commands/help.ts';
import { addLedger } from './commands/ledger.ts';
import { addLogs } from './commands/logs.ts';
import { addPrune } from './commands/prune.ts';
import { addReport } from './commands/report.ts';
import { addReportHtml } from './commands/report-html.ts';
import { addRetry, addRm } from './commands/retry.ts';
import { addRun } from './commands/run.ts';
import { addRuns } from './commands/runs.ts';
import { addShow } from './commands/show.ts';
import { addStatus } from './commands/status.ts';
import { addTask } from './commands/task.ts';
import { addWait } from './commands/wait.ts';
import { complain, createContext, say, writeText } from './context.ts';
import { showExamples } from './examples.ts';
import { ownFailureExit } from './exit-codes.ts';
import type { Choose, Verb, Work } from './verb.ts';

export async function runProgram(args: readonly string[]): Promise<number> {
  let chosen: { verb: Verb; work: Work } | null = null;
  // Without a verb it is status; with one that there is not, the nearest is suggested.
  const bare = args.every((word, index) => word.startsWith('-') || args[index - 1] === '--color');
  const program = createProgram(bare, (verb, work) => {
    chosen = { verb, work };
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    return parseFailure(error, args);
  }
  const picked = chosen as { verb: Verb; work: Work } | null;
  if (picked === null) return 0;
  const { verb, work } = picked;
  try {
    return await work(createContext({ json: verb.json ?? false, quiet: verb.quiet ?? false, color: program.opts<{ color: string }>().color }));
  } catch (error) {
    return explain(error, verb);
  }
}

/** For whoever describes it: nothing of it is carried out. */
export function commandTree(): Command {
  return createProgram(false, () => {});
}

function createProgram(bare: boolean, choose: Choose): Command {
  const program = new Command('clip')
    .description('Keeps local AI coding agents and other long commands running, accounted for and moving.')
    .version(version, '-V, --version')
    .addOption(new Option('--color <when>', 'colours in tables').choices(['auto', 'always', 'never']).default('auto'))
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput(outputs);
  addRun(program, choose);
  addRuns(program, choose);
  addShow(program, choose);
  addLogs(program, choose);
  addWait(program, choose);
  addCancel(program, choose);
  addReport(program, choose);
  addReportHtml(program, choose);
  addRetry(program, choose);
  addRm(program, choose);
  addPrune(program, choose);
  addStatus(program, choose, bare);
  addTask(program, choose);
  addContinue(program, choose);
  addLedger(program, choose);
  addHandoff(program, choose);
  addAgent(program, choose);
  addGroup(program, choose);
  addQueue(program, choose);
  addEvents(program, choose);
  addDaemon(program, choose);
  addBoot(program, choose);
  addBackup(program, choose);
  addConfig(program, choose);
  addCompletions(program, choose);
  addDoctor(program, choose);
  addDemo(program, choose);
  addHelp(program, choose);
  for (const command of program.commands) inherit(command);
  showExamples(program);
  return program;
}

/** Errors are said by `explain`, like all others. */
const outputs = { writeOut: (text: string) => writeText(1, text), writeErr: (text: string) => writeText(2, text), outputError: () => {} };

/** Errors of nested commands come back to us as well, instead of ending the process. */
function inherit(command: Command): void {
  command.exitOverride().configureOutput(outputs);
  for (const nested of command.commands) inherit(nested);
}

function parseFailure(error: unknown, args: readonly string[]): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  // The help of a verb that needs another was shown.
  if (error instanceof CommanderError && error.code === 'commander.help') return errorTable.usage.exit;
  // Options are read while they are parsed: a bad duration is found there.
  return explain(error instanceof CommanderError ? usageErrorOf(error, helpOn(args)) : error, {
    json: args.includes('--json') && !args.slice(0, args.indexOf('--json')).includes('--'),
    waits: endsWithRun(args),
  });
}

/** Where to read how the verb of these arguments is used. */
function helpOn(args: readonly string[]): string {
  let here: Command | undefined = createProgram(false, () => {});
  const path: string[] = [];
  for (const word of args) {
    here = here.commands.find((each) => each.name() === word || each.aliases().includes(word));
    if (here === undefined) break;
    path.push(word);
  }
  return path.length === 0 ? 'clip help lists the verbs.' : `clip ${path.join(' ')} --help says how it is used.`;
}

/** `error: unknown option '--limt'\n(Did you mean --limit?)` as a sentence and a hint. */
function usageErrorOf({ message }: CommanderError, otherwise: string): ClipError {
  const [sentence = '', suggestion] = message.replace(/^error: /, '').split('\n');
  const hint = suggestion?.replace(/^\((.*)\)$/, '$1') ?? otherwise;
  return new ClipError('usage', `${sentence.charAt(0).toUpperCase()}${sentence.slice(1).replace(/\.$/, '')}.`, hint);
}

/** Whether these arguments ask for a verb that ends with a run's code. */
function endsWithRun(args: readonly string[]): boolean {
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  if (own[0] === 'wait') return true;
  if (own[0] === 'logs') return own.includes('--exit-code');
  return (own[0] === 'run' || own[0] === 'retry') && own.some((word) => word === '--wait' || word === '--follow' || /^-[a-z]*[wf]/.test(word));
}

/** One sentence, a hint, and the exit code; a bug is shown as one. */
function explain(error: unknown, verb: Verb): number {
  const known = error instanceof ClipError ? error : null;
  const code = known?.code ?? 'internal';
  const message = known?.message ?? `Internal error: ${error instanceof Error ? error.message : String(error)}`;
  const hint = known ? known.hint : 'This is a bug in clip. CLIP_DEBUG=1 shows where.';
  complain({ code, message, hint }, verb.json ?? false);
  if (!known && process.env['CLIP_DEBUG'] === '1' && error instanceof Error) say(2, `${error.stack}\n`);
  return verb.waits ? ownFailureExit : errorTable[code].exit;
}
