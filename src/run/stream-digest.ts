/** The few fields of a stream state that lists show. They are small, so a page of a thousand runs is read quickly. */

import type { ErrorClass } from './agent-event.ts';
import { cutText } from './cut-text.ts';
import { limits } from './limits.ts';
import { isFatal } from './stream-failure.ts';
import type { Retrying, StreamState } from './stream-state.ts';
import { noTotals, type SessionTotals, toUsage, type Usage } from './usage.ts';

export type StreamDigest = {
  readonly sessionId: string | null;
  readonly model: string | null;
  readonly toolCalls: number;
  readonly commands: number;
  readonly commandsFailed: number;
  /** Commands that have begun and not ended. The other counts do not include them. */
  readonly commandsOpen: number;
  readonly filesChanged: number;
  readonly messages: number;
  readonly usage: Usage | null;
  /**
   * Whether the usage is a lower bound: the run works, was cut off before its result, or reported an impossible count.
   */
  readonly usageIsPart: boolean;
  /** The last error, as long as no sign of life followed it. */
  readonly lastError: LastError | null;
  readonly retrying: Pick<Retrying, 'attempt' | 'of' | 'message'> | null;
  readonly resetsAt: number | null;
  /** The beginning of the agent's last message. */
  readonly lastMessage: string | null;
};

/** An error of the stream. `fatal`: only a person or a new run gets past it. `at`: milliseconds since the epoch. */
export type LastError = {
  readonly class: ErrorClass | null;
  readonly message: string;
  readonly fatal: boolean;
  readonly at: number | null;
};

/** Builds the digest. `before`: what the session had used before this run, or null as long as no session is known. */
export function buildDigest(streamState: StreamState, before: SessionTotals | null): StreamDigest {
  const { sessionId, model, toolCalls, commands, commandsFailed, messages, retrying, text } = streamState;
  return {
    sessionId,
    model,
    toolCalls,
    commands,
    commandsFailed,
    commandsOpen: Object.values(streamState.openTools).filter(({ kind }) => kind === 'command').length,
    filesChanged: Object.keys(streamState.files).length + streamState.filesMore,
    messages,
    usage: toUsage(streamState.meter, before ?? noTotals),
    usageIsPart: !streamState.countedWhole,
    lastError: findLastError(streamState),
    retrying: retrying === null ? null : { attempt: retrying.attempt, of: retrying.of, message: retrying.message },
    resetsAt: streamState.limitResetsAt,
    lastMessage: text === '' ? null : cutText(text, limits.errorLength),
  };
}

function findLastError({ lastError, lastErrorAt }: StreamState): LastError | null {
  if (lastError === null) return null;
  const { class: errorClass, message } = lastError;
  return { class: errorClass, message: message.toWellFormed(), fatal: isFatal(lastError), at: lastErrorAt };
}
