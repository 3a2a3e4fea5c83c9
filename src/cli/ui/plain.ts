/** `clip status --watch --plain`: the same news as lines, for screen readers, logs and pipes. Nothing moves, nothing is rewritten. */
import type { Board } from './board.ts';
import { changes } from './changes.ts';
import type { Connection } from './facts.ts';
import type { Feed } from './feed.ts';

/** Goes on until it is interrupted, or the feed breaks. */
export async function runPlain(feed: Feed, print: (line: string) => void): Promise<void> {
  let before: Board | null = null;
  let connection: Connection = 'live';
  await feed.run((board, now) => {
    if (now !== connection) print(connectionWords(now));
    connection = now;
    for (const line of changes(before, board, Date.now())) print(line);
    before = board;
  });
}

function connectionWords(connection: Connection): string {
  if (connection === 'live') return 'The daemon is there again.';
  return connection === 'stopped' ? 'The daemon was stopped; waiting for it: clip daemon start' : 'The daemon has gone; waiting for it to come back.';
}
