/**
 * `clip status --watch --plain`: the same updates as lines, for screen readers, logs and pipes. No line is rewritten.
 */
import type { Board } from './board.ts';
import type { Feed } from './board-stream.ts';
import type { Connection } from './dashboard-model.ts';
import { changes } from './describe-changes.ts';

/** Runs until it is interrupted or the feed breaks. */
export async function runPlain(feed: Feed, print: (line: string) => void): Promise<void> {
  let before: Board | null = null;
  let connection: Connection = 'live';
  await feed.run((board, now) => {
    if (now !== connection) print(formatConnection(now));
    connection = now;
    for (const line of changes(before, board, Date.now())) print(line);
    before = board;
  });
}

function formatConnection(connection: Connection): string {
  if (connection === 'live') return 'The daemon is there again.';
  return connection === 'stopped'
    ? 'The daemon was stopped; waiting for it: clip daemon start'
    : 'The daemon has gone; waiting for it to come back.';
}
