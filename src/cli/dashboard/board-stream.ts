/** Keeps the board up to date over one stream. When the daemon goes, it waits for the next one. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BoardLine } from '#protocol/board.ts';
import type { Client } from '../client/client.ts';
import { type Board, withNews } from './board.ts';
import type { Connection } from './dashboard-model.ts';

export type Feed = {
  /** Runs endlessly. Throws when the stream breaks for any other reason than a daemon that has gone. */
  readonly run: (told: (board: Board, connection: Connection) => void) => Promise<never>;
};

const pauseMs = 300;

/** Creates the feed of the board. */
export function createFeed(client: Client): Feed {
  return {
    async run(told) {
      let board: Board | null = null;
      const lost = (how: Exclude<Connection, 'live'>) => {
        if (board !== null) told(board, how);
      };
      for (;;) {
        for await (const line of client.following(() => '/v1/board', lost)) {
          if (line['type'] !== 'board') continue;
          board = withNews(board, line as BoardLine);
          if (board !== null) told(board, 'live');
        }
        lost('gone');
        await sleep(pauseMs);
      }
    },
  };
}
