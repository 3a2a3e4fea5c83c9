/**
 * Agent events: the normalized records of an agent's stream, shared by all adapters. An agent event is a plain fact.
 * The stream state (stream-state.ts) derives what follows from it.
 */
import type { SentReport } from './agent-report.ts';

/** Classes of failures that have a remedy of their own. Every other failure has no class. */
export const errorClasses = [
  'auth_required',
  'rate_limited',
  'quota_exhausted',
  'context_exhausted',
  'max_turns_exhausted',
  'provider_unavailable',
  'permission_denied',
  'unknown_session',
  'output_truncated',
] as const;
export type ErrorClass = (typeof errorClasses)[number];

export type Failure = {
  readonly class: ErrorClass | null;
  readonly message: string;
  /**
   * The time from which the provider accepts another attempt, in milliseconds since the epoch. Null when it names none.
   */
  readonly resetsAt: number | null;
  /** Set when the message is clip's own sentence. Otherwise the words are those of the agent or its provider. */
  readonly by?: 'clip';
  /** Set when the provider says that another attempt is of no use. */
  readonly final?: true;
};

export type ToolKind = 'command' | 'write' | 'read' | 'other';
export type FileChange = { readonly path: string; readonly kind: 'add' | 'update' | 'delete' | null };
export type Tokens = { readonly input: number | null; readonly cached: number | null; readonly output: number | null };

/**
 * What a count of tokens refers to. `part`: tokens used since the last `part`; parts are added up. `session`: the total
 * of the whole session so far, earlier runs included. `call`: one call of the model, reported while the agent works.
 * Calls count until the next `part` reports their sum.
 */
export type Scope = 'part' | 'session' | 'call';

export type AgentEvent =
  | {
      readonly type: 'session';
      readonly id: string;
      readonly model: string | null;
      readonly permission: string | null;
      readonly version: string | null;
    }
  /** Text of the agent. With `delta`, it continues the previous message. */
  | { readonly type: 'message'; readonly text: string; readonly delta: boolean }
  | {
      readonly type: 'tool-started';
      readonly id: string;
      readonly tool: string;
      readonly kind: ToolKind;
      readonly command: string | null;
      /** Files that the tool is about, as far as its input names them. */
      readonly paths: readonly string[];
    }
  | {
      readonly type: 'tool-ended';
      readonly id: string;
      readonly exitCode: number | null;
      readonly failed: boolean;
      /** The tool was not allowed to run. */
      readonly denied: boolean;
      /** Files that the tool changed. Null when only its start names them. */
      readonly files: readonly FileChange[] | null;
      /** What a failed command printed, where the stream tells. */
      readonly output?: string;
    }
  /** The agent was not allowed to use a tool, and the stream reports nothing else about that call. */
  | { readonly type: 'refused'; readonly tool: string }
  /** The number of tasks that now run in the background. */
  | { readonly type: 'background'; readonly tasks: number }
  | {
      readonly type: 'tokens';
      readonly scope: 'part' | 'session';
      readonly tokens: Tokens;
      readonly model: string | null;
    }
  /**
   * `id` names the call. A call that is reported twice, as parts of an answer arrive, counts once with the larger
   * counts.
   */
  | {
      readonly type: 'tokens';
      readonly scope: 'call';
      readonly id: string;
      readonly tokens: Tokens;
      readonly model: string | null;
    }
  | { readonly type: 'cost'; readonly scope: 'part' | 'session'; readonly usd: number }
  /** A limit that was reached or is near, and the time at which it resets. */
  | { readonly type: 'limit'; readonly resetsAt: number }
  /** An error. The result decides whether the run failed, or the exit when there is no result. */
  | { readonly type: 'error'; readonly failure: Failure }
  /** A possible error. It counts only when the run ends badly. */
  | { readonly type: 'complaint'; readonly failure: Failure }
  | { readonly type: 'retrying'; readonly attempt: number | null; readonly of: number | null; readonly message: string }
  /** The agent's statement that it is done, successfully or not. An agent may send several; the last one counts. */
  | { readonly type: 'result'; readonly failure: Failure | null }
  /**
   * A part of the stream that could not be read: a line that is too long, or missing bytes. Only a later result makes
   * up for it.
   */
  | { readonly type: 'gap' }
  /** A line that `clip report` printed. The reader of the stream does not check its token. */
  | ({ readonly type: 'report' } & SentReport);
