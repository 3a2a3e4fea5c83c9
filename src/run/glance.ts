/** The few facts of an account that lists show: small, so that a page of a thousand runs is quickly read. */
import type { Account, Retrying } from './account.ts';
import { limits } from './limits.ts';
import { noTotals, type SessionTotals, type Usage, usageOf } from './usage.ts';

export type Glance = {
  readonly sessionId: string | null;
  readonly model: string | null;
  readonly toolCalls: number;
  readonly commands: number;
  readonly commandsFailed: number;
  readonly filesChanged: number;
  readonly messages: number;
  readonly usage: Usage | null;
  readonly retrying: Pick<Retrying, 'attempt' | 'of' | 'message'> | null;
  readonly resetsAt: number | null;
  /** The agent's last words, the beginning of them. */
  readonly lastMessage: string | null;
};

/** `before`: what the session had used before this run; null as long as no session is known. */
export function glanceOf(account: Account, before: SessionTotals | null): Glance {
  const { sessionId, model, toolCalls, commands, commandsFailed, messages, retrying, text } = account;
  return {
    sessionId,
    model,
    toolCalls,
    commands,
    commandsFailed,
    filesChanged: Object.keys(account.files).length + account.filesMore,
    messages,
    usage: usageOf(account.meter, before ?? noTotals),
    retrying: retrying === null ? null : { attempt: retrying.attempt, of: retrying.of, message: retrying.message },
    resetsAt: account.limitResetsAt,
    lastMessage: text === '' ? null : text.slice(0, limits.errorLength),
  };
}
