import { existsSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { Command } from 'commander';
import type { RunView, StatusAnswer } from '#protocol/answers.ts';
import type { NeedView } from '#protocol/needs.ts';
import { ClipError } from '#run/errors.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import {
  formatAgo,
  formatDuration,
  formatElapsed,
  formatEnd,
  formatSize,
  formatSlots,
  formatStatus,
  formatSubject,
  plural,
} from '../format/format.ts';
import { type Column, table } from '../format/table.ts';
import { clean } from '../terminal/clean.ts';
import { type Colour, paint, type TextStyle } from '../terminal/style.ts';
import { span, wrap } from '../terminal/styled-text.ts';
import { cutToWidth } from '../terminal/width.ts';
import { queueTable } from './group.ts';

/** Adds `clip status`. */
export function addStatus(command: Command, register: Register): void {
  command
    .option('-w, --watch', 'the live dashboard; ? shows its keys')
    .option('--plain', 'with --watch: each change as a line, for screen readers; else without colours')
    .option('--json', 'as JSON; with --watch, a line for each change')
    .action((options: Options) =>
      register(options, async (given) => {
        const context = options.plain ? { ...given, look: { ...given.look, colour: false } } : given;
        if (options.watch) return watch(context, options);
        // The daemon is never started here: "not running" is an answer.
        const status = await context
          .client(false)
          .call<StatusAnswer>('GET', context.json ? '/v1/status' : '/v1/status?look=true')
          .catch((error: unknown) => {
            throw isFirstLook(context, error) ? nothingYet(error as ClipError) : error;
          });
        if (context.json) context.printJson(status);
        else print(context, status);
        return 0;
      }),
    );
}

type Options = { readonly json?: boolean; readonly watch?: boolean; readonly plain?: boolean };

/** Watches the board. The dashboard's code is loaded only here. */
async function watch(context: Context, { plain = false }: Options): Promise<number> {
  // Without a daemon this fails at once. A daemon that goes later is awaited.
  const client = context.client(false);
  await client.call('GET', '/v1/daemon');
  if (context.json) for await (const line of client.following(() => '/v1/board')) context.printJson(line);
  const { watchBoard } = await import('../dashboard/main.ts');
  const isScreen = isatty(0) && isatty(1) && context.env['TERM'] !== 'dumb';
  await watchBoard(context, client, plain || !isScreen);
  return 0;
}

/** The columns of a title that stay however narrow the terminal is. */
const titleColumnsMin = 20;

/** Wraps a text between words, with an indent. */
function indented(look: TextStyle, text: string, ...colours: readonly Colour[]): string[] {
  return wrap([span(text, ...colours)], look, { first: '    ', rest: '    ' });
}

/** Returns whether no daemon has ever run in this home, so that it is a person's first look. */
function isFirstLook({ home }: Context, error: unknown): boolean {
  return error instanceof ClipError && error.code === 'unreachable' && !existsSync(home.database);
}

function nothingYet(cause: ClipError): ClipError {
  return new ClipError(
    'unreachable',
    'Nothing has run yet, and the daemon is not running.',
    'See what clip does: clip demo. Add an agent: clip agent add coder --adapter claude. Run a command: clip run -- make test',
    cause,
  );
}

/** Prints what needs a person: one sentence on what happened, and one on what to do. */
function printNeeds({ look, print }: Context, needs: readonly NeedView[]): void {
  if (needs.length === 0) return;
  print(`\n${paint(needs.length === 1 ? 'One thing needs you' : `${needs.length} things need you`, 'yellow', look)}`);
  const now = Date.now();
  for (const { kind, task, title, status, since, what, next } of needs) {
    const name = task === null || kind === 'run' ? '' : `T${task} `;
    const age = since === null ? '' : `, ${formatAgo(since, now)}`;
    const tail = ` (${status}${age})`;
    // The title is cut before the reason is.
    const room = look.width === null ? null : Math.max(titleColumnsMin, look.width - tail.length - 2);
    const head = `  ${paint(cutToWidth(`${name}${clean(title)}`, room), 'bold', look)}${tail}`;
    print([head, ...indented(look, clean(what)), ...indented(look, clean(next), 'cyan')].join('\n'));
  }
}

function print(context: Context, status: StatusAnswer): void {
  printTrouble(context, status.daemon.trouble);
  printLive(context, status);
  printQueued(context, status);
  printEnded(context, status.ended);
  printNeeds(context, status.needsYou);
}

/** Prints the daemon's trouble. A daemon of an earlier version does not report it. */
function printTrouble({ look, print }: Context, trouble: StatusAnswer['daemon']['trouble'] | undefined): void {
  if (trouble) print(`${paint(trouble.message, 'red', look)}${trouble.hint === null ? '' : `\n  ${trouble.hint}`}`);
}

/** Prints the next runs in the queue with what each waits for. */
function printQueued(context: Context, { queue, queued }: StatusAnswer): void {
  if (queued.length === 0) return;
  const more = queue.queued > queued.length ? `, the next ${queued.length}` : '';
  context.print(`\n${paint(`${queue.queued} queued${more}`, 'bold', context.look)}\n${queueTable(context, queued)}`);
}

/** Prints what has ended since the last look: how many runs, and those that did not succeed. */
function printEnded({ look, print }: Context, { since, total, runs }: StatusAnswer['ended']): void {
  if (since === null || total === 0) return;
  const counts = total > runs.length ? plural(total, 'run') : countEnds(runs);
  print(`\n${paint(`Ended since you looked (${formatAgo(since, Date.now())}): ${counts}`, 'bold', look)}`);
  const columns: Column<RunView>[] = [
    { title: 'RUN', cell: ({ number }) => String(number), right: true },
    { title: 'STATUS', cell: (run) => formatStatus(run, look) },
    { title: 'END', cell: formatEnd, from: 58 },
    { title: 'WHO', cell: ({ agentName, name }) => clean(agentName ?? name ?? '–'), from: 60, flexible: true },
    { title: 'WHAT', cell: (run) => clean(formatSubject(run)), flexible: true },
  ];
  print(table(runs, columns, look));
  if (total > runs.length)
    print(paint(`  and ${total - runs.length} more that succeeded or are older: clip runs`, 'gray', look));
}

/** Formats how many runs ended how: `3 ✓ 1 ✗ 2 ⊘`. A success that needs a person's look counts apart. */
function countEnds(runs: readonly RunView[]): string {
  const glyphs = runs.map((run) => formatStatus(run, { colour: false, width: null }).split(' ')[0] ?? '');
  return [...Map.groupBy(glyphs, (glyph) => glyph)].map(([glyph, all]) => `${all.length} ${glyph}`).join(' ');
}

/** Formats how long a run has been silent. A run that has said nothing yet is not talking. */
function formatSilence({ silence, lastOutputAt }: RunView): string {
  return silence === 'talking' && lastOutputAt === null ? 'no output' : (silence ?? '–');
}

/** From this width on, the first line has the facts of the daemon as well. */
const wideColumns = 110;

function printLive(context: Context, { daemon, queue, live }: StatusAnswer): void {
  const { look } = context;
  const waiting = queue.queued === 0 ? 'nothing queued' : `${queue.queued} queued`;
  const held = queue.held ? paint(', the queue is held (clip resume)', 'yellow', look) : '';
  const about = `pid ${daemon.pid}, up ${formatDuration(daemon.uptimeMs)}, ${formatSize(daemon.memoryBytes)}`;
  const state = look.width !== null && look.width < wideColumns ? '' : `, ${about}`;
  const taken = `${formatSlots(queue)} running`;
  context.print(`clip ${daemon.version}${state}: ${taken}, ${waiting}${held}`);
  if (live.length === 0) return context.print(paint('Nothing runs.', 'gray', look));
  const now = Date.now();
  const columns: Column<RunView>[] = [
    { title: 'RUN', cell: (run) => String(run.number), right: true },
    { title: 'STATUS', cell: (run) => formatStatus(run, look) },
    { title: 'TIME', cell: (run) => formatElapsed(run, now), right: true },
    { title: 'CPU', cell: (run) => (run.cpuPercent === null ? '–' : `${run.cpuPercent} %`), right: true, from: 60 },
    { title: 'MEMORY', cell: (run) => formatSize(run.memoryBytes), right: true, from: 60 },
    { title: 'SILENCE', cell: (run) => formatEnd(run) || formatSilence(run), from: 70 },
    ...(live.some(({ agentName }) => agentName !== null)
      ? [{ title: 'AGENT', cell: (run: RunView) => clean(run.agentName ?? ''), from: 50, flexible: true }]
      : []),
    ...(live.some(({ taskId }) => taskId !== null)
      ? [{ title: 'TASK', cell: (run: RunView) => (run.taskId === null ? '' : `T${run.taskId}`), from: 50 }]
      : []),
    {
      title: 'WHAT',
      cell: (run) => clean(run.name === null ? formatSubject(run) : `${run.name}: ${formatSubject(run)}`),
      flexible: true,
    },
  ];
  context.print(table(live, columns, look));
}
