/** Acknowledges a run that needed attention, which removes it from the list of what needs you. */
import type { RunView } from '#protocol/answers.ts';
import type { Client } from './client.ts';

/** Acknowledges one run, and returns it. Throws not_found for an unknown one. */
export function acknowledge(
  client: Client,
  run: number | string,
  how: 'seen' | 'dismissed',
): Promise<{ run: RunView }> {
  return client.call<{ run: RunView }>('POST', `/v1/runs/${encodeURIComponent(run)}/acknowledge`, { how });
}
