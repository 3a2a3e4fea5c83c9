/**
 * What the stream of an agent says, one thing at a time: the common language of all adapters. A reading
 * is a plain fact of the stream; what it amounts to is the account's business (account.ts).
 */
import type { SentReport } from './agent-report.ts';

/** Kinds of trouble that have a remedy of their own. Everything else has no class. */
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
  /** When the provider says it can be tried again; milliseconds since the epoch, null where it does not say. */
  readonly resetsAt: number | null;
};

export type ToolKind = 'command' | 'write' | 'read' | 'other';
export type FileChange = { readonly path: string; readonly kind: 'add' | 'update' | 'delete' | null };
export type Tokens = { readonly input: number | null; readonly cached: number | null; readonly output: number | null };

/** `part`: counts that are added up. `session`: the total of the whole session so far, earlier runs included. */
export type Scope = 'part' | 'session';

export type Reading =
  | { readonly type: 'session'; readonly id: string; readonly model: string | null; readonly permission: string | null; readonly version: string | null }
  /** Words of the agent; with `delta`, the continuation of the words before. */
  | { readonly type: 'message'; readonly text: string; readonly delta: boolean }
  | {
      readonly type: 'tool-started';
      readonly id: string;
      readonly tool: string;
      readonly kind: ToolKind;
      readonly command: string | null;
      /** Files it is about, as far as its input says. */
      readonly paths: readonly string[];
    }
  | {
      readonly type: 'tool-ended';
      readonly id: string;
      readonly exitCode: number | null;
      readonly failed: boolean;
      /** It was not allowed to run. */
      readonly denied: boolean;
      /** Files it changed; null when only its start says which. */
      readonly files: readonly FileChange[] | null;
    }
  /** It was not allowed to use a tool, and nothing else is said of that call. */
  | { readonly type: 'refused'; readonly tool: string }
  /** How many of its tasks go on in the background now. */
  | { readonly type: 'background'; readonly tasks: number }
  | { readonly type: 'tokens'; readonly scope: Scope; readonly tokens: Tokens; readonly model: string | null }
  | { readonly type: 'cost'; readonly scope: Scope; readonly usd: number }
  /** A limit was reached or is near; it opens again at this time. */
  | { readonly type: 'limit'; readonly resetsAt: number }
  /** Something went wrong; whether the run did is decided by its result, or by its end if it gives none. */
  | { readonly type: 'error'; readonly failure: Failure }
  /** Something went wrong, perhaps: it counts only if the run ends badly. */
  | { readonly type: 'complaint'; readonly failure: Failure }
  | { readonly type: 'retrying'; readonly attempt: number | null; readonly of: number | null; readonly message: string }
  /** The agent says that it is done, well or not. Some say so more than once; the last one counts. */
  | { readonly type: 'result'; readonly failure: Failure | null }
  /** A line that `clip report` has printed; whether the token is right is not for a reader to know. */
  | ({ readonly type: 'report' } & SentReport);
