import type { Command } from 'commander';
import type { RunView } from '#protocol/answers.ts';
import type { QueueState } from '#protocol/queue.ts';
import { ClipError } from '#run/errors.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { formatAgo, formatSlots, formatSubject, plural } from '../format/format.ts';
import { type Column, table } from '../format/table.ts';
import { clean } from '../terminal/clean.ts';
import { positiveNumber } from './options.ts';

type Group = { name: string; limit: number | null; paused: boolean };
type Queue = QueueState;

/** Adds `clip group`. */
export function addGroup(group: Command, register: Register): void {
  group
    .command('list')
    .alias('ls')
    .description('all groups')
    .option('--json', 'as JSON')
    .action((options: { json?: boolean }) =>
      register(options, async (context) => {
        const answer = await context.client().call<{ groups: Group[] }>('GET', '/v1/groups');
        if (context.json) context.printJson(answer);
        else if (answer.groups.length === 0) context.notice('No groups. Make one: clip group set NAME --limit N');
        else {
          const columns = [
            { title: 'GROUP', cell: ({ name }: Group) => clean(name) },
            { title: 'LIMIT', cell: ({ limit }: Group) => (limit === null ? 'none' : String(limit)), right: true },
            { title: 'STATE', cell: ({ paused }: Group) => (paused ? 'paused' : 'open') },
          ];
          context.print(table(answer.groups, columns, context.look));
        }
        return 0;
      }),
    );
  group
    .command('set <group>')
    .description('how many runs of a group run at once')
    .requiredOption('--limit <n>', 'so many at a time, or none', limit)
    .option('--json', 'as JSON')
    .action((name: string, options: { limit: number | 'none'; json?: boolean }) =>
      register(options, (context) => change(context, name, { limit: options.limit === 'none' ? null : options.limit })),
    );
  group
    .command('rm <group>')
    .description('forget the limit and the pause of a group; its runs keep its name')
    .option('--json', 'as JSON')
    .action((name: string, options: { json?: boolean }) =>
      register(options, async (context) => {
        const answer = await context
          .client()
          .call<{ group: Group }>('DELETE', `/v1/groups/${encodeURIComponent(name)}`);
        if (context.json) context.printJson(answer);
        else context.print(`Group ${clean(name)} is removed; nothing bounds its runs any more.`);
        return 0;
      }),
    );
  for (const [verb, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    group
      .command(`${verb} <group>`)
      .description(paused ? 'start no more runs of a group' : 'go on starting them')
      .option('--json', 'as JSON')
      .action((name: string, options: { json?: boolean }) =>
        register(options, (context) => change(context, name, { paused })),
      );
  }
}

/** Adds `clip queue`. */
export function addQueue(queue: Command, register: Register): void {
  queue
    .command('list', { isDefault: true })
    .alias('ls')
    .description('what waits, and for what')
    .option('--json', 'as JSON')
    .action((options: { json?: boolean }) => register(options, listQueue));
  for (const [verb, held] of [
    ['hold', true],
    ['release', false],
  ] as const) {
    queue
      .command(verb)
      .description(held ? 'start no more runs; what runs goes on' : 'go on starting runs')
      .option('--json', 'as JSON')
      .action((options: { json?: boolean }) =>
        register(options, async (context) => {
          const answer = await context.client().call<Queue>('PUT', '/v1/queue', { held });
          if (context.json) context.printJson(answer);
          else
            context.print(
              held
                ? `The queue is held; ${plural(answer.queued, 'run')} wait${answer.queued === 1 ? 's' : ''}.`
                : 'The queue is released.',
            );
          return 0;
        }),
      );
  }
}

/** The number of queued runs that are listed. */
const queuedShown = 100;

async function listQueue(context: Context): Promise<number> {
  const client = context.client();
  const queue = await client.call<Queue>('GET', '/v1/queue');
  const query = `status=queued&limit=${queuedShown}`;
  const { runs } = await client.call<{ runs: RunView[] }>('GET', `/v1/runs?${query}`);
  if (context.json) {
    context.printJson({ ...queue, runs });
    return 0;
  }
  const held = queue.held ? '; the queue is held (clip resume)' : '';
  context.notice(`${plural(queue.queued, 'run')} queued; ${formatSlots(queue)} running${held}`);
  if (runs.length > 0) context.print(queueTable(context, runs.reverse()));
  return 0;
}

/** Formats the queued runs with what each waits for. */
export function queueTable({ look }: Context, runs: readonly RunView[]): string {
  const columns: Column<RunView>[] = [
    { title: 'RUN', cell: ({ number }) => String(number), right: true },
    { title: 'WAITS FOR', cell: ({ waitingFor }) => clean(waitingFor ?? 'a free slot'), flexible: true },
    { title: 'QUEUED', cell: ({ queuedAt }) => formatAgo(queuedAt, Date.now()), right: true, from: 80 },
    { title: 'WHO', cell: ({ agentName, name }) => clean(agentName ?? name ?? '–'), from: 60, flexible: true },
    { title: 'WHAT', cell: (run) => clean(formatSubject(run)), flexible: true },
  ];
  return table(runs, columns, look);
}

function limit(text: string): number | 'none' {
  return text === 'none' ? 'none' : positiveNumber(text);
}

async function change(context: Context, name: string, body: object): Promise<number> {
  if (/^\s*$/.test(name)) throw new ClipError('usage', 'A group needs a name.');
  const answer = await context.client().call<{ group: Group }>('PUT', `/v1/groups/${encodeURIComponent(name)}`, body);
  const { group } = answer;
  if (context.json) context.printJson(answer);
  else {
    const room = group.limit === null ? 'no limit' : `${group.limit} at a time`;
    context.print(`Group ${clean(group.name)}: ${room}, ${group.paused ? 'paused' : 'open'}.`);
  }
  return 0;
}
