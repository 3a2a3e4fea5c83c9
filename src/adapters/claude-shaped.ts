/** Several CLIs say what they do in the shape of Claude Code's stream: the rules that read it. */
import type { MappingRule } from '../run/agent.ts';
import type { ToolKind } from '../run/reading.ts';

type Shape = {
  /** Of its tools, by name. */
  readonly kinds: Readonly<Record<string, ToolKind>>;
  /** Whether its count of input holds what came from the cache, as OpenAI's does; Anthropic's is added up. */
  readonly inputHoldsCached: boolean;
};

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
      each: 'message.content',
      where: { type: 'tool_use' },
      tool: { id: 'id', name: 'name', kinds, command: ['input.command', 'input.cmd'], file: ['input.file_path', 'input.absolute_path', 'input.path'] },
    },
    { when: { type: 'user' }, each: 'message.content', where: { type: 'tool_result' }, toolEnd: { id: 'tool_use_id', failed: 'is_error' } },
    {
      when: { type: 'result' },
      tokens: {
        input: ['usage.input_tokens', ...(inputHoldsCached ? [] : ['usage.cache_read_input_tokens', 'usage.cache_creation_input_tokens'])],
        cached: 'usage.cache_read_input_tokens',
        output: 'usage.output_tokens',
        scope: 'part',
      },
      cost: { usd: 'total_cost_usd', scope: 'part' },
      result: { failed: 'is_error', message: ['error.message', 'error', 'result', 'subtype'] },
    },
  ];
}
