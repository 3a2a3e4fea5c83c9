/** Describes changes of the board in words, for screen readers, logs and pipes. */
import type { RunView } from '#protocol/answers.ts';
import { formatCommand, formatDuration, formatElapsed, formatEnd, formatSlots, plural } from '../format/format.ts';
import { clean } from '../terminal/clean.ts';
import type { Board } from './board.ts';

/** Returns a sentence for each change. For a new board, it describes the current content. */
export function changes(before: Board | null, after: Board, now: number): string[] {
  const were = new Map([...(before?.runs.values() ?? [])].map((run) => [run.number, run]));
  // A new run that ended before the newest known end is not news. It only appears because another one was removed, for
  // example.
  const since =
    [...were.values()]
      .map(({ endedAt }) => endedAt ?? '')
      .sort()
      .at(-1) ?? '';
  const isNews = ({ number, endedAt }: RunView) =>
    endedAt === null || (before !== null && (were.has(number) || endedAt >= since));
  const runs = [...after.runs.values()].filter(isNews).sort((a, b) => a.number - b.number);
  return [
    ...(before === null ? [formatFirst(after, now)] : []),
    ...runs.flatMap((run) => formatRun(were.get(run.number) ?? null, run, now)),
    ...formatNeed(before, after),
    ...formatQueue(before, after),
    ...formatTrouble(before, after),
  ];
}

function formatFirst({ daemon, queue, live }: Board, now: number): string {
  const up = formatDuration(Math.max(0, now - Date.parse(daemon.startedAt)));
  const runs = `${plural(live.length, 'live run')}, ${queue.queued} queued`;
  const taken = formatSlots(queue);
  return `clip ${daemon.version} has been up for ${up}: ${runs}, ${taken}.`;
}

function formatRun(before: RunView | null, run: RunView, now: number): string[] {
  const name = `Run ${run.number}`;
  const who = run.agentName === null ? clean(formatCommand(run.command)) : clean(run.agentName);
  const task = run.taskId === null ? '' : ` for T${run.taskId}`;
  if (before?.status === run.status) {
    if (run.silence === 'stalled' && before.silence !== 'stalled')
      return [`${name} has stalled: no output and no work for a while.`];
    if (run.retrying !== null && before.retrying === null)
      return [`${name} is retrying: ${clean(run.retrying.message)}`];
    return before.livenessState === run.livenessState || run.livenessState === null
      ? []
      : [`${name} is judged: ${run.livenessState}.`];
  }
  switch (run.status) {
    case 'queued':
      return [
        `${name} is queued (${who}${task})${run.waitingFor === null ? '' : `, waiting for ${clean(run.waitingFor)}`}.`,
      ];
    case 'starting':
      return [];
    case 'running':
      return [`${name} is running (${who}${task}).`];
    case 'stopping':
      return [`${name} is being stopped.`];
    default: {
      const took = run.startedAt === null ? '' : ` after ${formatElapsed(run, now)}`;
      return [`${name} ${endings[run.status]}${took} (${formatEnd(run)}).`];
    }
  }
}

const endings = {
  succeeded: 'has succeeded',
  failed: 'has failed',
  timed_out: 'has timed out',
  cancelled: 'was cancelled',
} as const;

function formatNeed(before: Board | null, after: Board): string[] {
  const known = new Set(before?.needsYou.map((need) => JSON.stringify(need)));
  return after.needsYou
    .filter((need) => !known.has(JSON.stringify(need)))
    .map(
      ({ task, title, what, next }) =>
        `${task === null ? '' : `T${task} `}${clean(title)} needs you: ${clean(what)} ${clean(next)}`,
    );
}

function formatQueue(before: Board | null, { queue }: Board): string[] {
  if (before === null) return queue.held ? ['The queue is held: clip resume'] : [];
  if (before.queue.held !== queue.held)
    return [queue.held ? 'The queue is held: clip resume' : 'The queue is released.'];
  return [];
}

function formatTrouble(before: Board | null, { daemon }: Board): string[] {
  const was = before?.daemon.trouble ?? null;
  if (daemon.trouble === null) return was === null ? [] : [`That is over: ${clean(was.message)}`];
  return daemon.trouble.message === was?.message
    ? []
    : [clean(`${daemon.trouble.message} ${daemon.trouble.hint ?? ''}`.trim())];
}
