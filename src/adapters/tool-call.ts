/** Calls of tools, as agent CLIs report them. */
import type { AgentEvent, FileChange, ToolKind } from '#run/agent-event.ts';
import { lookUp } from './json.ts';

/** The kinds of a CLI's tools by their names. Other tools have the kind `other`. */
export type ToolKinds = Readonly<Record<string, ToolKind>>;

/** Returns the kind of a tool. */
export function classifyTool(kinds: ToolKinds, tool: string): ToolKind {
  return lookUp(kinds, tool) ?? 'other';
}

type Call = {
  readonly id: string;
  readonly tool: string;
  readonly kind: ToolKind;
  readonly command: string | null;
  readonly path: string | null;
};

/**
 * Returns the start of a tool. A shell call without a command, or whose arguments could not be parsed, runs nothing.
 */
export function buildToolStart({ id, tool, kind, command, path }: Call): AgentEvent {
  return {
    type: 'tool-started',
    id,
    tool,
    kind: kind === 'command' && command === null ? 'other' : kind,
    command: kind === 'command' ? command : null,
    paths: path === null ? [] : [path],
  };
}

/** Returns the start of a tool that changes these files. */
export function buildWriteStart(id: string, tool: string, files: readonly FileChange[]): AgentEvent {
  return { type: 'tool-started', id, tool, kind: 'write', command: null, paths: files.map(({ path }) => path) };
}

/** Returns the change of a file, or none without a path. An unknown kind becomes null. */
export function toFileChange(path: string | null, kind: string | null): FileChange[] {
  if (path === null) return [];
  return [{ path, kind: kind === 'add' || kind === 'update' || kind === 'delete' ? kind : null }];
}

/** Returns the field for what a tool printed. Only a failed one has it. */
export function printed(failed: boolean, output: string | null): { readonly output?: string } {
  return failed && output !== null && output.trim() !== '' ? { output } : {};
}
