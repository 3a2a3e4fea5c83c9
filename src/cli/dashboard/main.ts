/** The module that `clip status --watch` loads. */
import type { Client } from '../client/client.ts';
import type { Context } from '../context.ts';
import { createFeed } from './board-stream.ts';
import { runDashboard } from './dashboard.tsx';
import { runPlain } from './plain-watch.ts';

/**
 * Runs the dashboard on a terminal until the person quits. Otherwise, or on request, it prints each change as a line.
 */
export async function watchBoard(
  { look, env, print, home, cwd }: Pick<Context, 'look' | 'env' | 'print' | 'home' | 'cwd'>,
  client: Client,
  plain: boolean,
): Promise<void> {
  const feed = createFeed(client);
  if (plain) await runPlain(feed, print);
  // Links are for permanent lines. Ink's output would bypass the filter that admits only clip's own links.
  else {
    const { stdin, stdout } = process;
    await runDashboard({ feed, client, home, cwd, look: { ...look, links: false }, env, stdin, stdout });
  }
}
