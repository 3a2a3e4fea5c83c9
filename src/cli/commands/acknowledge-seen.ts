import type { RunView } from '#protocol/answers.ts';
import { acknowledge } from '../client/acknowledge.ts';
import type { Client } from '../client/client.ts';
import type { Context } from '../context.ts';

/** Acknowledges the runs that a person has just been shown on a terminal. Scripts and runs acknowledge nothing. */
export async function acknowledgeSeen(context: Context, client: Client, runs: readonly RunView[]): Promise<void> {
  if (context.look.width === null || context.json || context.insideRun !== null) return;
  for (const run of runs) if (run.needsYou) await acknowledge(client, run.number, 'seen').catch(() => {});
}
