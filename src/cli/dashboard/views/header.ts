/** The header of every page: the daemon, the slots, the queue, and today's cost. */

import { formatDuration, formatSlots, formatTokens, plural } from '../../format/format.ts';
import { clean } from '../../terminal/clean.ts';
import { paint } from '../../terminal/style.ts';
import type { Canvas, Facts } from '../dashboard-model.ts';
import { fitting } from './lines.ts';

const narrow = 60;

/** A keeper starts a killed daemon again. Without one, only a command does. */
const connectionWords = {
  stopped: 'the daemon was stopped: clip daemon start',
  gone: 'reconnecting… (if this stays: clip daemon start)',
} as const;

/** Formats the header, which ends with an empty line. */
export function headLines({ board, connection, now }: Facts, { columns, look }: Canvas): string[] {
  const { daemon, queue } = board;
  const waiting = queue.queued === 0 ? 'nothing queued' : `${queue.queued} queued`;
  const parts = [
    paint('clip', 'bold', look),
    ...(connection === 'live' ? [] : [paint(connectionWords[connection], 'yellow', look)]),
    columns < narrow
      ? `${queue.taken + queue.agentsTaken}/${queue.slots + queue.agentSlots} slots`
      : formatSlots(queue),
    waiting,
    ...(queue.held ? [paint('the queue is held: clip resume', 'yellow', look)] : []),
    formatSpent(board.spentToday),
    paint(
      `up ${formatDuration(Math.max(0, now - Date.parse(daemon.startedAt)))}, pid ${daemon.pid}, ${daemon.version}`,
      'gray',
      look,
    ),
  ];
  const trouble =
    daemon.trouble === null
      ? []
      : [paint(clean(`${daemon.trouble.message} ${daemon.trouble.hint ?? ''}`.trim()), 'red', look)];
  return [fitting(parts, columns, ' · '), ...trouble, ''];
}

/** Formats today's usage. An unknown amount is named and never shown as zero. */
function formatSpent({ runs, costUsd, costKnownUsd, tokens, tokensKnown }: Facts['board']['spentToday']): string {
  if (runs === 0) return 'no agents today';
  const cost =
    costUsd === null && costKnownUsd === 0
      ? 'cost unknown'
      : `$${costKnownUsd.toFixed(2)}${costUsd === null ? '+' : ''}`;
  const words =
    tokens === null && tokensKnown === 0 ? '' : `, ${formatTokens(tokensKnown)}${tokens === null ? '+' : ''} tokens`;
  return `today ${cost}${words}, ${plural(runs, 'run')}`;
}
