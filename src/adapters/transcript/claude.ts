/** Claude Code: times of its lines, what tools printed, hunks of its changes, its plans and thoughts. */
import { at, isObject, type Json, listAt, textAt } from '../json.ts';
import { type Details, type ToolDetails, targetIn, timeIn } from './details.ts';
import { type Lines, lineCount, linesOfEdit, linesOfHunks, unknownLines } from './diff.ts';

export function describeClaude(event: Json): Partial<Details> {
  const parts = listAt(event, 'message', 'content');
  const when = timeIn(event['timestamp']);
  switch (event['type']) {
    case 'assistant':
      return { at: when, tools: new Map(parts.flatMap(callOf)), thoughts: parts.flatMap(thoughtOf), notes: parts.flatMap(planOf) };
    case 'user':
      return { at: when, tools: new Map(parts.flatMap((part) => resultOf(part, event['tool_use_result']))) };
    case 'system':
      return event['subtype'] === 'permission_denied' ? { tools: new Map(refusalOf(event)) } : {};
    default:
      return {};
  }
}

function callOf(part: unknown): [string, ToolDetails][] {
  const [id, input] = [textAt(part, 'id'), at(part, 'input')];
  if (textAt(part, 'type') !== 'tool_use' || id === null) return [];
  const path = textAt(input, 'file_path');
  const lines = linesOfEdit(input);
  // What its end tells counts more; some streams leave that out.
  const changes = path === null || lines === null ? {} : { changes: [{ path, kind: 'update' as const, ...lines }] };
  return [[id, { target: targetIn(input), ...changes }]];
}

function thoughtOf(part: unknown): string[] {
  const text = textAt(part, 'type') === 'thinking' ? textAt(part, 'thinking') : null;
  return text === null || text.trim() === '' ? [] : [text];
}

function planOf(part: unknown): { text: string; warning: boolean }[] {
  const todos = textAt(part, 'name') === 'TodoWrite' ? listAt(part, 'input', 'todos') : [];
  const lines = todos.flatMap((todo) => {
    const text = textAt(todo, 'content');
    const mark = textAt(todo, 'status') === 'completed' ? '[x]' : textAt(todo, 'status') === 'in_progress' ? '[>]' : '[ ]';
    return text === null ? [] : [`${mark} ${text}`];
  });
  return lines.length === 0 ? [] : [{ text: lines.join('\n'), warning: false }];
}

function resultOf(part: unknown, result: unknown): [string, ToolDetails][] {
  const id = textAt(part, 'tool_use_id');
  if (textAt(part, 'type') !== 'tool_result' || id === null) return [];
  return [[id, { output: outputOf(part, result), ...changesOf(result) }]];
}

function outputOf(part: unknown, result: unknown): string {
  // With both streams apart there is none of the words that are added for the model.
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

function changesOf(result: unknown): Pick<ToolDetails, 'changes'> {
  const path = textAt(result, 'filePath');
  if (path === null) return {};
  const created = textAt(result, 'type') === 'create';
  return { changes: [{ path, kind: created ? 'add' : 'update', ...linesOf(result, created) }] };
}

function linesOf(result: unknown, created: boolean): Lines {
  const content = textAt(result, 'content');
  if (created && content !== null) return { added: lineCount(content), removed: 0 };
  const edit = isObject(result) ? linesOfEdit({ ...result, replace_all: result['replaceAll'] }) : null;
  return linesOfHunks(listAt(result, 'structuredPatch')) ?? edit ?? unknownLines;
}

function refusalOf(event: Json): [string, ToolDetails][] {
  const id = textAt(event, 'tool_use_id');
  return id === null ? [] : [[id, { output: textAt(event, 'message') }]];
}
