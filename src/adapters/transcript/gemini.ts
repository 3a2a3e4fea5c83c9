/** Transcript details of Gemini CLI: times, tool output, and the results of edits. */
import { at, type Json, numberAt, textAt } from '../json.ts';
import { type Details, type ToolDetails, targetIn, timeIn } from './details.ts';
import { linesOfDiff, linesOfEdit, unknownLines } from './diff.ts';

/** Returns the details of an event of Gemini CLI that the agent events lack. */
export function describeGemini(event: Json): Partial<Details> {
  const when = timeIn(event['timestamp']);
  const id = textAt(event, 'tool_id');
  switch (event['type']) {
    case 'tool_use':
      return { at: when, tools: id === null ? new Map() : new Map([[id, describeCall(event)]]) };
    case 'tool_result':
      return { at: when, tools: id === null ? new Map() : new Map([[id, describeResult(event)]]) };
    case 'thought':
      return { at: when, thoughts: [textAt(event, 'content') ?? ''].filter((text) => text.trim() !== '') };
    case 'error':
      return textAt(event, 'severity') === 'error'
        ? {}
        : { notes: [{ text: textAt(event, 'message') ?? 'A warning without words.', warning: true }] };
    default:
      return { at: when };
  }
}

function describeCall(event: Json): ToolDetails {
  const input = event['parameters'];
  const path = textAt(input, 'file_path') ?? textAt(input, 'absolute_path');
  const lines = linesOfEdit(input);
  // Whether the file existed before is unknown, so a written file has no line counts.
  const writes = lines !== null || textAt(event, 'tool_name') === 'write_file';
  return {
    target: targetIn(input),
    ...(path !== null && writes
      ? { changes: [{ path, kind: lines === null ? null : 'update', ...(lines ?? unknownLines) }] }
      : {}),
  };
}

function describeResult(event: Json): ToolDetails {
  const output = textAt(event, 'output') ?? textAt(event, 'error', 'message');
  const shown = at(event, 'result_display') ?? at(event, 'resultDisplay');
  const [path, diff] = [
    textAt(shown, 'filePath') ?? textAt(shown, 'fileName'),
    linesOfDiff(textAt(shown, 'fileDiff') ?? textAt(event, 'diff')),
  ];
  const counted = countsIn(shown) ?? diff;
  return {
    output,
    ...(path === null || counted === null ? {} : { changes: [{ path, kind: 'update' as const, ...counted }] }),
  };
}

function countsIn(shown: unknown) {
  const [added, removed] = [
    numberAt(shown, 'diffStat', 'model_added_lines'),
    numberAt(shown, 'diffStat', 'model_removed_lines'),
  ];
  return added === null || removed === null ? null : { added, removed };
}
