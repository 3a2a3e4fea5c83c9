/** Builds the spec of a run from a request: with the given command, or the one made from an agent's settings by its adapter. */
import { createHash } from 'node:crypto';
import { findAdapter } from '#adapters/registry.ts';
import type { RunRequest } from '#protocol/requests.ts';
import type { Agent } from '#run/agent.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import type { Chosen, RunSpec, Stdin } from '#run/run.ts';
import { buildRunEnvironment } from '#run/run-environment.ts';
import type { Task } from '#task/task.ts';
import type { Agents } from '../agents/agent-registry.ts';
import { type AgentLaunch, agentLaunch, buildProfile, promptFor } from '../agents/invocation.ts';
import { checkPaths } from './preflight.ts';

export type SpecDeps = {
  readonly agents: Pick<Agents, 'get' | 'environmentOf'>;
  readonly taskOf: (number: number) => Task;
};
export type ResolvedRequest = { readonly request: RunRequest; readonly launch: AgentLaunch | null };

/** Returns the request, completed by the settings of its agent. */
export function resolveRequest(request: RunRequest, deps: SpecDeps, sessionId: string | null = null): ResolvedRequest {
  const { agents } = deps;
  const task = request.task === null ? null : deps.taskOf(request.task);
  if (request.agent === null) {
    if (request.model !== null || request.permission !== null)
      throw new ClipError(
        'usage',
        'A model or a permission is for an agent; this run has a command.',
        'Name the agent: clip run --agent NAME --model MODEL "…"',
      );
    if (request.prompt !== null)
      throw new ClipError(
        'usage',
        'A prompt is for an agent; this run has a command.',
        'Name the agent, or give the command its input with --stdin.',
      );
    if (request.command.length > 0)
      return { request: withEnvironment(request, folderFor(request, null, task)), launch: null };
    throw new ClipError(
      'usage',
      'The run has no command.',
      'Say what to run: clip run -- COMMAND, or clip run --agent NAME PROMPT',
    );
  }
  const agent = chooseSettings(agents.get(request.agent), readChoice(request));
  return ofAgent(request, agent, { own: agents.environmentOf(agent), task, sessionId });
}

/**
 * Returns the work folder: the one chosen for the run, the task or the agent, in this order. Otherwise the folder in
 * which the task was created, or the current folder of the caller.
 */
function folderFor(request: RunRequest, agent: Agent | null, task: Task | null): string {
  if (!request.cwdIsDefault) return request.cwd;
  return task?.cwd ?? agent?.settings.cwd ?? task?.madeIn ?? request.cwd;
}

/** Returns the request of a plain command with its work folder and environment. */
function withEnvironment(request: RunRequest, cwd: string): RunRequest {
  const env = buildRunEnvironment({ base: request.env, agent: null, given: explicitEnvironment(request), cwd });
  return { ...request, cwd, env };
}

/** Returns what the request chooses instead of the agent's settings, or null. */
function readChoice({ model, permission }: RunRequest): Chosen | null {
  return model === null && permission === null ? null : { model, permission };
}

/** Returns the agent with the settings that were chosen for one run. */
export function chooseSettings(agent: Agent, chosen: Chosen | null): Agent {
  if (chosen === null) return agent;
  const { settings } = agent;
  const model = chosen.model ?? settings.model;
  return { ...agent, settings: { ...settings, model, permission: chosen.permission ?? settings.permission } };
}

type AgentOptions = {
  readonly own: Readonly<Record<string, string>>;
  readonly task: Task | null;
  readonly sessionId: string | null;
};

/** Resolves a request for an agent. The agent's settings apply where the request has none. */
function ofAgent(request: RunRequest, agent: Agent, { own, task, sessionId }: AgentOptions): ResolvedRequest {
  const { settings } = agent;
  if (request.command.length > 0)
    throw new ClipError('usage', 'A run has a command or an agent, not both.', 'Leave one of them out.');
  if (readChoice(request) !== null && settings.adapter === 'plain' && settings.mapping === null)
    throw new ClipError(
      'usage',
      `Agent ${agent.name} is a plain command: clip does not know how to tell it a model or a permission.`,
      'Leave it out, or describe its options with a mapping: docs/agents/presets-and-mappings.md',
    );
  const asked = readPromptBytes(readPrompt(request));
  if (asked === null && task === null)
    throw new ClipError(
      'usage',
      'The agent needs a prompt.',
      `Say what it shall do: clip run --agent ${agent.name} "…", --prompt-file FILE, or - to read it.`,
    );
  if (request.mergeOutput && findAdapter(buildProfile(agent)).stream !== null)
    throw new ClipError(
      'usage',
      'The output of an agent that is read cannot be merged: its errors stand on stderr.',
      'Leave out --merge-output.',
    );
  const cwd = folderFor(request, agent, task);
  checkPaths({ cwd, stdin: null });
  const environment = buildRunEnvironment({ base: request.env, agent: own, given: explicitEnvironment(request), cwd });
  const { sharesWorktree } = settings;
  // The prompt of a task's run is written at its start (see tasks/handoff.ts). Until then only the person's words are kept.
  const words =
    task === null && asked !== null
      ? { prompt: promptFor(agent, asked, cwd), request: null }
      : { prompt: asked ?? Buffer.alloc(0), request: asked };
  const launch = agentLaunch(buildProfile(agent), { sessionId, cwd, environment, sharesWorktree, ...words });
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

/** Returns null for a missing or blank prompt. */
function readPromptBytes(prompt: Buffer | null): Buffer | null {
  return prompt === null || prompt.toString('utf8').trim() === '' ? null : prompt;
}

/** Returns the variables that were given for this run. */
export function explicitEnvironment({ env, envNames }: Pick<RunRequest, 'env' | 'envNames'>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => envNames.includes(name)));
}

export function buildSpec({ request, launch }: ResolvedRequest, after: number | null): RunSpec {
  const chosen = readChoice(request);
  return {
    command: launch?.command ?? request.command,
    cwd: request.cwd,
    adapter: launch?.agent.adapter ?? 'plain',
    agent: launch?.agent ?? null,
    sessionId: launch?.sessionId ?? null,
    ...(launch?.newSessionId == null ? {} : { newSessionId: launch.newSessionId }),
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
    stdin: launch === null ? resolveStdin(request) : resolveInput(launch),
    onLoss: request.onLoss ?? 'fail',
    leftovers: request.leftovers ?? 'stop',
    promptSecret: request.promptSecret,
    ...(chosen === null ? {} : { chosen }),
    envNames: request.envNames,
  };
}

function resolveStdin(request: RunRequest): Stdin {
  if (request.stdin === null) return { kind: 'none' };
  if (request.stdin.kind === 'file') return request.stdin;
  return { kind: 'prompt', sha256: sha256(readPrompt(request) ?? Buffer.alloc(0)) };
}

/** The prompt is part of the spec, however it reaches the agent. */
export function resolveInput({ readsStdin, prompt }: AgentLaunch): Stdin {
  return { kind: readsStdin ? 'prompt' : 'prompt-file', sha256: sha256(prompt) };
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function readPrompt(request: RunRequest): Buffer | null {
  if (request.prompt !== null && request.stdin !== null)
    throw new ClipError('usage', 'There are a prompt and an input.', 'Leave one of them out.');
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

/** Returns the same JSON for the same spec, whatever the order of its labels and the id chosen for its session. */
function canonical({ newSessionId, ...spec }: RunSpec): string {
  const text = JSON.stringify({ ...spec, labels: Object.entries(spec.labels).sort() });
  return newSessionId === undefined ? text : text.replaceAll(newSessionId, '{{newSession}}');
}
