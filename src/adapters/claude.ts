/** Claude Code (`claude -p --output-format stream-json`), measured with 2.1.197 and 2.1.330. */
import type { Permission } from '../run/agent.ts';
import type { ErrorClass, Failure, FileChange, Reading, ToolKind } from '../run/reading.ts';
import type { Adapter, Json, Launch, ReadAt } from './adapter.ts';
import { classOfStatus, classOfText, refined } from './classes.ts';
import { at, isObject, listAt, numberAt, sum, textAt } from './json.ts';
import { resetIn } from './resets.ts';

const modes: Readonly<Record<Permission, readonly string[]>> = {
  ask: [],
  edit: ['--permission-mode', 'acceptEdits'],
  full: ['--permission-mode', 'bypassPermissions'],
};

/**
 * Reporting, and writing documents and comments, is asked of runs and changes nothing but clip's own record of the task;
 * refused, it would fail a run that did as it was told. One word, for the option takes all that follow it.
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
    // The marks of a claude that started us; settings of the user, such as CLAUDE_CONFIG_DIR, stay.
    const removeEnv = ['CLAUDECODE', 'CLAUDE_CODE_ENTRYPOINT', 'CLAUDE_CODE_SSE_PORT'];
    return { argv: [agent.command ?? 'claude', ...options, ...resume, ...agent.args], env: {}, removeEnv, stdin: 'prompt' };
  },
  // It ends its tools after SIGINT and SIGTERM alike, but only after SIGINT does it give a result.
  politeSignal: 'SIGINT',
  stream: { readEvent, readText, needsResult: true, toolsLeadSessions: true, classOfExit: () => null },
};

function readEvent(event: Json, now: ReadAt): readonly Reading[] {
  switch (event['type']) {
    case 'system':
      return readSystem(event);
    case 'assistant':
      return readAnswer(event, now);
    case 'user':
      return listAt(event, 'message', 'content').flatMap((part) => toolEnd(part, event));
    case 'rate_limit_event':
      return readLimit(event['rate_limit_info']);
    case 'result':
      return readResult(event, now);
    default:
      return [];
  }
}

function readSystem(event: Json): readonly Reading[] {
  switch (event['subtype']) {
    case 'init': {
      const id = textAt(event, 'session_id');
      const [model, permission, version] = [textAt(event, 'model'), textAt(event, 'permissionMode'), textAt(event, 'claude_code_version')];
      return id === null ? [] : [{ type: 'session', id, model, permission, version }];
    }
    case 'api_retry': {
      const status = numberAt(event, 'error_status');
      const message = `${textAt(event, 'error') ?? 'unknown'}${status === null ? '' : ` (${status})`}`;
      return [{ type: 'retrying', attempt: numberAt(event, 'attempt'), of: numberAt(event, 'max_retries'), message }];
    }
    case 'permission_denied':
      return denied(textAt(event, 'tool_use_id'));
    // A level, not a change: the set of tasks that go on now. 2.1.197 does not say it, and ends its tasks before it ends.
    case 'background_tasks_changed':
      return [{ type: 'background', tasks: listAt(event, 'tasks').length }];
    default:
      return [];
  }
}

function readAnswer(event: Json, now: ReadAt): readonly Reading[] {
  const message = event['message'];
  const parts = listAt(message, 'content');
  const text = parts.flatMap((part) => (textAt(part, 'type') === 'text' ? [textAt(part, 'text') ?? ''] : [])).join('\n\n');
  const word = textAt(event, 'error');
  // What went wrong comes in the clothes of an answer.
  if (word !== null || event['is_api_error_message'] === true) {
    const structured = classOfWord(textAt(event, 'api_error')) ?? classOfWord(word);
    return [{ type: 'error', failure: failureOf(text || (word ?? ''), structured ?? classOfStatus(numberAt(event, 'api_error_status')), now) }];
  }
  const tools = parts.flatMap(toolStart);
  // Words that claude itself puts in its mouth, and those of the agents below it, are not its words.
  const own = textAt(message, 'model') !== '<synthetic>' && textAt(event, 'parent_tool_use_id') === null;
  return own && text !== '' ? [{ type: 'message', text, delta: false }, ...tools] : tools;
}

const kinds: Readonly<Record<string, ToolKind>> = {
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

function toolStart(part: unknown): Reading[] {
  const [id, tool, input] = [textAt(part, 'id'), textAt(part, 'name'), at(part, 'input')];
  if (textAt(part, 'type') !== 'tool_use' || id === null || tool === null) return [];
  const kind = Object.hasOwn(kinds, tool) ? (kinds[tool] ?? 'other') : 'other';
  const command = kind === 'command' ? textAt(input, 'command') : null;
  const path = textAt(input, 'file_path') ?? textAt(input, 'notebook_path') ?? textAt(input, 'path');
  // A shell call whose arguments could not be read runs nothing.
  const really = kind === 'command' && command === null ? 'other' : kind;
  return [{ type: 'tool-started', id, tool, kind: really, command, paths: path === null ? [] : [path] }];
}

function toolEnd(part: unknown, event: Json): Reading[] {
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
  return [{ type: 'tool-ended', id, exitCode: exitCode(words, failed, result), failed, denied: false, files }];
}

/** Null where the command goes on in the background, or where a code other than 0 was taken for a good one. */
function exitCode(words: string, failed: boolean, result: unknown): number | null {
  if (failed) return numberIn(/^(?:<[^>]*>)?\s*(?:Error: )?Exit code (\d{1,3})\b/i.exec(words));
  const ran = isObject(result) && 'stdout' in result && result['interrupted'] !== true;
  return ran && textAt(result, 'backgroundTaskId') === null && textAt(result, 'returnCodeInterpretation') === null ? 0 : null;
}

function numberIn(match: RegExpExecArray | null): number | null {
  return match?.[1] === undefined ? null : Number(match[1]);
}

/** Null: what the tool's start said holds. */
function fileIn(result: unknown): readonly FileChange[] | null {
  const path = textAt(result, 'filePath');
  if (path === null) return null;
  return [{ path, kind: textAt(result, 'type') === 'create' ? 'add' : 'update' }];
}

function denied(id: string | null): Reading[] {
  return id === null ? [] : [{ type: 'tool-ended', id, exitCode: null, failed: true, denied: true, files: [] }];
}

function readLimit(info: unknown): readonly Reading[] {
  const seconds = numberAt(info, 'resetsAt');
  // Said with every answer of a subscription: while all is well it is no news.
  return seconds === null || textAt(info, 'status') === 'allowed' ? [] : [{ type: 'limit', resetsAt: seconds * 1000 }];
}

function readResult(event: Json, now: ReadAt): readonly Reading[] {
  const denials = listAt(event, 'permission_denials').flatMap((denial) => denied(textAt(denial, 'tool_use_id')));
  const cost = numberAt(event, 'total_cost_usd');
  // Costs go on counting when a session is resumed; tokens are those since the result before.
  const costs: Reading[] = cost === null ? [] : [{ type: 'cost', scope: 'session', usd: cost }];
  // Never by its subtype: what the model API refused is a "success" with is_error.
  const failure = event['is_error'] === true ? resultFailure(event, now) : null;
  return [...denials, ...usageIn(event), ...costs, { type: 'result', failure }];
}

/** Of all its models, those of the agents below it included, where it says so. */
function usageIn(event: Json): Reading[] {
  const models = event['model_usage_since_last_result'];
  const each = isObject(models) ? Object.values(models) : [];
  const total = (name: string) => sum(...each.map((model) => numberAt(model, name)));
  const usage = event['usage'];
  const input =
    sum(total('inputTokens'), total('cacheReadInputTokens'), total('cacheCreationInputTokens')) ??
    sum(numberAt(usage, 'input_tokens'), numberAt(usage, 'cache_read_input_tokens'), numberAt(usage, 'cache_creation_input_tokens'));
  const cached = total('cacheReadInputTokens') ?? numberAt(usage, 'cache_read_input_tokens');
  const output = total('outputTokens') ?? numberAt(usage, 'output_tokens');
  return input === null && output === null ? [] : [{ type: 'tokens', scope: 'part', tokens: { input, cached, output }, model: null }];
}

function resultFailure(event: Json, now: ReadAt): Failure {
  const reason = textAt(event, 'terminal_reason');
  if (reason === 'aborted_streaming' || reason === 'aborted_tools') return { class: null, message: 'It was interrupted.', resetsAt: null };
  const errors = listAt(event, 'errors').filter((error) => typeof error === 'string');
  const message = textAt(event, 'result') || errors.join(' ') || (reason ?? textAt(event, 'subtype') ?? '');
  return failureOf(message, classOfWord(reason) ?? classOfWord(textAt(event, 'subtype')) ?? classOfStatus(numberAt(event, 'api_error_status')), now);
}

/** Its words for what went wrong: of an answer (`error`), of a result (`terminal_reason`, `subtype`). */
function classOfWord(word: string | null): ErrorClass | null {
  return word !== null && Object.hasOwn(words, word) ? (words[word] ?? null) : null;
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

/** What it could not even begin with stands on stderr only, without a line of JSON. */
function readText(line: string, _stream: unknown, now: ReadAt): readonly Reading[] {
  const fatal = /^error\b|no conversation found|already in use|cannot be used with root|invalid api key|not logged in|usage limit reached/i.test(line);
  return fatal ? [{ type: 'error', failure: failureOf(line.replace(/^error: /i, ''), null, now) }] : [];
}

function failureOf(message: string, structured: ErrorClass | null, now: ReadAt): Failure {
  return { class: structured === null ? classOfText(message) : refined(structured, message), message, resetsAt: resetIn(message, now) };
}
