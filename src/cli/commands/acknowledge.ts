/** Acknowledges a run that needed attention, which removes it from the list of what needs you. */
import type { RunView } from '#protocol/answers.ts';
import type { Client } from '../client/client.ts';
import type { Context } from '../context.ts';

/** Acknowledges the runs that a person has just been shown on a terminal. Scripts and runs acknowledge nothing. */
export async function acknowledgeSeen(context: Context, client: Client, runs: readonly RunView[]): Promise<void> {
  if (context.look.width === null || context.json || context.insideRun !== null) return;
  for (const run of runs) if (run.needsYou) await acknowledge(client, run.number, 'seen').catch(() => {});
}

/** Acknowledges one run, and returns it. Throws not_found for an unknown one. */
export function acknowledge(
  client: Client,
  run: number | string,
  how: 'seen' | 'dismissed',
): Promise<{ run: RunView }> {
  return client.call<{ run: RunView }>('POST', `/v1/runs/${encodeURIComponent(run)}/acknowledge`, { how });
}
