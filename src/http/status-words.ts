/** The words of a response's `status` (docs/agents/http.md). All others mean success. The adapter has the same lists. */
export const unfinishedWords = ['accepted', 'pending', 'queued', 'starting', 'running', 'in_progress', 'processing'];
/** The words that mean failure. */
export const failedWords = ['failed', 'failure', 'error', 'cancelled', 'canceled', 'timed_out'];
