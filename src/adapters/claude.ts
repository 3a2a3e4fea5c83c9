/** Claude Code (`claude -p --output-format stream-json`), measured with 2.1.197 and 2.1.330. */
import type { Permission } from '#run/agent.ts';
import type { AgentEvent, ErrorClass, Failure, FileChange, Tokens } from '#run/agent-event.ts';
import { type Adapter, errorOn, type Json, type Launch, type ReadAt, type Stream } from './adapter.ts';
import { classifyFailure, ownFailure } from './classify-failure.ts';
import { classOfStatus } from './error-classes.ts';
import { at, isObject, listAt, lookUp, numberAt, sum, textAt } from './json.ts';
import { resetAtEpoch } from './reset-time.ts';
import { buildToolStart, classifyTool, printed, type ToolKinds } from './tool-call.ts';

const modes: Readonly<Record<Permission, readonly string[]>> = {
  ask: [],
  edit: ['--permission-mode', 'acceptEdits'],
  full: ['--permission-mode', 'bypassPermissions'],
};

/**
 * Allows reports, documents and comments, which change only clip's own record of the task. A refusal would fail a run
 * that followed its instructions. It is one argument, because the option takes all arguments after it.
 */
const mayReport = '--allowedTools=Bash(clip report:*),Bash(clip task doc:*),Bash(clip task comment:*)';

export const claude: Adapter = {
  prepare({ agent, sessionId }: Launch) {
    // With -p, stream-json is refused without --verbose.
    const options = [
      '-p',
      '--output-format',
      'stream-json',
      '--verbose',
      ...(agent.model === null ? [] : ['--model', agent.model]),
      ...modes[agent.permission],
      ...(agent.permission === 'full' ? [] : [mayReport]),
    ];
    const resume = sessionId === null ? [] : ['--resume', sessionId];
    // Marks of an outer claude process. User settings such as CLAUDE_CONFIG_DIR stay.
    const removeEnv = ['CLAUDECODE', 'CLAUDE_CODE_ENTRYPOINT', 'CLAUDE_CODE_SSE_PORT'];
    return {
      argv: [agent.command ?? 'claude', ...options, ...resume, ...agent.args],
      env: {},
      removeEnv,
      stdin: 'prompt',
    };
  },
  // Claude ends its tools after SIGINT and SIGTERM alike, but it reports a result only after SIGINT.
  politeSignal: 'SIGINT',
  tells: { tokens: 'live', cost: 'end' },
  sessionFile: null,
  stream: { readEvent, readText, needsResult: true, toolsLeadSessions: true, classOfExit: () => null },
};

function readEvent(event: Json, now: ReadAt): readonly AgentEvent[] {
  switch (event['type']) {
    case 'system':
      return readSystem(event);
    case 'assistant':
      return readAnswer(event, now);
    case 'user':
      return listAt(event, 'message', 'content').flatMap((part) => toolEnd(part, event));
    case 'rate_limit_event':
      return readLimit(event['rate_limit_info'], now);
    case 'result':
      return readResult(event, now);
    default:
      return [];
  }
}

function readSystem(event: Json): readonly AgentEvent[] {
  switch (event['subtype']) {
    case 'init': {
      const id = textAt(event, 'session_id');
      const [model, permission, version] = [
        textAt(event, 'model'),
        textAt(event, 'permissionMode'),
        textAt(event, 'claude_code_version'),
      ];
      return id === null ? [] : [{ type: 'session', id, model, permission, version }];
    }
    case 'api_retry': {
      const status = numberAt(event, 'error_status');
      const message = `${textAt(event, 'error') ?? 'unknown'}${status === null ? '' : ` (${status})`}`;
      return [{ type: 'retrying', attempt: numberAt(event, 'attempt'), of: numberAt(event, 'max_retries'), message }];
    }
    case 'permission_denied':
      return denied(textAt(event, 'tool_use_id'));
    // The whole set of current tasks, not a change. Version 2.1.197 does not report it, and ends its tasks before it
    // ends.
    case 'background_tasks_changed':
      return Array.isArray(event['tasks']) ? [{ type: 'background', tasks: event['tasks'].length }] : [];
    default:
      return [];
  }
}

function readAnswer(event: Json, now: ReadAt): readonly AgentEvent[] {
  const message = event['message'];
  const parts = listAt(message, 'content');
  const text = parts
    .flatMap((part) => (textAt(part, 'type') === 'text' ? [textAt(part, 'text') ?? ''] : []))
    .join('\n\n');
  const word = textAt(event, 'error');
  // An error arrives as an answer.
  if (word !== null || event['is_api_error_message'] === true) {
    const structured = classOfWord(textAt(event, 'api_error')) ?? classOfWord(word);
    return [
      {
        type: 'error',
        failure: classifyFailure(text || (word ?? ''), now, {
          structured: structured ?? classOfStatus(numberAt(event, 'api_error_status')),
        }),
      },
    ];
  }
  const tools = parts.flatMap(toolStart);
  // Synthetic messages of claude itself, and messages of sub-agents, are not messages of this agent.
  const own = textAt(message, 'model') !== '<synthetic>' && textAt(event, 'parent_tool_use_id') === null;
  const words: AgentEvent[] = own && text !== '' ? [{ type: 'message', text, delta: false }] : [];
  return [...words, ...tools, ...usageOfCall(message)];
}

/**
 * Reads the usage of a call. Each part of an answer is an event of its own, with the id of the answer and the usage
 * known at its beginning. The input is exact, and the output is a lower bound. The result reports the sum.
 */
function usageOfCall(message: unknown): AgentEvent[] {
  const id = textAt(message, 'id');
  const tokens = tokensIn(at(message, 'usage'));
  if (id === null || textAt(message, 'model') === '<synthetic>' || (tokens.input === null && tokens.output === null))
    return [];
  return [{ type: 'tokens', scope: 'call', id, tokens, model: null }];
}

/**
 * Returns the counts of the API. Its `input_tokens` includes neither cached input nor input that was written to the
 * cache.
 */
function tokensIn(usage: unknown): Tokens {
  return {
    input: sum(
      numberAt(usage, 'input_tokens'),
      numberAt(usage, 'cache_read_input_tokens'),
      numberAt(usage, 'cache_creation_input_tokens'),
    ),
    cached: numberAt(usage, 'cache_read_input_tokens'),
    output: numberAt(usage, 'output_tokens'),
  };
}

const kinds: ToolKinds = {
  Bash: 'command',
  PowerShell: 'command',
  Write: 'write',
  Edit: 'write',
  MultiEdit: 'write',
  NotebookEdit: 'write',
  Read: 'read',
  NotebookRead: 'read',
  Glob: 'read',
  Grep: 'read',
  LS: 'read',
  WebFetch: 'read',
  WebSearch: 'read',
  BashOutput: 'read',
  TaskOutput: 'read',
};

function toolStart(part: unknown): AgentEvent[] {
  const [id, tool, input] = [textAt(part, 'id'), textAt(part, 'name'), at(part, 'input')];
  if (textAt(part, 'type') !== 'tool_use' || id === null || tool === null) return [];
  const path = textAt(input, 'file_path') ?? textAt(input, 'notebook_path') ?? textAt(input, 'path');
  const kind = classifyTool(kinds, tool);
  return [buildToolStart({ id, tool, kind, command: textAt(input, 'command'), path })];
}

function toolEnd(part: unknown, event: Json): AgentEvent[] {
  const id = textAt(part, 'tool_use_id');
  if (textAt(part, 'type') !== 'tool_result' || id === null) return [];
  const failed = at(part, 'is_error') === true;
  const words =
    textAt(part, 'content') ??
    listAt(part, 'content')
      .map((each) => textAt(each, 'text') ?? '')
      .join('\n');
  const meta = listAt(event, 'tool_result_meta').find((each) => textAt(each, 'id') === id);
  const decision = textAt(meta, 'permission_decision', 'decision');
  const unasked = /requested permissions? to .{0,200}(haven't granted|not granted)/is.test(words);
  if (failed && (decision === 'reject' || (decision === null && unasked))) return denied(id);
  const result = event['tool_use_result'];
  const files = failed ? [] : fileIn(result);
  const code = exitCode(words, failed, result);
  return [{ type: 'tool-ended', id, exitCode: code, failed, denied: false, files, ...printed(failed, words) }];
}

/**
 * Returns the exit code. Returns null when the command continues in the background, or when another code than 0 was
 * interpreted as success.
 */
function exitCode(words: string, failed: boolean, result: unknown): number | null {
  if (failed) return numberIn(/^(?:<[^>]*>)?\s*(?:Error: )?Exit code (\d{1,3})\b/i.exec(words));
  const ran = isObject(result) && 'stdout' in result && result['interrupted'] !== true;
  return ran && textAt(result, 'backgroundTaskId') === null && textAt(result, 'returnCodeInterpretation') === null
    ? 0
    : null;
}

function numberIn(match: RegExpExecArray | null): number | null {
  return match?.[1] === undefined ? null : Number(match[1]);
}

/** Returns the changed file, or null when the tool's start is authoritative. */
function fileIn(result: unknown): readonly FileChange[] | null {
  const path = textAt(result, 'filePath');
  if (path === null) return null;
  return [{ path, kind: textAt(result, 'type') === 'create' ? 'add' : 'update' }];
}

function denied(id: string | null): AgentEvent[] {
  return id === null ? [] : [{ type: 'tool-ended', id, exitCode: null, failed: true, denied: true, files: [] }];
}

function readLimit(info: unknown, now: ReadAt): readonly AgentEvent[] {
  const resetsAt = resetAtEpoch(numberAt(info, 'resetsAt'), now);
  // This event accompanies every answer of a subscription. Without a reached limit it is ignored.
  return resetsAt === null || textAt(info, 'status') === 'allowed' ? [] : [{ type: 'limit', resetsAt }];
}

function readResult(event: Json, now: ReadAt): readonly AgentEvent[] {
  const denials = listAt(event, 'permission_denials').flatMap((denial) => denied(textAt(denial, 'tool_use_id')));
  const cost = numberAt(event, 'total_cost_usd');
  // Costs continue to accumulate in a resumed session. Tokens are counted since the previous result.
  const costs: AgentEvent[] = cost === null ? [] : [{ type: 'cost', scope: 'session', usd: cost }];
  // The subtype "success" alone proves nothing: a refused request of the model API is a "success" with is_error. An
  // error subtype is a failure, whatever is_error is. A result with neither a success subtype nor is_error false is a
  // failure, too.
  const subtype = textAt(event, 'subtype');
  const saysWell = event['is_error'] === false || subtype === 'success';
  const failed = event['is_error'] === true || subtype?.startsWith('error') === true || !saysWell;
  const failure = failed ? resultFailure(event, now) : null;
  return [...denials, ...usageIn(event), ...costs, { type: 'result', failure }];
}

/** Returns the usage of all models, including sub-agents, where claude reports it. */
function usageIn(event: Json): AgentEvent[] {
  const models = event['model_usage_since_last_result'];
  const each = isObject(models) ? Object.values(models) : [];
  const total = (name: string) => sum(...each.map((model) => numberAt(model, name)));
  const usage = tokensIn(event['usage']);
  const input =
    sum(total('inputTokens'), total('cacheReadInputTokens'), total('cacheCreationInputTokens')) ?? usage.input;
  const cached = total('cacheReadInputTokens') ?? usage.cached;
  const output = total('outputTokens') ?? usage.output;
  return input === null && output === null
    ? []
    : [{ type: 'tokens', scope: 'part', tokens: { input, cached, output }, model: null }];
}

function resultFailure(event: Json, now: ReadAt): Failure {
  const reason = textAt(event, 'terminal_reason');
  if (reason === 'aborted_streaming' || reason === 'aborted_tools') return ownFailure('It was interrupted.');
  const errors = listAt(event, 'errors').filter((error) => typeof error === 'string');
  const message = textAt(event, 'result') || errors.join(' ') || (reason ?? textAt(event, 'subtype') ?? '');
  const structured =
    classOfWord(reason) ?? classOfWord(textAt(event, 'subtype')) ?? classOfStatus(numberAt(event, 'api_error_status'));
  return classifyFailure(message, now, { structured });
}

/** Returns the class of an error code of an answer (`error`) or a result (`terminal_reason`, `subtype`). */
function classOfWord(word: string | null): ErrorClass | null {
  return lookUp(words, word);
}

const words: Readonly<Record<string, ErrorClass>> = {
  authentication_failed: 'auth_required',
  oauth_org_not_allowed: 'auth_required',
  billing_error: 'quota_exhausted',
  rate_limit: 'rate_limited',
  usage_limit_reached: 'rate_limited',
  overloaded: 'provider_unavailable',
  server_error: 'provider_unavailable',
  max_output_tokens: 'output_truncated',
  prompt_too_long: 'context_exhausted',
  rapid_refill_breaker: 'context_exhausted',
  blocking_limit: 'context_exhausted',
  max_turns: 'max_turns_exhausted',
  error_max_turns: 'max_turns_exhausted',
  budget_exhausted: 'quota_exhausted',
  error_max_budget_usd: 'quota_exhausted',
};

/** Reads errors at startup, which appear only on stderr and not as JSON. */
function readText(line: string, stream: Stream, now: ReadAt): readonly AgentEvent[] {
  const fatal =
    /^error\b|no conversation found|already in use|cannot be used with root|invalid api key|not logged in|usage limit reached/i.test(
      line,
    );
  return fatal ? [{ type: errorOn(stream), failure: classifyFailure(line.replace(/^error: /i, ''), now) }] : [];
}
