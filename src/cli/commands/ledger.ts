import type { Command } from 'commander';
import type { RunView } from '#protocol/answers.ts';
import type { LedgerAnswer, Sum } from '#protocol/tasks.ts';
import { limits } from '#run/limits.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { chartText } from '../format/bar-chart.ts';
import { formatDuration, plural } from '../format/format.ts';
import { ledgerRow } from '../format/ledger.ts';
import { table } from '../format/table.ts';
import { formatTaskStatus, taskPath } from '../format/task.ts';
import { formatCost, formatSum, formatToken, percent } from '../format/totals.ts';
import { clean } from '../terminal/clean.ts';
import { paint } from '../terminal/style.ts';
import { span, spansIn, wrap } from '../terminal/styled-text.ts';
import { duration, positiveNumber } from './options.ts';

type Options = { agent?: string; since?: number; limit?: number; chart?: boolean; json?: boolean };

/** Adds `clip ledger`. */
export function addLedger(command: Command, register: Register): void {
  command
    .option('--agent <name>', 'only of this agent')
    .option('--since <duration>', 'only of the last …: 2h, 7d', duration('--since'))
    .option('-n, --limit <n>', `how many (default ${limits.ledgerRuns})`, positiveNumber)
    .option('--chart', 'runs and spend per day and agent, as bars')
    .option('--json', 'as JSON')
    .action((ref: string | undefined, options: Options) =>
      register(options, async (context) => {
        const answer = await context.client().call<LedgerAnswer>('GET', `/v1/ledger?${buildQuery(ref, options)}`);
        if (context.json) context.printJson(answer);
        else if (options.chart) context.print(chartText(context.look, answer.totals));
        else print(context, answer, options);
        return 0;
      }),
    );
}

function buildQuery(ref: string | undefined, { agent, since, limit }: Options): string {
  const query = new URLSearchParams();
  if (ref !== undefined) query.set('task', taskPath(ref).slice('/v1/tasks/'.length));
  if (agent !== undefined) query.set('agent', agent);
  if (since !== undefined) query.set('since', String(Math.max(0, Date.now() - since)));
  if (limit !== undefined) query.set('limit', String(limit));
  return query.toString();
}

function print(context: Context, { task, runs, hidden, totals }: LedgerAnswer, options: Options): void {
  const { look } = context;
  if (task !== null) {
    const words = `  ${formatTaskStatus(task, look)}${task.assignee === null ? '' : `, ${clean(task.assignee)}`}`;
    const title = [span(`T${task.number}  ${clean(task.title)}`, 'bold'), ...spansIn(words)];
    context.print(`${wrap(title, look, { first: '', rest: '    ' }).join('\n')}\n`);
  }
  if (runs.length === 0)
    return context.notice(
      'No runs of agents or tasks yet. Start one: clip run --agent NAME "…", or clip task add "…" --assign NAME',
    );
  const now = Date.now();
  context.print(runs.map((run: RunView) => ledgerRow(look, run, { now, withTask: task === null })).join('\n\n'));
  if (hidden > 0) context.print(paint(`\n${plural(hidden, 'older run')} not shown`, 'gray', look));
  context.print(`\n${wrap([span(sumLine('all together', totals))], look, { first: '', rest: '  ' }).join('\n')}`);
  // A single task, agent or day needs no table of its own.
  const groups = [
    ...(task === null
      ? totals.byTask.map(({ task: number, ...sum }) => ({ name: number === null ? 'no task' : `T${number}`, sum }))
      : []),
    ...(options.agent === undefined
      ? totals.byAgent.map(({ agent, ...sum }) => ({ name: agent === null ? 'no agent' : clean(agent), sum }))
      : []),
    ...totals.byDay.map(({ day, ...sum }) => ({ name: day, sum })),
  ];
  if (groups.length <= 3 && totals.byDay.length <= 1 && totals.byAgent.length <= 1) return;
  const more = formatHidden(totals);
  context.print(`\n${sumTable(context, groups)}${more === null ? '' : `\n${paint(more, 'gray', look)}`}`);
}

/** Names the groups that the totals lack, which are those with the oldest ends; null if they lack none. */
function formatHidden({ tasksHidden, agentsHidden, daysHidden }: LedgerAnswer['totals']): string | null {
  const parts = [
    ...(tasksHidden > 0 ? [plural(tasksHidden, 'more task')] : []),
    ...(agentsHidden > 0 ? [plural(agentsHidden, 'more agent')] : []),
    ...(daysHidden ? ['earlier days'] : []),
  ];
  return parts.length === 0 ? null : `${parts.join(', ')} not shown`;
}

function sumLine(name: string, sum: Sum): string {
  const share = sum.advancedShare === null ? '' : `, ${percent(sum.advancedShare)} advanced`;
  return `${name}: ${formatSum(sum)}${share}`;
}

function sumTable({ look }: Context, groups: readonly { readonly name: string; readonly sum: Sum }[]): string {
  return table(
    groups,
    [
      { title: '', cell: ({ name }) => name, flexible: true },
      { title: 'RUNS', cell: ({ sum }) => String(sum.runs), right: true },
      { title: 'TIME', cell: ({ sum }) => formatDuration(sum.timeMs), right: true },
      { title: 'TOKENS', cell: ({ sum }) => formatToken(sum), right: true, from: 60 },
      { title: 'COST', cell: ({ sum }) => formatCost(sum), right: true },
      {
        title: 'ADVANCED',
        cell: ({ sum }) => (sum.advancedShare === null ? '–' : percent(sum.advancedShare)),
        right: true,
      },
    ],
    look,
  );
}
