/** From an agent and a prompt to what a run of it is: command, environment, input, locks. */
import type { Prepared } from '../adapters/adapter.ts';
import { adapterOf } from '../adapters/by-name.ts';
import { readRegularFile } from '../process/regular-file.ts';
import { worktreeOf } from '../process/worktree.ts';
import { type Agent, type AgentProfile, sessionOwner } from '../run/agent.ts';
import { ClipError } from '../run/errors.ts';
import { limits } from '../run/limits.ts';
import { renderTemplate } from '../run/prompt.ts';
import { sessionLock } from '../run/queue.ts';

type Environment = Readonly<Record<string, string>>;

/** How an agent's run is launched; what of it is stored in the run, and what only in its folder. */
export type AgentLaunch = {
  readonly agent: AgentProfile;
  readonly sessionId: string | null;
  readonly command: readonly string[];
  readonly locks: readonly string[];
  readonly environment: Environment;
  readonly readsStdin: boolean;
  readonly prompt: Buffer;
  /** What was asked, when the prompt is more than that. */
  readonly request: Buffer | null;
};

/** Stands in a command line for the file with the prompt, which is known once the run has its folder. */
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
  const prepared = adapterOf(agent).prepare({ agent, sessionId, promptPath: promptFilePlaceholder, environment });
  const worktree = options.sharesWorktree || agent.adapter === 'http' ? [] : [`worktree:${worktreeOf(options.cwd)}`];
  const session = sessionId === null ? [] : [sessionLock(sessionOwner(agent), sessionId)];
  return {
    agent,
    sessionId,
    command: prepared.argv,
    locks: [...worktree, ...session],
    environment: environmentFor(prepared, environment),
    readsStdin: prepared.stdin === 'prompt',
    prompt,
    request,
  };
}

function environmentFor({ env, removeEnv }: Prepared, environment: Environment): Environment {
  const kept = Object.entries(environment).filter(([name]) => !removeEnv.includes(name));
  return { ...Object.fromEntries(kept), ...env };
}

/** What of an agent's settings a run keeps for itself. */
export function profileOf({ id, name, settings }: Agent): AgentProfile {
  const { adapter, command, model, role, args, permission, mapping } = settings;
  return { id, name, adapter, command, model, role, args, permission, mapping };
}

/** The prompt in the agent's own template, if it has one. */
export function promptFor({ name, settings }: Agent, prompt: Buffer, cwd: string): Buffer {
  const path = settings.promptTemplate;
  if (path === null) return prompt;
  let template: string;
  try {
    template = readRegularFile(path, limits.agentFileBytesMax).toString('utf8');
  } catch (error) {
    throw new ClipError(
      'refused',
      `The prompt template ${path} of agent ${name} cannot be read: ${(error as Error).message}.`,
      'Mend it, or name another: clip agent edit',
    );
  }
  if (!/\{\{\s*prompt\s*\}\}/.test(template))
    throw new ClipError('refused', `The prompt template ${path} of agent ${name} has no {{prompt}} in it.`, 'Write {{prompt}} where the prompt belongs.');
  const { role, model } = settings;
  return Buffer.from(
    renderTemplate(template, { prompt: prompt.toString('utf8'), cwd, 'agent.name': name, 'agent.role': role ?? '', 'agent.model': model ?? '' }),
  );
}
