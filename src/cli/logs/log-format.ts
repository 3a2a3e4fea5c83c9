/** Whether the log of a run is shown as text or unchanged, and how its stream is read. */
import type { MappingAnswer, RunView } from '#protocol/answers.ts';
import { ClipError } from '#run/errors.ts';
import type { Client } from '../client/client.ts';
import type { Context } from '../context.ts';
import { createRedactor } from '../terminal/mask-secrets.ts';
import type { Reader, Renderer } from './transcript/renderer.ts';

/** Creates the renderer of one of a run's logs. */
export type Rendering = (context: Context, run: RunView, stream: 'stdout' | 'stderr') => Renderer;

/** The options `rendered` and `raw`. The default is rendered text, also in a pipe: only `--raw` gives the bytes. */
export type LogFormatOptions = { readonly rendered?: boolean | undefined; readonly raw?: boolean | undefined };

/**
 * Returns the renderer factory, or null to show the bytes. Commands without a stream of events always show their bytes.
 */
export async function createRendering(
  context: Context,
  client: Client,
  run: RunView,
  asked: LogFormatOptions,
): Promise<Rendering | null> {
  if (asked.raw) return null;
  const reader = await createReader(client, run);
  if (reader === null) {
    if (asked.rendered)
      context.notice(`Run ${run.number} has no stream of events that clip could read; its output is shown as it is.`);
    return null;
  }
  const { createRenderer } = await import('./transcript/renderer.ts');
  return ({ env, look }, { number, cwd }, stream) =>
    createRenderer({ reader, stream, look, cwd, hint: `clip logs ${number} --raw`, hide: createRedactor(env) });
}

/** Returns how the stream of this run is read, or null for a run without one. */
export async function createReader(client: Client, { number, adapter, agentName }: RunView): Promise<Reader | null> {
  if (agentName === null) return null;
  if (adapter !== 'plain') return { adapter: adapter as Reader['adapter'], mapping: null };
  try {
    const { mapping } = await client.call<MappingAnswer>('GET', `/v1/runs/${number}/mapping`);
    return mapping === null ? null : { adapter: 'plain', mapping };
  } catch (error) {
    // A daemon of an earlier release does not know this request.
    if (error instanceof ClipError && error.code === 'not_found') return null;
    throw error;
  }
}
