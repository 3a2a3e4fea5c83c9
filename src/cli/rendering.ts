/** Whether the log of a run is shown as text or as it was written, and how its stream is read. */
import type { MappingAnswer, RunView } from '../protocol/answers.ts';
import { ClipError } from '../run/errors.ts';
import type { Client } from './client.ts';
import type { Context } from './context.ts';
import { hidingOf } from './mask.ts';
import type { Reader, Renderer } from './rendered/renderer.ts';

/** Makes the renderer of one of a run's logs. */
export type Rendering = (context: Context, run: RunView, stream: 'stdout' | 'stderr') => Renderer;

/** `rendered` and `raw` as they were asked for; without a word, a terminal gets text. */
export type Asked = { readonly rendered?: boolean | undefined; readonly raw?: boolean | undefined };

/** Null where the bytes are to be shown; also for commands without a stream of events, of which nothing better can be made. */
export async function renderingOf(context: Context, client: Client, run: RunView, asked: Asked): Promise<Rendering | null> {
  if (asked.raw || (!asked.rendered && context.look.width === null)) return null;
  const reader = await readerOf(client, run);
  if (reader === null) {
    if (asked.rendered) context.notice(`Run ${run.number} has no stream of events that clip could read; its output is shown as it is.`);
    return null;
  }
  const { createRenderer } = await import('./rendered/renderer.ts');
  return ({ env, look }, { number, cwd }, stream) => createRenderer({ reader, stream, look, cwd, hint: `clip logs ${number} --raw`, hide: hidingOf(env) });
}

/** How the stream of this run is read; null for a run without one. */
export async function readerOf(client: Client, { number, adapter, agentName }: RunView): Promise<Reader | null> {
  if (agentName === null) return null;
  if (adapter !== 'plain') return { adapter: adapter as Reader['adapter'], mapping: null };
  try {
    const { mapping } = await client.call<MappingAnswer>('GET', `/v1/runs/${number}/mapping`);
    return mapping === null ? null : { adapter: 'plain', mapping };
  } catch (error) {
    // A daemon of an earlier release does not know the question.
    if (error instanceof ClipError && error.code === 'not_found') return null;
    throw error;
  }
}
