/** Rules for the CLIs whose stream has the format of Claude Code's. */
import type { MappingRule } from '#run/agent.ts';
import type { ToolKind } from '#run/agent-event.ts';

type Shape = {
  /** The kinds of its tools, by name. */
  readonly kinds: Readonly<Record<string, ToolKind>>;
  /** Whether its input count includes cached input, as OpenAI's does. Anthropic's counts are added up. */
  readonly inputHoldsCached: boolean;
};

/** Returns the rules of a mapping for such a stream. */
export function claudeShaped({ kinds, inputHoldsCached }: Shape): MappingRule[] {
  return [
    {
      when: { type: 'system', subtype: 'init' },
      session: {
        id: 'session_id',
        model: 'model',
        permission: ['permissionMode', 'permission_mode'],
        version: ['qwen_code_version', 'claude_code_version', 'version'],
      },
    },
    { when: { type: 'assistant' }, each: 'message.content', where: { type: 'text' }, message: { text: 'text' } },
    {
      when: { type: 'assistant' },
      tokens: { ...tokensAt('message.usage', inputHoldsCached), id: 'message.id', scope: 'call' },
    },
    {
      when: { type: 'assistant' },
      each: 'message.content',
      where: { type: 'tool_use' },
      tool: {
        id: 'id',
        name: 'name',
        kinds,
        command: ['input.command', 'input.cmd'],
        file: ['input.file_path', 'input.absolute_path', 'input.path'],
      },
    },
    {
      when: { type: 'user' },
      each: 'message.content',
      where: { type: 'tool_result' },
      toolEnd: { id: 'tool_use_id', failed: 'is_error' },
    },
    {
      when: { type: 'result' },
      tokens: { ...tokensAt('usage', inputHoldsCached), scope: 'part' },
      cost: { usd: 'total_cost_usd', scope: 'part' },
      result: { failed: 'is_error', message: ['error.message', 'error', 'result', 'subtype'] },
    },
    // An error subtype means a failure, whatever is_error is.
    {
      when: { type: 'result', subtype: { startsWith: 'error' } },
      result: { failed: true, message: ['error.message', 'error', 'result', 'subtype'] },
    },
  ];
}

function tokensAt(usage: string, holdsCached: boolean): { input: string[]; cached: string; output: string } {
  return {
    input: [
      `${usage}.input_tokens`,
      ...(holdsCached ? [] : [`${usage}.cache_read_input_tokens`, `${usage}.cache_creation_input_tokens`]),
    ],
    cached: `${usage}.cache_read_input_tokens`,
    output: `${usage}.output_tokens`,
  };
}
