/** What `clip status --watch` loads. */
import type { Client } from '../client.ts';
import type { Context } from '../context.ts';
import { runDashboard } from './dashboard.tsx';
import { createFeed } from './feed.ts';
import { runPlain } from './plain.ts';

/** On a terminal the dashboard, until the person leaves it; else, or if wished, each change as a line. */
export async function watchBoard({ look, env, print }: Pick<Context, 'look' | 'env' | 'print'>, client: Client, plain: boolean): Promise<void> {
  const feed = createFeed(client);
  if (plain) await runPlain(feed, print);
  // Links are for lines that stay; here they would go past the door that lets only ours through.
  else await runDashboard({ feed, client, look: { ...look, links: false }, env, stdout: process.stdout });
}
