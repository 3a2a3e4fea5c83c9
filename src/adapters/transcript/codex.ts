/** Transcript details of Codex CLI: command output, patches, reasoning, plans. Its stream has no times. */
import { type Json, listAt, textAt } from '../json.ts';
import type { Details, ToolDetails } from './details.ts';
import { lineCount, linesOfDiff, unknownLines } from './diff.ts';
import type { TranscriptChange } from './item.ts';

/** Returns the details of an event of Codex CLI that the agent events lack. */
export function describeCodex(event: Json): Partial<Details> {
  const item = event['item'];
  const ended = event['type'] === 'item.completed';
  const id = textAt(item, 'id') ?? '';
  const tool = (details: ToolDetails): Partial<Details> => ({ tools: new Map([[id, details]]) });
  switch (textAt(item, 'type')) {
    case 'command_execution':
      return tool({ output: ended ? textAt(item, 'aggregated_output') : null });
    case 'file_change':
      return tool(ended ? { changes: listAt(item, 'changes').flatMap(extractChanges) } : {});
    case 'web_search':
      return tool({ target: textAt(item, 'query') });
    case 'mcp_tool_call':
      return tool({ target: textAt(item, 'server'), output: textAt(item, 'error', 'message') ?? textsIn(item) });
    case 'reasoning':
      return ended ? { thoughts: [textAt(item, 'text') ?? ''].filter((text) => text.trim() !== '') } : {};
    case 'todo_list':
      return ended ? {} : { notes: extractPlan(item) };
    // This is only a warning. A failed turn is an event of its own.
    case 'error':
      return { notes: [{ text: textAt(item, 'message') ?? 'A warning without words.', warning: true }] };
    default:
      return {};
  }
}

function textsIn(item: unknown): string {
  return listAt(item, 'result', 'content')
    .map((part) => textAt(part, 'text') ?? '')
    .join('\n');
}

function extractPlan(item: unknown): { text: string; warning: boolean }[] {
  const lines = listAt(item, 'items').flatMap((each) => {
    const text = textAt(each, 'text');
    return text === null ? [] : [`${(each as { completed?: unknown }).completed === true ? '[x]' : '[ ]'} ${text}`];
  });
  return lines.length === 0 ? [] : [{ text: lines.join('\n'), warning: false }];
}

function extractChanges(change: unknown): TranscriptChange[] {
  const path = textAt(change, 'path');
  if (path === null) return [];
  const word = textAt(change, 'kind') ?? textAt(change, 'kind', 'type');
  const kind = word === 'add' || word === 'update' || word === 'delete' ? word : null;
  const diff = textAt(change, 'diff') ?? textAt(change, 'unified_diff') ?? textAt(change, 'kind', 'unified_diff');
  // A new or a removed file is reported with its content.
  const whole = diff === null || kind === null || kind === 'update' ? unknownLines : wholeFile(kind, lineCount(diff));
  return [{ path, kind, ...(linesOfDiff(diff) ?? whole) }];
}

function wholeFile(kind: 'add' | 'delete', count: number) {
  return kind === 'add' ? { added: count, removed: 0 } : { added: 0, removed: count };
}
