/** Agents for tests: a program that speaks as codex does and follows a script. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { agent, type TestHome } from './home.ts';

export type AgentStep = Readonly<Record<string, unknown>>;
export type SeenStart = {
  readonly argv: string[];
  readonly stdin: string;
  readonly cwd: string;
  readonly colour: string | null;
  readonly pid: number;
  readonly run: string | null;
  readonly failpoint: string | null;
};

/**
 * Adds an agent that follows these scripts, one for each of its starts. The last script also serves all later starts.
 */
export async function addSpeaker(
  home: TestHome,
  scripts: readonly (readonly AgentStep[])[],
  options: readonly string[] = [],
  name = 'coder',
) {
  const file = join(home.base, `${name}-script.json`);
  const seenFile = join(home.base, `${name}-seen`);
  const command = join(home.base, name);
  writeFileSync(file, JSON.stringify(scripts));
  writeFileSync(
    command,
    `#!/bin/sh\nAGENT_SCRIPT='${file}' AGENT_SEEN='${seenFile}' AGENT_WROTE='${home.base}' exec '${process.execPath}' '${agent('speaks-codex.mjs')}' "$@"\n`,
  );
  chmodSync(command, 0o755);
  const added = await home.clip(['agent', 'add', name, '--adapter', 'codex', '--command', command, ...options]);
  if (added.code !== 0) throw new Error(added.stderr);
  return {
    seen: (): SeenStart[] =>
      existsSync(seenFile)
        ? (readFileSync(seenFile, 'utf8')
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line)) as SeenStart[])
        : [],
  };
}

const changed = (id: string, path: string) => ({
  type: 'item.completed',
  item: { id, type: 'file_change', status: 'completed', changes: [{ path, kind: 'add' }] },
});

/** Lines of the stream of codex. */
export const codexSays = {
  session: (id: string): AgentStep => ({ say: { type: 'thread.started', thread_id: id } }),
  words: (text: string): AgentStep => ({
    say: { type: 'item.completed', item: { id: 'w', type: 'agent_message', text } },
  }),
  command: (id: string, command: string, exitCode: number | null = 0): AgentStep => ({
    say: {
      type: exitCode === null ? 'item.started' : 'item.completed',
      item: {
        id,
        type: 'command_execution',
        command,
        aggregated_output: '',
        exit_code: exitCode,
        status: exitCode === null ? 'in_progress' : exitCode === 0 ? 'completed' : 'failed',
      },
    },
  }),
  /** The agent appends a line to a file, a different one in each run. */
  change: (id: string, path: string): AgentStep => ({ writes: path, say: changed(id, path) }),
  /** The agent writes a file with these bytes. */
  write: (id: string, path: string, text: string): AgentStep => ({ puts: [path, text], say: changed(id, path) }),
  retrying: (attempt: number, of: number): AgentStep => ({
    say: { type: 'error', message: `Reconnecting... ${attempt}/${of} (stream disconnected)` },
  }),
  done: (input: number, output: number): AgentStep => ({
    say: { type: 'turn.completed', usage: { input_tokens: input, cached_input_tokens: 0, output_tokens: output } },
  }),
  failed: (message: string): AgentStep => ({ say: { type: 'turn.failed', error: { message } } }),
};

/** Lines of the stream of opencode, which reports the cost of each step. */
export const opencodeSays = {
  session: (id: string): AgentStep => ({ say: { type: 'step_start', sessionID: id, part: {} } }),
  step: (cost: number, input = 100, output = 10): AgentStep => ({
    say: {
      type: 'step_finish',
      part: { reason: 'tool-calls', cost, tokens: { input, output, reasoning: 0, cache: { read: 0, write: 0 } } },
    },
  }),
  done: (cost: number): AgentStep => ({
    say: {
      type: 'step_finish',
      part: { reason: 'stop', cost, tokens: { input: 100, output: 10, reasoning: 0, cache: { read: 0, write: 0 } } },
    },
  }),
};
