import type { StreamState } from '#run/stream-state.ts';

export type StreamChange = { readonly type: 'session' | 'retrying' | 'result' } & Readonly<Record<string, unknown>>;

/** Returns the changes worth an event in the history of the run: not every tool, but what a person may want to know later. */
export function findStreamChanges(before: StreamState, after: StreamState): StreamChange[] {
  const news: StreamChange[] = [];
  if (after.sessionId !== null && after.sessionId !== before.sessionId) {
    news.push({
      type: 'session',
      sessionId: after.sessionId,
      model: after.model,
      permission: after.permission,
      version: after.version,
    });
  }
  const { retrying, result } = after;
  // A run may retry for days with the same message, so only the beginning is recorded.
  if (retrying !== null && before.retrying === null) {
    news.push({ type: 'retrying', attempt: retrying.attempt, of: retrying.of, message: retrying.message });
  }
  if (result !== null && result.at !== before.result?.at) {
    news.push({
      type: 'result',
      class: result.failure?.class ?? null,
      message: result.failure?.message ?? null,
      resetsAt: result.failure?.resetsAt ?? null,
    });
  }
  return news;
}
