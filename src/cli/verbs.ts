/**
 * The verbs of clip, in the order of its help. The module of a verb, with its options and its work, is loaded only when
 * the verb is asked for.
 */
import type { Command } from 'commander';
import type { Register } from './command.ts';

type Verb = {
  /** The name and the arguments, in the notation of commander. */
  readonly usage: string;
  readonly summary: string;
  readonly alias?: string;
  /** The heading under which the help lists it. */
  readonly group: 'Runs' | 'Tasks' | 'Agents' | 'Look' | 'Administration';
  /** Loads the function that adds the options and the work to the command of the verb. */
  readonly load: () => Promise<(command: Command, register: Register) => void>;
};

export const verbs: readonly Verb[] = [
  {
    usage: 'run [command...]',
    group: 'Runs',
    summary: 'run a command under supervision; prints its number',
    load: async () => (await import('./commands/run.ts')).addRun,
  },
  {
    usage: 'wait <run...>',
    group: 'Runs',
    summary: 'wait for runs, and end with their exit code',
    load: async () => (await import('./commands/wait.ts')).addWait,
  },
  {
    usage: 'cancel [run...]',
    group: 'Runs',
    summary: 'stop runs and everything they started, and wait for the end',
    load: async () => (await import('./commands/cancel.ts')).addCancel,
  },
  {
    usage: 'retry <run> [words...]',
    group: 'Runs',
    summary: 'a new run of the same, linked to the first; an agent continues its session, with your words if given',
    load: async () => (await import('./commands/retry.ts')).addRetry,
  },
  {
    usage: 'rm <run...>',
    group: 'Runs',
    summary: 'delete ended runs with their logs; their numbers stay taken',
    load: async () => (await import('./commands/retry.ts')).addRm,
  },
  {
    usage: 'group',
    group: 'Runs',
    summary: 'groups of runs with a limit of their own',
    load: async () => (await import('./commands/group.ts')).addGroup,
  },
  {
    usage: 'pause',
    group: 'Runs',
    summary: 'start nothing more until clip resume: no run, no timer; what runs finishes, or stops with --now',
    load: async () => (await import('./commands/pause.ts')).addPause,
  },
  {
    usage: 'resume',
    group: 'Runs',
    summary: 'undo clip pause: the queue and the timers go on, and tasks whose agents were stopped continue',
    load: async () => (await import('./commands/pause.ts')).addResume,
  },
  {
    usage: 'queue',
    group: 'Runs',
    summary: 'what waits and for what; hold or release the whole queue',
    load: async () => (await import('./commands/group.ts')).addQueue,
  },
  {
    usage: 'dismiss <run-or-task...>',
    group: 'Tasks',
    summary: 'take a run or a task (T7) off the list of what needs you, until something happens to it',
    load: async () => (await import('./commands/dismiss.ts')).addDismiss,
  },
  {
    usage: 'task',
    group: 'Tasks',
    summary: 'tasks: pieces of work that runs serve',
    load: async () => (await import('./commands/task.ts')).addTask,
  },
  {
    usage: 'continue <task-or-run> [words...]',
    group: 'Tasks',
    summary: 'tell an agent what to do next: the next run of a task (T7), or of an agent in the session of its run',
    load: async () => (await import('./commands/continue.ts')).addContinue,
  },
  {
    usage: 'handoff <task>',
    group: 'Tasks',
    summary: 'what the next run of a task is told of the earlier ones',
    load: async () => (await import('./commands/handoff.ts')).addHandoff,
  },
  {
    usage: 'report <kind> <text...>',
    group: 'Agents',
    summary: 'inside a run: say what was done, what comes next, or what blocks',
    load: async () => (await import('./commands/report.ts')).addReport,
  },
  {
    usage: 'agent',
    group: 'Agents',
    summary: 'agents: named ways to run an agent CLI',
    load: async () => (await import('./commands/agent.ts')).addAgent,
  },
  {
    usage: 'status',
    group: 'Look',
    summary: 'the daemon, the queue, the live runs, and the tasks that need you',
    load: async () => (await import('./commands/status.ts')).addStatus,
  },
  {
    usage: 'runs',
    group: 'Look',
    summary: 'list runs, newest first',
    alias: 'ls',
    load: async () => (await import('./commands/runs.ts')).addRuns,
  },
  {
    usage: 'show <run>',
    group: 'Look',
    summary: 'everything about one run, with its history',
    load: async () => (await import('./commands/show.ts')).addShow,
  },
  {
    usage: 'logs <run>',
    group: 'Look',
    summary: 'the output of a run; its stdout to stdout, its stderr to stderr',
    load: async () => (await import('./commands/logs.ts')).addLogs,
  },
  {
    usage: 'ledger [task]',
    group: 'Look',
    summary: 'the account of runs, newest first: what each achieved, why it stopped, what comes next, what it used',
    load: async () => (await import('./commands/ledger.ts')).addLedger,
  },
  {
    usage: 'report-html <file>',
    group: 'Look',
    summary: 'one HTML page to hand on: ledger, timeline, summary, comments and logs; it loads nothing from elsewhere',
    load: async () => (await import('./commands/report-html.ts')).addReportHtml,
  },
  {
    usage: 'events',
    group: 'Look',
    summary: 'what happened, as JSON lines, with a cursor to go on from',
    load: async () => (await import('./commands/events.ts')).addEvents,
  },
  {
    usage: 'prune',
    group: 'Administration',
    summary: 'delete many ended runs with their logs; their numbers stay taken, and what they used stays counted',
    load: async () => (await import('./commands/prune.ts')).addPrune,
  },
  {
    usage: 'daemon',
    group: 'Administration',
    summary: 'the daemon itself',
    load: async () => (await import('./commands/daemon.ts')).addDaemon,
  },
  {
    usage: 'boot',
    group: 'Administration',
    summary: 'start the daemon at login',
    load: async () => (await import('./commands/boot.ts')).addBoot,
  },
  {
    usage: 'backup <file>',
    group: 'Administration',
    summary: 'copy the database into a new file; runs go on. Logs and values of variables are not in it',
    load: async () => (await import('./commands/backup.ts')).addBackup,
  },
  {
    usage: 'config',
    group: 'Administration',
    summary: 'the settings in config.toml',
    load: async () => (await import('./commands/config.ts')).addConfig,
  },
  {
    usage: 'completions <shell>',
    group: 'Administration',
    summary: 'a script that completes verbs, options, runs, tasks and agents',
    load: async () => (await import('./commands/completions.ts')).addCompletions,
  },
  {
    usage: 'doctor',
    group: 'Administration',
    summary: 'check everything clip relies on, and say what to do',
    load: async () => (await import('./commands/doctor.ts')).addDoctor,
  },
  {
    usage: 'demo',
    group: 'Administration',
    summary: 'see the main job in half a minute: no provider, no key, no network, a home of its own that is removed',
    load: async () => (await import('./commands/demo.ts')).addDemo,
  },
  {
    usage: 'help [topic...]',
    group: 'Administration',
    summary: 'help on a verb, on exit-codes, or on errors',
    load: async () => (await import('./commands/help.ts')).addHelp,
  },
];

/** Returns the name of a verb. */
export function verbName({ usage }: Verb): string {
  return usage.split(' ', 1)[0] ?? '';
}

/**
 * Returns whether the module of a verb is needed for a command line. The overview and the search for a similar word
 * need none.
 */
export function isNeeded(verb: Verb, args: readonly string[]): boolean {
  const [first, second] = withoutColor(args);
  const names = [verbName(verb), verb.alias];
  // Without a verb, the line is one of `status`.
  if (first === undefined || (first.startsWith('-') && !overviewOptions.has(first))) return names.includes('status');
  return names.includes(first) || (first === 'help' && second !== undefined && names.includes(second));
}

const overviewOptions: ReadonlySet<string> = new Set(['-h', '--help', '-V', '--version']);

/** Returns the arguments after the one option that may precede a verb. */
export function withoutColor(args: readonly string[]): readonly string[] {
  const [first = '', ...rest] = args;
  if (first.startsWith('--color=')) return withoutColor(rest);
  return first === '--color' ? withoutColor(rest.slice(1)) : args;
}
