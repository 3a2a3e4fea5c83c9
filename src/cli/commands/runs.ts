import type { Command } from 'commander';
import type { RunView } from '#protocol/answers.ts';
import { runStatuses } from '#run/run.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { formatAgo, formatElapsed, formatEnd, formatStatus, formatSubject } from '../format/format.ts';
import { type Column, table } from '../format/table.ts';
import { clean } from '../terminal/clean.ts';
import { collectOneOf, duration, positiveNumber } from './options.ts';

type Options = {
  status?: string[];
  group?: string;
  agent?: string;
  task?: string;
  name?: string;
  label?: string;
  since?: number;
  failed?: boolean;
  live?: boolean;
  limit?: number;
  before?: number;
  all?: boolean;
  json?: boolean;
};
type Page = { schema: 1; runs: RunView[]; hidden: number | null; next: number | null };

/** Adds `clip runs`. */
export function addRuns(command: Command, register: Register): void {
  command
    .option('--status <status>', `only these: ${runStatuses.join(', ')} (repeatable)`, collectOneOf(runStatuses))
    .option('--failed', 'only failed and timed out ones')
    .option('--live', 'only queued, starting, running and stopping ones')
    .option('--group <group>', 'only of this group')
    .option('--agent <agent>', 'only of this agent')
    .option('--task <task>', 'only of this task')
    .option('--name <name>', 'only of this name')
    .option('--label <k=v>', 'only with this label')
    .option('--since <duration>', 'only queued within the last …: 2h, 7d', duration('--since'))
    .option('-n, --limit <n>', 'how many (default 20)', positiveNumber)
    .option('--before <n>', 'only runs with a smaller number', positiveNumber)
    .option('--all', 'all of them, page by page')
    .option('--json', 'as JSON')
    .action((options: Options) => register(options, (context) => list(context, options)));
}

async function list(context: Context, options: Options): Promise<number> {
  const client = context.client();
  const page = await client.call<Page>('GET', `/v1/runs?${buildQuery(options)}`);
  while (options.all && page.next !== null) {
    const more = await client.call<Page>('GET', `/v1/runs?${buildQuery({ ...options, before: page.next })}`);
    page.runs.push(...more.runs);
    Object.assign(page, { next: more.next, hidden: more.hidden });
  }
  if (context.json) context.printJson(page);
  else printRuns(context, page, isFiltered(options));
  return 0;
}

function buildQuery(options: Options): string {
  const query = new URLSearchParams();
  for (const each of options.status ?? []) query.append('status', each);
  for (const flag of ['failed', 'live'] as const) if (options[flag]) query.set(flag, 'true');
  for (const name of ['group', 'agent', 'task', 'name', 'label', 'before'] as const)
    if (options[name] !== undefined) query.set(name, String(options[name]));
  if (options.since !== undefined) query.set('since', String(Math.max(0, Date.now() - options.since)));
  query.set('limit', String(options.all ? 1_000 : (options.limit ?? 20)));
  return query.toString();
}

function isFiltered({ limit: _, before, all: __, json: ___, ...filters }: Options): boolean {
  return before !== undefined || Object.values(filters).some((value) => value !== undefined);
}

function printRuns(context: Context, page: Page, filtered: boolean): void {
  if (page.runs.length === 0) {
    context.notice(
      filtered ? 'No matching runs. All of them: clip runs --all' : 'No runs. Start one: clip run -- COMMAND',
    );
    return;
  }
  context.print(runTable(context, page.runs, Date.now()));
  if (!page.hidden) return;
  const count = page.hidden >= 1_000 && !isPlain(page) ? '1000 or more' : page.hidden;
  const which = page.hidden === 1 ? 'run is' : 'runs are';
  context.notice(`${count} older ${which} not shown: --limit N, --before ${page.next}, or --all`);
}

/** Returns whether the page is unfiltered. Only unfiltered pages are counted exactly. */
function isPlain(page: Page): boolean {
  return (page.hidden ?? 0) > 1_000;
}

/** Formats a table of runs. Columns without any value are left out. */
export function runTable({ look }: Context, runs: readonly RunView[], now: number): string {
  const columns: Column<RunView>[] = [
    { title: 'RUN', cell: (run) => String(run.number), right: true },
    { title: 'STATUS', cell: (run) => formatStatus(run, look) },
    { title: 'END', cell: formatEnd, from: 58 },
    ...(runs.some(({ agentName }) => agentName !== null)
      ? [{ title: 'AGENT', cell: (run: RunView) => clean(run.agentName ?? ''), from: 62, flexible: true }]
      : []),
    ...(runs.some(({ name }) => name !== null)
      ? [{ title: 'NAME', cell: (run: RunView) => clean(run.name ?? ''), from: 90, flexible: true }]
      : []),
    ...(runs.some(({ group }) => group !== null)
      ? [{ title: 'GROUP', cell: (run: RunView) => clean(run.group ?? ''), from: 100, flexible: true }]
      : []),
    ...(runs.some(({ taskId }) => taskId !== null)
      ? [{ title: 'TASK', cell: (run: RunView) => (run.taskId === null ? '' : `T${run.taskId}`), from: 66 }]
      : []),
    { title: 'TIME', cell: (run) => formatElapsed(run, now), right: true, from: 50 },
    { title: 'QUEUED', cell: (run) => formatAgo(run.queuedAt, now), right: true, from: 80 },
    { title: 'WHAT', cell: (run) => clean(formatSubject(run)), flexible: true },
  ];
  return table(runs, columns, look);
}
