import type { Command } from 'commander';
import type { CancelAnswer, EventView, RunView } from '#protocol/answers.ts';
import { ClipError, errorTable } from '#run/errors.ts';
import type { Client } from '../client/client.ts';
import { reached } from '../client/wait-for-runs.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { formatEnd, plural } from '../format/format.ts';
import { clean } from '../terminal/clean.ts';
import { duration } from './options.ts';
import { startProgress } from './progress-line.ts';

type Options = {
  all?: boolean;
  group?: string;
  agent?: string;
  task?: string;
  label?: string;
  tree?: boolean;
  grace?: number;
  now?: boolean;
  wait: boolean;
  json?: boolean;
};

/** The time before a slow stop is explained. */
const blockedNoticeMs = 5_000;
const blockersNamed = 8;
/** Up to this many runs, each gets a detailed message. */
const fewRuns = 20;

/** Adds `clip cancel`. */
export function addCancel(command: Command, register: Register): void {
  command
    .option('--all', 'all live runs')
    .option('--group <group>', 'the live runs of a group')
    .option('--agent <name>', 'the live runs of an agent, and what waits to start it')
    .option('--task <task>', 'the live runs of a task, and what waits to go on with it')
    .option('--label <k=v>', 'the live runs with this label')
    .option('--tree', 'also the runs that were started inside them')
    .option('--grace <duration>', 'time between SIGTERM and SIGKILL', duration('--grace'))
    .option('--now', 'kill at once, also while they are being stopped')
    .option('--no-wait', 'only order it')
    .option('--json', 'as JSON')
    .action((refs: string[], options: Options) => register(options, (context) => cancel(context, refs, options)));
}

async function cancel(context: Context, refs: readonly string[], options: Options): Promise<number> {
  const chosen =
    options.all ||
    options.group !== undefined ||
    options.agent !== undefined ||
    options.task !== undefined ||
    options.label !== undefined;
  if (refs.length === 0 && !chosen)
    throw new ClipError(
      'usage',
      'There is nothing to cancel.',
      'Name runs, or --all, --agent A, --task T7, --group G, --label k=v.',
    );
  const client = context.client();
  const body = {
    runs: refs,
    all: options.all ?? false,
    group: options.group ?? null,
    agent: options.agent ?? null,
    task: options.task ?? null,
    label: options.label ?? null,
    tree: options.tree ?? false,
    graceMs: options.grace ?? null,
    now: options.now ?? false,
  };
  // The request has no time limit when it selects runs by a filter.
  const answer = await client.call<CancelAnswer>('POST', '/v1/cancel', body, chosen);
  const bad = answer.results.find(({ result }) => result === 'not_found' || result === 'already_ended');
  // A daemon of an earlier version sends no hint.
  for (const { result, message, hint } of answer.results)
    if (result === 'not_found' || result === 'already_ended')
      context.complain({ code: result, message, hint: hint ?? null });
  const open = [
    ...new Set(
      answer.results.flatMap(({ number, result }) =>
        number !== null && (result === 'ordered' || result === 'already_stopping' || result === 'cancelled')
          ? [number]
          : [],
      ),
    ),
  ];
  for (const { result, message } of answer.results)
    if (!context.json && (result === 'already_stopping' || !options.wait)) context.print(message);
  const runs = options.wait ? await ends(context, client, open) : context.json ? await shown(client, open) : [];
  if (context.json) context.printJson({ schema: 1, runs });
  else if (answer.results.length === 0) context.notice('No matching live runs; nothing was cancelled.');
  return bad ? errorTable[bad.result === 'not_found' ? 'not_found' : 'already_ended'].exit : 0;
}

/** Waits for the ends of the runs, prints one line for each, and names what still blocks. */
async function ends(context: Context, client: Client, numbers: readonly number[]): Promise<RunView[]> {
  const found = new Map<number, RunView>();
  let said = '';
  const stillOpen = () => numbers.filter((number) => !found.has(number));
  const progress = startProgress(!context.json, () => formatStopping(stillOpen()));
  const slow = setInterval(() => {
    const open = stillOpen();
    void Promise.all(open.slice(0, blockersNamed).map((number) => blockers(client, number))).then((named) => {
      const more = open.length > named.length ? ` and ${open.length - named.length} more` : '';
      const which = more === '' ? open.join(' ') : '--all';
      const sentence = `Still waiting for ${named.join('; ')}${more}. clip cancel --now ${which} kills at once.`;
      if (sentence !== said) context.notice(sentence);
      said = sentence;
    });
  }, blockedNoticeMs);
  try {
    for await (const run of reached(client, numbers, 'ended')) {
      found.set(run.number, run);
      if (!context.json)
        context.print(formatCancelled(run, numbers.length > fewRuns ? [] : await endedWith(client, run)));
    }
  } finally {
    clearInterval(slow);
    progress.end();
  }
  return numbers.flatMap((number) => found.get(number) ?? []);
}

/** Formats `Stopping run 7`, `Stopping 12 runs`. */
function formatStopping(open: readonly number[]): string {
  return open.length === 1 ? `Stopping run ${open[0]}` : `Stopping ${open.length} runs`;
}

/** Names what a stop waits for, according to the last signals. */
async function blockers(client: Client, number: number): Promise<string> {
  try {
    const { events } = await client.call<{ events: EventView[] }>('GET', `/v1/runs/${number}`);
    const last = events.findLast(({ type }) => type === 'signalled');
    const targets = (last?.data['targets'] ?? []) as { pid: number; signal: string }[];
    const pids = targets.slice(0, blockersNamed).map(({ pid }) => pid);
    const whom = plural(targets.length, 'process', 'processes');
    const sent = `${targets[0]?.signal} was sent to ${whom}: ${pids.join(', ')}`;
    return pids.length === 0 ? `run ${number}` : `run ${number} (${sent})`;
  } catch {
    return `run ${number}`;
  }
}

async function shown(client: Client, numbers: readonly number[]): Promise<RunView[]> {
  const runs: RunView[] = [];
  for (const number of numbers) runs.push((await client.call<{ run: RunView }>('GET', `/v1/runs/${number}`)).run);
  return runs;
}

type EndedProcess = { readonly pid: number; readonly command: string };

/** Returns the other processes that the stop reached, according to the signals in the history. */
async function endedWith(client: Client, run: RunView): Promise<EndedProcess[]> {
  const { events } = await client.call<{ events: EventView[] }>('GET', `/v1/runs/${run.number}`);
  const targets = events.flatMap(({ type, data }) =>
    type === 'signalled' ? (data['targets'] as (EndedProcess & { proof: string; sent: boolean })[]) : [],
  );
  const others = targets.filter(({ proof, sent }) => sent && proof !== 'leader');
  return [...new Map(others.map(({ pid, command }) => [pid, { pid, command }])).values()];
}

function formatCancelled(run: RunView, signalled: readonly EndedProcess[]): string {
  const leaked = run.leaked ?? [];
  const left = leaked.filter(({ ended }) => !ended);
  const ended = new Map([...signalled, ...leaked].map(({ pid, command }) => [pid, { pid, command }]));
  for (const { pid } of left) ended.delete(pid);
  const how = run.signal ?? (run.exitCode === null ? formatEnd(run) : `exit ${run.exitCode}`);
  const also = ended.size === 0 ? '' : `; also ended ${names([...ended.values()])}`;
  const blocked = left.length === 0 ? '' : `; still there: ${names(left)}`;
  return `Run ${run.number} ${run.status} (${run.startedAt === null ? 'it had not started' : how})${also}${blocked}.`;
}

/** Names the first processes with their pids, and counts the others. */
function names(processes: readonly EndedProcess[]): string {
  const shown = processes.slice(0, blockersNamed).map(({ pid, command }) => `${clean(command)} (${pid})`);
  return `${shown.join(', ')}${processes.length > shown.length ? ` and ${processes.length - shown.length} more` : ''}`;
}
