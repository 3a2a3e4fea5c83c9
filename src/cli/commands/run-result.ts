/** What a command does once its run is admitted: prints its number, waits for its end, or follows it. */
import type { RunView } from '#protocol/answers.ts';
import type { Client } from '../client/client.ts';
import { allReached, leaveAliveOnInterrupt } from '../client/wait-for-runs.ts';
import type { Context } from '../context.ts';
import { exitOfRun } from '../exit-codes.ts';
import { formatDuration, formatEnd, formatStatus } from '../format/format.ts';
import { clean } from '../terminal/clean.ts';
import { acknowledgeSeen } from './acknowledge-seen.ts';
import { startProgress } from './progress-line.ts';

export type Afterwards = { wait?: boolean; follow?: boolean; json?: boolean; quiet?: boolean };

/** Prints the number of the run, or waits for its end as the options ask. Returns the exit code of the command. */
export async function afterwards(context: Context, client: Client, run: RunView, options: Afterwards): Promise<number> {
  if (!options.wait && !options.follow) {
    report(context, run, options);
    return 0;
  }
  leaveAliveOnInterrupt([run.number], context.notice);
  if (run.waitingFor !== null && !options.json && !options.quiet)
    context.notice(`Run ${run.number} is queued: ${clean(run.waitingFor)}.`);
  if (options.follow && !options.json) {
    context.notice(isFirst(context, run, options) ? formatFirst(run) : `Run ${run.number}`);
    // Most runs are not followed.
    const { createRendering } = await import('../logs/log-format.ts');
    const { followOutput } = await import('../logs/print-logs.ts');
    const rendering = await createRendering(context, client, run, {});
    const ended = await followOutput(context, client, run, { stream: 'both', raw: false, last: null, rendering });
    context.notice(endSentence(context, ended));
    await acknowledgeSeen(context, client, [ended]);
    return exitOfRun(ended);
  }
  if (!options.json) report(context, run, options);
  const progress = startProgress(!options.json && !options.quiet, () => `Waiting for run ${run.number} to end`);
  const [ended = run] = await allReached(client, [run.number], 'ended').finally(progress.end);
  if (options.json) context.printJson({ schema: 1, run: ended });
  else context.notice(endSentence(context, ended));
  if (!options.json && !options.quiet) await acknowledgeSeen(context, client, [ended]);
  return exitOfRun(ended);
}

function report(context: Context, run: RunView, options: Afterwards): void {
  if (options.json) return context.printJson({ schema: 1, run });
  // The number is for scripts, the sentence for people.
  context.print(String(run.number));
  if (isFirst(context, run, options)) context.notice(formatFirst(run));
  else if (context.look.width !== null && !options.wait)
    context.notice(`Run ${run.number} is ${run.status}. Its output: clip logs -f ${run.number}`);
}

/** Returns whether this is the first run of the home. Numbers are never reused, so this happens once. */
function isFirst({ look }: Context, run: RunView, { quiet, json }: Afterwards): boolean {
  return run.number === 1 && run.retriedBy === null && look.width !== null && !quiet && !json;
}

/** Formats the introduction of the first run: what happened, how to see it, how to stop it. */
function formatFirst({ status }: RunView): string {
  return [
    `Run 1 is ${status}. It outlives this terminal; its output and exit code are kept.`,
    '  See it:   clip logs -f 1     (its output)    clip show 1  (all about it)',
    '  Stop it:  clip cancel 1      (and everything it started)',
  ].join('\n');
}

function endSentence({ look }: Context, run: RunView): string {
  const took =
    run.startedAt === null || run.endedAt === null
      ? ''
      : ` after ${formatDuration(Date.parse(run.endedAt) - Date.parse(run.startedAt))}`;
  const left = run.leaked?.length
    ? `; it left ${run.leaked.length} process${run.leaked.length === 1 ? '' : 'es'} behind (clip show ${run.number})`
    : '';
  const isExplained = run.exitKnown === false || run.agentName !== null;
  const error = run.error && isExplained ? `. ${clean(run.error)}` : '';
  const next = run.retriedBy === null ? '' : ` Run ${run.retriedBy} takes it up again.`;
  return `Run ${run.number} ${formatStatus(run, look)} (${formatEnd(run)})${took}${left}${error}${next}`;
}
