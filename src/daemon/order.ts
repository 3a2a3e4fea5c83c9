/** From a request to what a run is: the command as it was given, or as an agent's settings and its adapter make it. */
import { createHash } from 'node:crypto';
import { adapterOf } from '../adapters/by-name.ts';
import type { RunRequest } from '../protocol/requests.ts';
import type { Agent } from '../run/agent.ts';
import { ClipError } from '../run/errors.ts';
import { limits } from '../run/limits.ts';
import type { RunSpec, Stdin } from '../run/run.ts';
import type { Task } from '../task/task.ts';
import { type AgentLaunch, agentLaunch, profileOf, promptFor } from './agent-launch.ts';
import type { Agents } from './agents.ts';
import { checkPaths } from './run-checks.ts';

export type Setting = { readonly agents: Pick<Agents, 'get' | 'environmentOf'>; readonly taskOf: (number: number) => Task };
export type Order = { readonly request: RunRequest; readonly launch: AgentLaunch | null };

/** The request with what its agent adds to it. */
export function orderOf(request: RunRequest, world: Setting, sessionId: string | null = null): Order {
  const { agents } = world;
  const task = request.task === null ? null : world.taskOf(request.task);
  if (request.agent === null) {
    if (request.prompt !== null)
      throw new ClipError('usage', 'A prompt is for an agent; this run has a command.', 'Name the agent, or give the command its input with --stdin.');
    if (request.command.length > 0) return { request: task === null ? request : { ...request, cwd: folderFor(request, null, task) }, launch: null };
    throw new ClipError('usage', 'The run has no command.', 'Say what to run: clip run -- COMMAND, or clip run --agent NAME PROMPT');
  }
  const agent = agents.get(request.agent);
  return ofAgent(request, agent, { own: agents.environmentOf(agent), task, sessionId });
}

/** What the person chose for this run, for the task, for the agent, in this order; else the folder where the task was made, or where the caller stands. */
function folderFor(request: RunRequest, agent: Agent | null, task: Task | null): string {
  if (!request.cwdIsDefault) return request.cwd;
  return task?.cwd ?? agent?.settings.cwd ?? task?.madeIn ?? request.cwd;
}

type Beginning = { readonly own: Readonly<Record<string, string>>; readonly task: Task | null; readonly sessionId: string | null };

/** The request in the agent's terms: its settings hold where the request is silent. */
function ofAgent(request: RunRequest, agent: Agent, { own, task, sessionId }: Beginning): Order {
  const { settings } = agent;
  if (request.command.length > 0) throw new ClipError('usage', 'A run has a command or an agent, not both.', 'Leave one of them out.');
  const asked = wordsOf(promptOf(request));
  if (asked === null && task === null)
    throw new ClipError('usage', 'The agent needs a prompt.', `Say what it shall do: clip run --agent ${agent.name} "…", --prompt-file FILE, or - to read it.`);
  if (request.mergeOutput && adapterOf(profileOf(agent)).stream !== null)
    throw new ClipError('usage', 'The output of an agent that is read cannot be merged: its errors stand on stderr.', 'Leave out --merge-output.');
  const cwd = folderFor(request, agent, task);
  checkPaths({ cwd, stdin: null });
  const environment = { ...request.env, ...own, ...ownOf(request) };
  const { sharesWorktree } = settings;
  // What a task's run is told is written when it starts (brief.ts): until then only what a person asked beside it is kept.
  const words =
    task === null && asked !== null ? { prompt: promptFor(agent, asked, cwd), request: null } : { prompt: asked ?? Buffer.alloc(0), request: asked };
  const launch = agentLaunch(profileOf(agent), { sessionId, cwd, environment, sharesWorktree, ...words });
  return {
    request: {
      ...request,
      cwd,
      locks: [...new Set([...request.locks, ...launch.locks])],
      timeoutMs: request.timeoutMs ?? settings.timeoutMs,
      silenceMs: request.silenceMs ?? settings.silenceMs,
      graceMs: request.graceMs ?? settings.graceMs ?? limits.graceMsAgent,
      leftovers: request.leftovers ?? settings.leftovers,
      onLoss: request.onLoss ?? 'retry',
    },
    launch,
  };
}

/** Null for none, and for nothing but blanks. */
function wordsOf(prompt: Buffer | null): Buffer | null {
  return prompt === null || prompt.toString('utf8').trim() === '' ? null : prompt;
}

/** The variables that were given for this very run. */
export function ownOf({ env, envNames }: Pick<RunRequest, 'env' | 'envNames'>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => envNames.includes(name)));
}

export function specOf({ request, launch }: Order, after: number | null): RunSpec {
  return {
    command: launch?.command ?? request.command,
    cwd: request.cwd,
    adapter: launch?.agent.adapter ?? 'plain',
    agent: launch?.agent ?? null,
    sessionId: launch?.sessionId ?? null,
    name: request.name,
    group: request.group,
    priority: request.priority,
    labels: request.labels,
    locks: request.locks,
    after,
    timeoutMs: request.timeoutMs ?? 0,
    timeoutSource: request.timeoutMs === null ? 'default' : 'config',
    silenceMs: request.silenceMs,
    graceMs: request.graceMs ?? limits.graceMsPlain,
    outputBytesMax: request.outputBytesMax ?? limits.outputBytesMax,
    mergeOutput: request.mergeOutput,
    stdin: launch === null ? stdinOf(request) : inputOf(launch),
    onLoss: request.onLoss ?? 'fail',
    leftovers: request.leftovers ?? 'stop',
    promptSecret: request.promptSecret,
    envNames: request.envNames,
  };
}

function stdinOf(request: RunRequest): Stdin {
  if (request.stdin === null) return { kind: 'none' };
  if (request.stdin.kind === 'file') return request.stdin;
  return { kind: 'prompt', sha256: sha256(promptOf(request) ?? Buffer.alloc(0)) };
}

/** Its prompt is part of what a run is, however it comes to the agent. */
export function inputOf({ readsStdin, prompt }: AgentLaunch): Stdin {
  return { kind: readsStdin ? 'prompt' : 'prompt-file', sha256: sha256(prompt) };
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function promptOf(request: RunRequest): Buffer | null {
  if (request.prompt !== null && request.stdin !== null) throw new ClipError('usage', 'There are a prompt and an input.', 'Leave one of them out.');
  if (request.prompt !== null) return bounded(Buffer.from(request.prompt));
  if (request.stdin?.kind !== 'text') return null;
  return bounded(Buffer.from(request.stdin.base64, 'base64'));
}

function bounded(bytes: Buffer): Buffer {
  if (bytes.length > limits.promptBytesMax) {
    throw new ClipError(
      'too_large',
      `The input has ${bytes.length} bytes; ${limits.promptBytesMax} is the limit.`,
      'Put what is long into a file, and name the file: --stdin FILE for a command, in the prompt for an agent.',
    );
  }
  return bytes;
}

export function sameSpec(a: RunSpec, b: RunSpec): boolean {
  return canonical(a) === canonical(b);
}

/** The same JSON for the same spec, in whatever order its labels were given. */
function canonical(spec: RunSpec): string {
  return JSON.stringify({ ...spec, labels: Object.entries(spec.labels).sort() });
}
