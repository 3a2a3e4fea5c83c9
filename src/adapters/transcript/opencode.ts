/** Transcript details of opencode: it reports a tool when it has ended, with times, output and diffs. */
import { at, type Json, listAt, numberAt, textAt } from '../json.ts';
import { type Details, type ToolDetails, targetIn, timeIn } from './details.ts';
import { type Lines, lineCount, linesOfDiff, linesOfEdit, unknownLines } from './diff.ts';
import type { TranscriptChange } from './item.ts';

/** Returns the details of an event of opencode that the agent events lack. */
export function describeOpencode(event: Json): Partial<Details> {
  const part = event['part'];
  const when = timeIn(event['timestamp']);
  if (event['type'] === 'reasoning')
    return { at: when, thoughts: [textAt(part, 'text') ?? ''].filter((text) => text.trim() !== '') };
  const id = textAt(part, 'callID');
  if (event['type'] !== 'tool_use' || id === null) return { at: when };
  return { at: when, tools: new Map([[id, describeTool(textAt(part, 'tool') ?? '', at(part, 'state'))]]) };
}

/** The placeholder for an empty output. */
const nothing = /^\(no output\)$/;

function describeTool(tool: string, state: unknown): ToolDetails {
  const [begun, ended] = [numberAt(state, 'time', 'start'), numberAt(state, 'time', 'end')];
  const output = textAt(state, 'error') ?? textAt(state, 'metadata', 'output') ?? textAt(state, 'output') ?? '';
  return {
    target: targetIn(at(state, 'input')) ?? textAt(state, 'title'),
    output: nothing.test(output.trim()) ? '' : output,
    durationMs: begun === null || ended === null || ended < begun ? null : ended - begun,
    ...(textAt(state, 'status') === 'completed' ? extractChanges(tool, state) : {}),
  };
}

function extractChanges(tool: string, state: unknown): Pick<ToolDetails, 'changes'> {
  const patched = listAt(state, 'metadata', 'files').flatMap(extractChange);
  if (patched.length > 0) return { changes: patched };
  const path = textAt(state, 'input', 'filePath');
  if (path === null || !['write', 'edit', 'multiedit'].includes(tool)) return {};
  const created = tool === 'write' && at(state, 'metadata', 'exists') === false;
  return { changes: [{ path, kind: created ? 'add' : 'update', ...countLines(tool, state, created) }] };
}

function countLines(tool: string, state: unknown, created: boolean): Lines {
  const content = textAt(state, 'input', 'content');
  if (created && content !== null) return { added: lineCount(content), removed: 0 };
  const told = countsIn(at(state, 'metadata', 'filediff')) ?? linesOfDiff(textAt(state, 'metadata', 'diff'));
  return told ?? (tool === 'edit' ? linesOfEdit(at(state, 'input')) : null) ?? unknownLines;
}

function extractChange(file: unknown): TranscriptChange[] {
  const [path, type] = [textAt(file, 'filePath') ?? textAt(file, 'path'), textAt(file, 'type')];
  if (path === null) return [];
  const kind = type === 'add' || type === 'update' || type === 'delete' ? type : null;
  return [
    { path, kind, ...(countsIn(file) ?? linesOfDiff(textAt(file, 'diff') ?? textAt(file, 'patch')) ?? unknownLines) },
  ];
}

function countsIn(value: unknown): Lines | null {
  const [added, removed] = [numberAt(value, 'additions'), numberAt(value, 'deletions')];
  return added === null || removed === null ? null : { added, removed };
}
