/** The board, kept up to date over one stream; when the daemon goes, the stream of the next one is waited for. */
import type { BoardLine } from '../../protocol/board.ts';
import type { Client } from '../client.ts';
import { type Board, withNews } from './board.ts';
import type { Connection } from './facts.ts';

export type Feed = {
  /** Goes on for ever; throws when it breaks for another reason than a daemon that has gone. */
  readonly run: (told: (board: Board, connection: Connection) => void) => Promise<never>;
};

const pauseMs = 300;

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
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    },
  };
}
