/** Codex CLI (`codex exec --json`), measured with 0.169. */
import type { Permission } from '#run/agent.ts';
import type { AgentEvent, FileChange } from '#run/agent-event.ts';
import { limits } from '#run/limits.ts';
import { type Adapter, errorOn, type Json, type Launch, type ReadAt, type Stream } from './adapter.ts';
import { classifyFailure } from './classify-failure.ts';
import { listAt, numberAt, textAt } from './json.ts';
import { codexSessionFile } from './session-files.ts';
import { buildWriteStart, printed, toFileChange } from './tool-call.ts';

const sandboxes: Readonly<Record<Permission, readonly string[]>> = {
  ask: ['--sandbox', 'read-only'],
  edit: ['--sandbox', 'workspace-write'],
  full: ['--dangerously-bypass-approvals-and-sandbox'],
};

export const codex: Adapter = {
  prepare({ agent, sessionId }: Launch) {
    // The user chose the folder, so it need not be a repository. Options precede `resume`, which accepts none of them.
    const options = [
      '--json',
      '--skip-git-repo-check',
      ...sandboxes[agent.permission],
      ...(agent.model === null ? [] : ['--model', agent.model]),
    ];
    const resume = sessionId === null ? [] : ['resume', sessionId];
    return {
      argv: [agent.command ?? 'codex', 'exec', ...options, ...agent.args, ...resume, '-'],
      env: {},
      removeEnv: [],
      stdin: 'prompt',
    };
  },
  // Only SIGINT makes codex end its tools. After SIGTERM a tool survives.
  politeSignal: 'SIGINT',
  // The stream reports tokens at the end of a turn. Codex's own session file has them after each call.
  tells: { tokens: 'live', cost: 'never' },
  sessionFile: codexSessionFile,
  stream: { readEvent, readText, needsResult: true, toolsLeadSessions: true, classOfExit: () => null },
};

function readEvent(event: Json, at: ReadAt): readonly AgentEvent[] {
  switch (event['type']) {
    case 'thread.started': {
      const id = textAt(event, 'thread_id');
      return id === null ? [] : [{ type: 'session', id, model: null, permission: null, version: null }];
    }
    case 'item.started':
    case 'item.updated':
    case 'item.completed':
      return readItem(event['item'], event['type'] === 'item.completed');
    case 'error': {
      const message = textAt(event, 'message') ?? '';
      const retry = /^reconnecting\.*\s*(?:(\d+)\/(\d+))?/i.exec(message);
      if (retry)
        return [
          {
            type: 'retrying',
            attempt: retry[1] ? Number(retry[1]) : null,
            of: retry[2] ? Number(retry[2]) : null,
            message,
          },
        ];
      return [{ type: 'error', failure: classifyFailure(message, at) }];
    }
    case 'turn.completed':
      return [...usageIn(event['usage']), { type: 'result', failure: null }];
    case 'turn.failed':
      return [
        ...usageIn(event['usage']),
        { type: 'result', failure: classifyFailure(textAt(event, 'error', 'message') ?? '', at) },
      ];
    default:
      return [];
  }
}

function readItem(item: unknown, ended: boolean): readonly AgentEvent[] {
  const id = textAt(item, 'id') ?? '';
  switch (textAt(item, 'type')) {
    case 'agent_message':
      return ended ? [{ type: 'message', text: textAt(item, 'text') ?? '', delta: false }] : [];
    case 'command_execution':
      return readCommand(id, item, ended);
    case 'file_change':
      return readPatch(id, item, ended);
    case 'mcp_tool_call':
    case 'collab_tool_call':
    case 'web_search':
      return readOtherTool(id, item, ended);
    // An item of type error is only a warning. Unknown model metadata causes one in every run.
    default:
      return [];
  }
}

function readCommand(id: string, item: unknown, ended: boolean): readonly AgentEvent[] {
  const command = unwrapped(textAt(item, 'command'));
  const started: AgentEvent = { type: 'tool-started', id, tool: 'shell', kind: 'command', command, paths: [] };
  if (!ended) return [started];
  const exitCode = numberAt(item, 'exit_code');
  const status = textAt(item, 'status');
  const failed = status === 'failed' || status === 'declined' || (exitCode !== null && exitCode !== 0);
  // The error text of a shell, at the end of a line. Other mentions in the output do not count.
  const readOnly = /: read-only file system$/im.test(textAt(item, 'aggregated_output') ?? '');
  const denied = status === 'declined' || readOnly;
  const output = printed(failed, textAt(item, 'aggregated_output'));
  return [started, { type: 'tool-ended', id, exitCode, failed, denied, files: null, ...output }];
}

function readPatch(id: string, item: unknown, ended: boolean): readonly AgentEvent[] {
  const files = listAt(item, 'changes').flatMap(parseFileChanges);
  const started = buildWriteStart(id, 'apply_patch', files);
  if (!ended) return [started];
  const denied = textAt(item, 'status') === 'declined';
  const failed = denied || textAt(item, 'status') === 'failed';
  return [started, { type: 'tool-ended', id, exitCode: null, failed, denied, files: failed ? [] : files }];
}

function readOtherTool(id: string, item: unknown, ended: boolean): readonly AgentEvent[] {
  const type = textAt(item, 'type');
  const tool = textAt(item, 'tool') ?? type ?? 'tool';
  const kind = type === 'web_search' ? 'read' : 'other';
  const started: AgentEvent = { type: 'tool-started', id, tool, kind, command: null, paths: [] };
  if (!ended) return [started];
  const failed = textAt(item, 'status') === 'failed';
  return [started, { type: 'tool-ended', id, exitCode: null, failed, denied: false, files: null }];
}

/** Returns the command without its shell. Codex reports `make` as `/bin/bash -lc make`, quoted where needed. */
function unwrapped(command: string | null): string | null {
  const word = /^(?:\/\S*\/)?(?:ba|z)?sh -l?c (\S.*)$/s.exec(command ?? '')?.[1];
  if (word === undefined || word.length > limits.argumentBytesMax) return command;
  const pieces = [...word.matchAll(/'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+)/gs)];
  // The text is not a single shell word, so it stays unchanged.
  if (pieces.map(([piece]) => piece).join('') !== word) return command;
  return pieces
    .map(([, single, double, escaped, bare]) => single ?? double?.replace(/\\(["\\$`\n])/g, '$1') ?? escaped ?? bare)
    .join('');
}

function parseFileChanges(change: unknown): FileChange[] {
  return toFileChange(textAt(change, 'path'), textAt(change, 'kind') ?? textAt(change, 'kind', 'type'));
}

/** Reads the totals of the whole thread, earlier runs included. Cached input is a part of input. */
function usageIn(usage: unknown): AgentEvent[] {
  const tokens = {
    input: numberAt(usage, 'input_tokens'),
    cached: numberAt(usage, 'cached_input_tokens'),
    output: numberAt(usage, 'output_tokens'),
  };
  return tokens.input === null && tokens.output === null
    ? []
    : [{ type: 'tokens', scope: 'session', tokens, model: null }];
}

/** Reads errors at startup, which appear only on stderr and not as JSON. */
function readText(line: string, stream: Stream, at: ReadAt): readonly AgentEvent[] {
  // A refused patch is not an item of the stream. A command that the sandbox refuses at once is not reported at all.
  if (/\bpatch rejected: /.test(line)) return [{ type: 'refused', tool: 'apply_patch' }];
  const fatal = /no rollout found|already has an active writer|not inside a trusted directory|^error: /i.test(line);
  return fatal ? [{ type: errorOn(stream), failure: classifyFailure(line.replace(/^error: /i, ''), at) }] : [];
}
