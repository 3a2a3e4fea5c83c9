/** Words of an answer's `status` (docs/agents.md); all others mean that it has ended well. The adapter has the same. */
export const unfinishedWords = ['accepted', 'pending', 'queued', 'starting', 'running', 'in_progress', 'processing'];
export const failedWords = ['failed', 'failure', 'error', 'cancelled', 'canceled', 'timed_out'];
