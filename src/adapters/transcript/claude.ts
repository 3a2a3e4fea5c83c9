/** Transcript details of Claude Code: times, tool output, hunks of changes, plans and thoughts. */
import { at, isObject, type Json, listAt, textAt } from '../json.ts';
import { type Details, type ToolDetails, targetIn, timeIn } from './details.ts';
import { type Lines, lineCount, linesOfEdit, linesOfHunks, unknownLines } from './diff.ts';

/** Returns the details of an event of Claude Code that the agent events lack. */
export function describeClaude(event: Json): Partial<Details> {
  const parts = listAt(event, 'message', 'content');
  const when = timeIn(event['timestamp']);
  switch (event['type']) {
    case 'assistant':
      return {
        at: when,
        tools: new Map(parts.flatMap(describeCall)),
        thoughts: parts.flatMap(extractThoughts),
        notes: parts.flatMap(extractPlan),
      };
    case 'user':
      return { at: when, tools: new Map(parts.flatMap((part) => describeResult(part, event['tool_use_result']))) };
    case 'system':
      return event['subtype'] === 'permission_denied' ? { tools: new Map(describeRefusal(event)) } : {};
    default:
      return {};
  }
}

function describeCall(part: unknown): [string, ToolDetails][] {
  const [id, input] = [textAt(part, 'id'), at(part, 'input')];
  if (textAt(part, 'type') !== 'tool_use' || id === null) return [];
  const path = textAt(input, 'file_path');
  const lines = linesOfEdit(input);
  // The tool's end outranks this, but some streams leave it out.
  const changes = path === null || lines === null ? {} : { changes: [{ path, kind: 'update' as const, ...lines }] };
  return [[id, { target: targetIn(input), ...changes }]];
}

function extractThoughts(part: unknown): string[] {
  const text = textAt(part, 'type') === 'thinking' ? textAt(part, 'thinking') : null;
  return text === null || text.trim() === '' ? [] : [text];
}

function extractPlan(part: unknown): { text: string; warning: boolean }[] {
  const todos = textAt(part, 'name') === 'TodoWrite' ? listAt(part, 'input', 'todos') : [];
  const lines = todos.flatMap((todo) => {
    const text = textAt(todo, 'content');
    const mark =
      textAt(todo, 'status') === 'completed' ? '[x]' : textAt(todo, 'status') === 'in_progress' ? '[>]' : '[ ]';
    return text === null ? [] : [`${mark} ${text}`];
  });
  return lines.length === 0 ? [] : [{ text: lines.join('\n'), warning: false }];
}

function describeResult(part: unknown, result: unknown): [string, ToolDetails][] {
  const id = textAt(part, 'tool_use_id');
  if (textAt(part, 'type') !== 'tool_result' || id === null) return [];
  return [[id, { output: extractOutput(part, result), ...extractChanges(result) }]];
}

function extractOutput(part: unknown, result: unknown): string {
  // With separate streams, the result lacks the text that is added for the model.
  if (isObject(result) && typeof result['stdout'] === 'string' && textAt(result, 'backgroundTaskId') === null)
    return [result['stdout'], textAt(result, 'stderr') ?? ''].filter((text) => text !== '').join('\n');
  const text = textAt(part, 'content');
  return (
    text ??
    listAt(part, 'content')
      .map((each) => textAt(each, 'text') ?? '')
      .join('\n')
  );
}

function extractChanges(result: unknown): Pick<ToolDetails, 'changes'> {
  const path = textAt(result, 'filePath');
  if (path === null) return {};
  const created = textAt(result, 'type') === 'create';
  return { changes: [{ path, kind: created ? 'add' : 'update', ...countLines(result, created) }] };
}

function countLines(result: unknown, created: boolean): Lines {
  const content = textAt(result, 'content');
  if (created && content !== null) return { added: lineCount(content), removed: 0 };
  const edit = isObject(result) ? linesOfEdit({ ...result, replace_all: result['replaceAll'] }) : null;
  return linesOfHunks(listAt(result, 'structuredPatch')) ?? edit ?? unknownLines;
}

function describeRefusal(event: Json): [string, ToolDetails][] {
  const id = textAt(event, 'tool_use_id');
  return id === null ? [] : [[id, { output: textAt(event, 'message') }]];
}
