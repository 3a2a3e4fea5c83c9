/** What keys want done: asked of the daemon, and answered in a sentence. */
import type { CancelAnswer, RunView } from '../../protocol/answers.ts';
import { ClipError } from '../../run/errors.ts';
import type { Client } from '../client.ts';
import { environmentOf } from '../request.ts';
import { clean } from '../words.ts';
import type { Order } from './state.ts';

export type Asked = Extract<Order, { readonly run: number }>;

/** Never throws: what went wrong is the answer. */
export async function carryOut(client: Client, order: Asked, env: NodeJS.ProcessEnv): Promise<string> {
  try {
    return order.type === 'cancel' ? await cancel(client, order) : await retry(client, order.run, env);
  } catch (error) {
    if (error instanceof ClipError) return clean(`${error.message} ${error.hint ?? ''}`.trim());
    return clean(`Internal error: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function cancel(client: Client, { run, now }: Extract<Asked, { type: 'cancel' }>): Promise<string> {
  const { results } = await client.call<CancelAnswer>('POST', '/v1/cancel', { runs: [String(run)], now });
  return clean(now ? `Run ${run} is killed at once.` : (results[0]?.message ?? `Run ${run} is being stopped.`));
}

async function retry(client: Client, number: number, env: NodeJS.ProcessEnv): Promise<string> {
  const body = { env: environmentOf(env, {}), envNames: [], parentRunId: null, fresh: false };
  const { run } = await client.call<{ run: RunView }>('POST', `/v1/runs/${number}/retry`, body);
  return `Run ${run.number} repeats run ${number}.`;
}
