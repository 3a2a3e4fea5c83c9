/** Builds the views of tasks and what belongs to them. */
import { isoTime, isoTimeOrNull } from '#run/iso-time.ts';
import type { Actor, Comment, Document, Task } from '#task/task.ts';
import type { Wake } from '#task/wake.ts';
import type { CommentView, DocumentHeadView, DocumentView, TaskView, WakeView } from './tasks.ts';

/**
 * Builds the view of a task. `nameOf`: returns the name of an agent, also of a removed one. `paused`: a reached limit
 * of the task, in words.
 */
export function viewOfTask(
  task: Task,
  { nameOf, paused }: { nameOf: (agentId: string) => string | null; paused: string | null },
): TaskView {
  const { assignee, createdAt, updatedAt, statusAt, dismissedAt, ...fields } = task;
  const agentId = assignee?.kind === 'agent' ? assignee.agentId : null;
  return {
    ...fields,
    assignee:
      assignee === null ? null : assignee.kind === 'person' ? 'me' : (nameOf(assignee.agentId) ?? assignee.agentId),
    assigneeAgentId: agentId,
    paused,
    createdAt: isoTime(createdAt),
    updatedAt: isoTime(updatedAt),
    statusAt: statusAt === 0 ? null : isoTime(statusAt),
    dismissedAt: isoTimeOrNull(dismissedAt),
  };
}

/** Builds the view of a wake. `nameOf`: returns the name of an agent, or null for one that was removed. */
export function viewOfWake(wake: Wake, nameOf: (agentId: string) => string | null): WakeView {
  const { id, status, source, reason, coalescedCount, runId, error } = wake;
  const { fresh: _fresh, inARow: _inARow, ...payload } = wake.payload;
  return {
    id,
    agent: nameOf(wake.agentId),
    status,
    source,
    reason,
    idempotencyKey: wake.key,
    coalescedCount,
    runId,
    error,
    payload: { issueId: wake.task, ...payload },
    notBefore: isoTimeOrNull(wake.notBefore),
    requestedAt: isoTime(wake.requestedAt),
    finishedAt: isoTimeOrNull(wake.finishedAt),
  };
}

/** Builds the view of a comment. */
export function viewOfComment({ id, author, text, at }: Comment): CommentView {
  return { id, ...by(author), text, at: isoTime(at) };
}

/** Builds the view of a revision of a document, with its text. */
export function viewOfDocument({ key, revision, title, body, author, at }: Document): DocumentView {
  return { key, revision, title, ...by(author), updatedAt: isoTime(at), body };
}

/** Builds the view of a document for lists: its size in bytes instead of its text. */
export function viewOfHead({
  key,
  revision,
  title,
  author,
  at,
  bytes,
}: Omit<Document, 'body'> & { readonly bytes: number }): DocumentHeadView {
  return { key, revision, title, ...by(author), updatedAt: isoTime(at), bytes };
}

function by(author: Actor): { author: string; runId: string | null } {
  return author.kind === 'agent'
    ? { author: author.name, runId: author.runId }
    : { author: author.kind === 'person' ? 'me' : 'clip', runId: null };
}
