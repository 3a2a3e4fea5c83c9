/**
 * Transcript items: the content of a stream for a person to read. They have more detail than agent events (tool output,
 * changes, durations) and are never counted. No decision depends on an item.
 */

import type { ToolKind } from '#run/agent-event.ts';
import type { ReportKind } from '#run/agent-report.ts';

export type TranscriptChange = {
  readonly path: string;
  readonly kind: 'add' | 'update' | 'delete' | null;
  /** Added and removed lines. Null where the stream does not report them. */
  readonly added: number | null;
  readonly removed: number | null;
};

export type TranscriptItem =
  | { readonly type: 'session'; readonly words: readonly string[] }
  | { readonly type: 'message'; readonly text: string; readonly delta: boolean }
  | { readonly type: 'thought'; readonly text: string }
  | {
      readonly type: 'tool-started';
      readonly id: string;
      readonly tool: string;
      readonly kind: ToolKind;
      readonly command: string | null;
      /** What it is about: a path, a pattern, an address. Null when its input does not say. */
      readonly target: string | null;
      /** The intended changes, as far as the input names them. The changes at the tool's end outrank them. */
      readonly changes: readonly TranscriptChange[];
      /** The time according to the stream. Null for streams without times. */
      readonly at: number | null;
    }
  | {
      readonly type: 'tool-ended';
      readonly id: string;
      readonly exitCode: number | null;
      readonly failed: boolean;
      readonly denied: boolean;
      /** The output of the tool. Null where the stream does not include it. */
      readonly output: string | null;
      readonly changes: readonly TranscriptChange[];
      readonly durationMs: number | null;
      readonly at: number | null;
    }
  | { readonly type: 'retry'; readonly attempt: number | null; readonly of: number | null; readonly message: string }
  | { readonly type: 'error'; readonly message: string }
  | {
      readonly type: 'usage';
      readonly scope: 'part' | 'session';
      readonly input: number | null;
      readonly cached: number | null;
      readonly output: number | null;
    }
  | { readonly type: 'cost'; readonly scope: 'part' | 'session'; readonly usd: number }
  /** The agent's statement that it is done. `message` is null for a success. */
  | { readonly type: 'result'; readonly message: string | null }
  | { readonly type: 'report'; readonly kind: ReportKind; readonly text: string; readonly who: string | null }
  /** Anything else that is worth a line: a plan, a warning. */
  | { readonly type: 'note'; readonly text: string; readonly warning: boolean }
  /** A line that is not an event: text of the program itself. */
  | { readonly type: 'line'; readonly text: string }
  /** A line that was too long to be read. */
  | { readonly type: 'left-out' };
