/**
 * What a stream says, for a person to read: more than a reading knows (what a tool printed, what a change
 * was, how long something took) and nothing that is counted. An item never decides anything.
 */
import type { ReportKind } from '../../run/agent-report.ts';
import type { ToolKind } from '../../run/reading.ts';

export type Change = {
  readonly path: string;
  readonly kind: 'add' | 'update' | 'delete' | null;
  /** Lines, where the stream tells them; null where it does not. */
  readonly added: number | null;
  readonly removed: number | null;
};

export type Item =
  | { readonly type: 'session'; readonly words: readonly string[] }
  | { readonly type: 'message'; readonly text: string; readonly delta: boolean }
  | { readonly type: 'thought'; readonly text: string }
  | {
      readonly type: 'tool-started';
      readonly id: string;
      readonly tool: string;
      readonly kind: ToolKind;
      readonly command: string | null;
      /** What it is about: a path, a pattern, an address; null when its input does not say. */
      readonly target: string | null;
      /** What it is going to change, as far as its input tells; what its end tells counts more. */
      readonly changes: readonly Change[];
      /** The clock of the stream; null for streams without times. */
      readonly at: number | null;
    }
  | {
      readonly type: 'tool-ended';
      readonly id: string;
      readonly exitCode: number | null;
      readonly failed: boolean;
      readonly denied: boolean;
      /** What it printed; null where the stream keeps it to itself. */
      readonly output: string | null;
      readonly changes: readonly Change[];
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
  /** It says that it is done; `message` is null when all went well. */
  | { readonly type: 'result'; readonly message: string | null }
  | { readonly type: 'report'; readonly kind: ReportKind; readonly text: string; readonly who: string | null }
  /** Anything else worth a line: a plan, a warning. */
  | { readonly type: 'note'; readonly text: string; readonly warning: boolean }
  /** A line that is no event: text of the program itself. */
  | { readonly type: 'line'; readonly text: string }
  /** A line too long to be read. */
  | { readonly type: 'left-out' };
