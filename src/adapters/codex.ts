/** Codex CLI (`codex exec --json`), measured with 0.169. */
import type { Permission } from '../run/agent.ts';
import { limits } from '../run/limits.ts';
import type { FileChange, Reading } from '../run/reading.ts';
import type { Adapter, Json, Launch, ReadAt } from './adapter.ts';
import { classOfText } from './classes.ts';
import { listAt, numberAt, textAt } from './json.ts';
import { resetIn } from './resets.ts';

const sandboxes: Readonly<Record<Permission, readonly string[]>> = {
  ask: ['--sandbox', 'read-only'],
  edit: ['--sandbox', 'workspace-write'],
  full: ['--dangerously-bypass-approvals-and-sandbox'],
};

export const codex: Adapter = {
  prepare({ agent, sessionId }: Launch) {
    // The folder was named by the user, so it need not be a repository. Options stand before `resume`, which takes none of them.
    const options = ['--json', '--skip-git-repo-check', ...sandboxes[agent.permission], ...(agent.model === null ? [] : ['--model', agent.model])];
    const resume = sessionId === null ? [] : ['resume', sessionId];
    return { argv: [agent.command ?? 'codex', 'exec', ...options, ...agent.args, ...resume, '-'], env: {}, removeEnv: [], stdin: 'prompt' };
  },
  // It alone makes codex end its tools: after SIGTERM one lives on.
  politeSignal: 'SIGINT',
  stream: { readEvent, readText, needsResult: true, toolsLeadSessions: true, classOfExit: () => null },
};

function readEvent(event: Json, at: ReadAt): readonly Reading[] {
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
      if (retry) return [{ type: 'retrying', attempt: retry[1] ? Number(retry[1]) : null, of: retry[2] ? Number(retry[2]) : null, message }];
      return [{ type: 'error', failure: failureOf(message, at) }];
    }
    case 'turn.completed':
      return [...usageIn(event['usage']), { type: 'result', failure: null }];
    case 'turn.failed':
      return [...usageIn(event['usage']), { type: 'result', failure: failureOf(textAt(event, 'error', 'message') ?? 'The turn failed.', at) }];
    default:
      return [];
  }
}

function readItem(item: unknown, ended: boolean): readonly Reading[] {
  const id = textAt(item, 'id') ?? '';
  switch (textAt(item, 'type')) {
    case 'agent_message':
      return ended ? [{ type: 'message', text: textAt(item, 'text') ?? '', delta: false }] : [];
    case 'command_execution': {
      const started: Reading = { type: 'tool-started', id, tool: 'shell', kind: 'command', command: unwrapped(textAt(item, 'command')), paths: [] };
      if (!ended) return [started];
      const exitCode = numberAt(item, 'exit_code');
      const status = textAt(item, 'status');
      const failed = status === 'failed' || status === 'declined' || (exitCode !== null && exitCode !== 0);
      // As the shell says it, at the end of a line; a file that speaks of it is another matter.
      const readOnly = /: read-only file system$/im.test(textAt(item, 'aggregated_output') ?? '');
      return [started, { type: 'tool-ended', id, exitCode, failed, denied: status === 'declined' || readOnly, files: null }];
    }
    case 'file_change': {
      const files = listAt(item, 'changes').flatMap(changeOf);
      const started: Reading = { type: 'tool-started', id, tool: 'apply_patch', kind: 'write', command: null, paths: files.map(({ path }) => path) };
      if (!ended) return [started];
      const denied = textAt(item, 'status') === 'declined';
      const failed = denied || textAt(item, 'status') === 'failed';
      return [started, { type: 'tool-ended', id, exitCode: null, failed, denied, files: failed ? [] : files }];
    }
    case 'mcp_tool_call':
    case 'collab_tool_call':
    case 'web_search': {
      const tool = textAt(item, 'tool') ?? textAt(item, 'type') ?? 'tool';
      const started: Reading = { type: 'tool-started', id, tool, kind: textAt(item, 'type') === 'web_search' ? 'read' : 'other', command: null, paths: [] };
      if (!ended) return [started];
      return [started, { type: 'tool-ended', id, exitCode: null, failed: textAt(item, 'status') === 'failed', denied: false, files: null }];
    }
    // An item of type error is only a warning: unknown model metadata gives one in every run.
    default:
      return [];
  }
}

/** It tells of `make` as `/bin/bash -lc make`, quoted where need be: the shell is not what anyone asked for. */
function unwrapped(command: string | null): string | null {
  const word = /^(?:\/\S*\/)?(?:ba|z)?sh -l?c (\S.*)$/s.exec(command ?? '')?.[1];
  if (word === undefined || word.length > limits.argumentBytesMax) return command;
  const pieces = [...word.matchAll(/'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+)/gs)];
  // Not one word of a shell: left as it is.
  if (pieces.map(([piece]) => piece).join('') !== word) return command;
  return pieces.map(([, single, double, escaped, bare]) => single ?? double?.replace(/\\(["\\$`\n])/g, '$1') ?? escaped ?? bare).join('');
}

function changeOf(change: unknown): FileChange[] {
  const path = textAt(change, 'path');
  const kind = textAt(change, 'kind') ?? textAt(change, 'kind', 'type');
  return path === null ? [] : [{ path, kind: kind === 'add' || kind === 'update' || kind === 'delete' ? kind : null }];
}

/** The totals of the whole thread, earlier runs included; cached input is a part of input. */
function usageIn(usage: unknown): Reading[] {
  const tokens = { input: numberAt(usage, 'input_tokens'), cached: numberAt(usage, 'cached_input_tokens'), output: numberAt(usage, 'output_tokens') };
  return tokens.input === null && tokens.output === null ? [] : [{ type: 'tokens', scope: 'session', tokens, model: null }];
}

/** What codex could not even begin with stands on stderr only, without a line of JSON. */
function readText(line: string, _stream: unknown, at: ReadAt): readonly Reading[] {
  // A refused patch is no item of the stream. (A command that its sandbox refuses at once is not told at all.)
  if (/\bpatch rejected: /.test(line)) return [{ type: 'refused', tool: 'apply_patch' }];
  const fatal = /no rollout found|already has an active writer|not inside a trusted directory|^error: /i.test(line);
  return fatal ? [{ type: 'error', failure: failureOf(line.replace(/^error: /i, ''), at) }] : [];
}

function failureOf(message: string, at: ReadAt) {
  return { class: classOfText(message), message, resetsAt: resetIn(message, at) };
}
