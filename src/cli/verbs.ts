/** The verbs of clip, in the order of its help. The module of a verb is loaded only when the verb is asked for. */
import type { Command } from 'commander';
import type { Register } from './command.ts';

/** Adds one verb to the command tree. `isDefault`: whether it is the verb of a command line without one. */
export type AddVerb = (program: Command, register: Register, isDefault: boolean) => void;

export const verbs: ReadonlyMap<string, () => Promise<AddVerb>> = new Map([
  ['run', async () => (await import('./commands/run.ts')).addRun],
  ['runs', async () => (await import('./commands/runs.ts')).addRuns],
  ['show', async () => (await import('./commands/show.ts')).addShow],
  ['logs', async () => (await import('./commands/logs.ts')).addLogs],
  ['wait', async () => (await import('./commands/wait.ts')).addWait],
  ['cancel', async () => (await import('./commands/cancel.ts')).addCancel],
  ['report', async () => (await import('./commands/report.ts')).addReport],
  ['report-html', async () => (await import('./commands/report-html.ts')).addReportHtml],
  ['retry', async () => (await import('./commands/retry.ts')).addRetry],
  ['dismiss', async () => (await import('./commands/dismiss.ts')).addDismiss],
  ['rm', async () => (await import('./commands/retry.ts')).addRm],
  ['prune', async () => (await import('./commands/prune.ts')).addPrune],
  ['status', async () => (await import('./commands/status.ts')).addStatus],
  ['task', async () => (await import('./commands/task.ts')).addTask],
  ['continue', async () => (await import('./commands/continue.ts')).addContinue],
  ['ledger', async () => (await import('./commands/ledger.ts')).addLedger],
  ['handoff', async () => (await import('./commands/handoff.ts')).addHandoff],
  ['agent', async () => (await import('./commands/agent.ts')).addAgent],
  ['group', async () => (await import('./commands/group.ts')).addGroup],
  ['queue', async () => (await import('./commands/group.ts')).addQueue],
  ['events', async () => (await import('./commands/events.ts')).addEvents],
  ['daemon', async () => (await import('./commands/daemon.ts')).addDaemon],
  ['boot', async () => (await import('./commands/boot.ts')).addBoot],
  ['backup', async () => (await import('./commands/backup.ts')).addBackup],
  ['config', async () => (await import('./commands/config.ts')).addConfig],
  ['completions', async () => (await import('./commands/completions.ts')).addCompletions],
  ['doctor', async () => (await import('./commands/doctor.ts')).addDoctor],
  ['demo', async () => (await import('./commands/demo.ts')).addDemo],
  ['help', async () => (await import('./commands/help.ts')).addHelp],
]);

/** Other names of verbs. The modules of the verbs name them once more, for the parser. */
const aliases: Readonly<Record<string, string>> = { ls: 'runs' };

/**
 * Returns the verbs that a command line needs: its own, or all of them for the overview, for a word that is no verb, and
 * for a line that begins with an unknown option.
 */
export function neededVerbs(args: readonly string[]): readonly string[] {
  const [first, second] = withoutColor(args);
  if (first === '-V' || first === '--version') return [];
  if (args.length === 0 || (first !== undefined && statusOptions.has(first))) return ['status'];
  const verb = first === undefined ? undefined : findVerb(first);
  if (verb === undefined) return [...verbs.keys()];
  if (verb !== 'help') return [verb];
  const topic = second === undefined ? undefined : findVerb(second);
  return topic === undefined ? [...verbs.keys()] : [topic, 'help'];
}

/** The options of `status` that a line without a verb may begin with. */
const statusOptions: ReadonlySet<string> = new Set(['--json', '--watch', '-w', '--plain']);

function findVerb(word: string): string | undefined {
  const name = Object.hasOwn(aliases, word) ? aliases[word] : word;
  return name !== undefined && verbs.has(name) ? name : undefined;
}

/** Returns the arguments after the one option that may precede a verb. */
function withoutColor(args: readonly string[]): readonly string[] {
  const [first = '', ...rest] = args;
  if (first.startsWith('--color=')) return withoutColor(rest);
  return first === '--color' ? withoutColor(rest.slice(1)) : args;
}
