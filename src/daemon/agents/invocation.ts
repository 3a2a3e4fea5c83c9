/** Builds the run of an agent from its settings and a prompt: command, environment, input, locks. */
import { randomUUID } from 'node:crypto';
import type { PreparedInvocation } from '#adapters/adapter.ts';
import { findAdapter } from '#adapters/registry.ts';
import { withoutNodeOptions } from '#launch/daemon-environment.ts';
import { readRegularFile } from '#process/read-regular-file.ts';
import { findWorktree } from '#process/worktree.ts';
import { type Agent, type AgentProfile, sessionOwner } from '#run/agent.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { renderTemplate } from '#run/prompt.ts';
import { sessionLock } from '#run/queue.ts';
import { refuseIfSilent } from '../core/look-at-path.ts';

type Environment = Readonly<Record<string, string>>;

/** How an agent's run is launched. Parts are stored in the run, parts only in its folder. */
export type AgentLaunch = {
  readonly agent: AgentProfile;
  readonly sessionId: string | null;
  /** The id that was chosen for a new session, or null. */
  readonly newSessionId: string | null;
  readonly command: readonly string[];
  readonly locks: readonly string[];
  readonly environment: Environment;
  readonly readsStdin: boolean;
  readonly prompt: Buffer;
  /** The request itself, if the prompt contains more than that. */
  readonly request: Buffer | null;
};

/** Placeholder in a command line for the prompt file, whose path is known once the run has its folder. */
export const promptFilePlaceholder = '{{promptFile}}';

export function agentLaunch(
  agent: AgentProfile,
  options: {
    readonly sessionId: string | null;
    readonly cwd: string;
    readonly environment: Environment;
    readonly sharesWorktree: boolean;
    readonly prompt: Buffer;
    readonly request: Buffer | null;
  },
): AgentLaunch {
  const { sessionId, environment, prompt, request } = options;
  const prepared = findAdapter(agent).prepare({
    agent,
    sessionId,
    newSessionId: randomUUID(),
    promptPath: promptFilePlaceholder,
    environment,
  });
  const worktree = options.sharesWorktree || agent.adapter === 'http' ? [] : [`worktree:${findWorktree(options.cwd)}`];
  const session = sessionId === null ? [] : [sessionLock(sessionOwner(agent), sessionId)];
  return {
    agent,
    sessionId,
    newSessionId: prepared.newSessionId ?? null,
    command: prepared.argv,
    locks: [...worktree, ...session],
    // An HTTP agent runs a program of clip, which NODE_OPTIONS of the user's shell must not affect.
    environment: environmentFor(prepared, agent.adapter === 'http' ? withoutNodeOptions(environment) : environment),
    readsStdin: prepared.stdin === 'prompt',
    prompt,
    request,
  };
}

function environmentFor({ env, removeEnv }: PreparedInvocation, environment: Environment): Environment {
  const kept = Object.entries(environment).filter(([name]) => !removeEnv.includes(name));
  return { ...Object.fromEntries(kept), ...env };
}

/** Returns the part of an agent's settings that is stored in a run. */
export function buildProfile({ id, name, settings }: Agent): AgentProfile {
  const { adapter, command, model, role, args, permission, mapping } = settings;
  return { id, name, adapter, command, model, role, args, permission, mapping };
}

/** Returns the prompt, rendered in the agent's template if it has one. */
export function promptFor({ name, settings }: Agent, prompt: Buffer, cwd: string): Buffer {
  const path = settings.promptTemplate;
  if (path === null) return prompt;
  refuseIfSilent('prompt template', path);
  let template: string;
  try {
    template = readRegularFile(path, limits.agentFileBytesMax).toString('utf8');
  } catch (error) {
    throw new ClipError(
      'refused',
      `The prompt template ${path} of agent ${name} cannot be read: ${(error as Error).message}.`,
      'Fix it, or name another: clip agent edit',
    );
  }
  if (!/\{\{\s*prompt\s*\}\}/.test(template))
    throw new ClipError(
      'refused',
      `The prompt template ${path} of agent ${name} has no {{prompt}} in it.`,
      'Write {{prompt}} where the prompt belongs.',
    );
  const { role, model } = settings;
  return Buffer.from(
    renderTemplate(template, {
      prompt: prompt.toString('utf8'),
      cwd,
      'agent.name': name,
      'agent.role': role ?? '',
      'agent.model': model ?? '',
    }),
  );
}
