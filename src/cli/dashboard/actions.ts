/** Carries out the actions of keys through the daemon, and returns a sentence about the result. */
import type { CancelAnswer, RunView } from '#protocol/answers.ts';
import { ClipError } from '#run/errors.ts';
import type { Client } from '../client/client.ts';
import { collectEnvironment } from '../client/submitted-environment.ts';
import { clean } from '../terminal/clean.ts';
import type { ActionRequest } from './state.ts';

export type RunAction = Extract<ActionRequest, { readonly run: number }>;

/** Performs an action. It never throws: an error becomes the returned sentence. */
export async function performAction(client: Client, order: RunAction, env: NodeJS.ProcessEnv): Promise<string> {
  try {
    return order.type === 'cancel' ? await cancel(client, order) : await retry(client, order.run, env);
  } catch (error) {
    if (error instanceof ClipError) return clean(`${error.message} ${error.hint ?? ''}`.trim());
    return clean(`Internal error: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function cancel(client: Client, { run, now }: Extract<RunAction, { type: 'cancel' }>): Promise<string> {
  const { results } = await client.call<CancelAnswer>('POST', '/v1/cancel', { runs: [String(run)], now });
  return clean(now ? `Run ${run} is killed at once.` : (results[0]?.message ?? `Run ${run} is being stopped.`));
}

async function retry(client: Client, number: number, env: NodeJS.ProcessEnv): Promise<string> {
  const body = { env: collectEnvironment(env, {}), envNames: [], parentRunId: null, fresh: false };
  const { run } = await client.call<{ run: RunView }>('POST', `/v1/runs/${number}/retry`, body);
  return `Run ${run.number} repeats run ${number}.`;
}
