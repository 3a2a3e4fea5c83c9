/** Builds the settings of an agent from a request, and refuses those that do not fit together. */
import { presetNamed, presets } from '#adapters/presets.ts';
import type { AgentRequest } from '#protocol/agents.ts';
import { readMapping } from '#protocol/mapping.ts';
import { wireLimits } from '#protocol/wire-limits.ts';
import type { AgentSettings } from '#run/agent.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';

const defaults: Omit<AgentSettings, 'adapter'> = {
  command: null,
  model: null,
  role: null,
  args: [],
  permission: 'ask',
  mapping: null,
  preset: null,
  cwd: null,
  envNames: [],
  envFile: null,
  timeoutMs: null,
  silenceMs: null,
  graceMs: null,
  concurrency: 1,
  promptTemplate: null,
  leftovers: null,
  sharesWorktree: false,
  everyMs: null,
  quietHours: null,
  timerPrompt: null,
  budgetRun: null,
  budgetDay: null,
};

/** Returns the settings of a new agent. Throws if they do not fit together. */
export function buildSettings(request: AgentRequest, envNames: readonly string[]): AgentSettings {
  const { adapter, env: _, unsetEnv: __, preset, mapping, ...others } = request;
  if (adapter === undefined)
    throw new ClipError(
      'usage',
      'An agent needs an adapter.',
      'Say which: --adapter codex, claude, gemini, opencode, plain or http.',
    );
  const concurrency = defaultConcurrency(adapter, request.sharesWorktree ?? false);
  const chosen = given(others);
  return validate({ ...defaults, concurrency, adapter, ...chosen, ...resolveMapping(preset, mapping), envNames });
}

/**
 * Returns how many runs an agent has at once by default. The lock on the worktree allows one in each; without that lock
 * it is one in all. `max_agents` bounds all agents together.
 */
function defaultConcurrency(adapter: string, sharesWorktree: boolean): number {
  return sharesWorktree || adapter === 'http' ? 1 : wireLimits.agentConcurrencyMax;
}

/** Returns the settings of a changed agent. Omitted ones stay. Throws if they do not fit together. */
export function changeSettings(
  before: AgentSettings,
  request: AgentRequest,
  envNames: readonly string[],
): AgentSettings {
  const { adapter, env: _, unsetEnv: __, preset, mapping, ...others } = request;
  // Another adapter means another program and another mapping.
  const other = adapter !== undefined && adapter !== before.adapter;
  const kind = other ? { adapter, command: null, mapping: null, preset: null } : {};
  return validate({ ...before, ...kind, ...given(others), ...resolveMapping(preset, mapping), envNames });
}

/** Returns the request without undefined fields. */
function given<T extends object>(request: T): Partial<{ [K in keyof T]: Exclude<T[K], undefined> }> {
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined)) as Partial<{
    [K in keyof T]: Exclude<T[K], undefined>;
  }>;
}

/** Returns the settings. Throws if they do not fit together. */
function validate(settings: AgentSettings): AgentSettings {
  const { adapter, command, mapping } = settings;
  if (adapter === 'http' && /^https?:\/\/[^/?#]*@/.test(command ?? '')) {
    const hint = "Give it as a header: --arg --header --arg 'Authorization=Basic $LOGIN' --env LOGIN=…";
    throw new ClipError(
      'usage',
      'A name and password in the URL would stand in every list of runs and processes.',
      hint,
    );
  }
  if (mapping !== null && JSON.stringify(mapping).length > limits.mappingBytesMax)
    throw new ClipError(
      'too_large',
      `The mapping is larger than ${limits.mappingBytesMax / 1_024} KiB.`,
      'It goes along with every run: leave out what is not needed.',
    );
  if (adapter === 'http' && !/^https?:\/\/[^/]/.test(command ?? ''))
    throw new ClipError(
      'usage',
      'An http agent needs the URL it is reached at.',
      'Say it: --command https://host/path',
    );
  if (adapter === 'plain' && command === null && mapping === null)
    throw new ClipError('usage', 'A plain agent needs a command.', 'Say it: --command PROGRAM, or --preset NAME');
  if (mapping !== null && adapter !== 'plain')
    throw new ClipError(
      'usage',
      `A preset or mapping is for plain agents; adapter ${adapter} reads its own stream.`,
      'Leave it out, or say --adapter plain',
    );
  if (settings.everyMs !== null && settings.timerPrompt !== null && settings.cwd === null && adapter !== 'http')
    throw new ClipError(
      'usage',
      'The agent has no folder, and its timer would start it in your home folder.',
      'Name one: --cwd DIR',
    );
  if (settings.budgetRun?.runs != null)
    throw new ClipError(
      'usage',
      'A limit on runs means nothing for one run.',
      'Say it for the day: --budget-day 20runs',
    );
  return settings;
}

function resolveMapping(
  preset: string | null | undefined,
  mapping: unknown,
): Partial<Pick<AgentSettings, 'mapping' | 'preset'>> {
  if (mapping === null || preset === null) return { mapping: null, preset: null };
  if (preset !== undefined && mapping !== undefined)
    throw new ClipError('usage', 'There are a preset and a mapping.', 'Leave one of them out.');
  if (mapping !== undefined) return { mapping: readMapping(mapping, 'The mapping'), preset: null };
  if (preset === undefined) return {};
  const known = presetNamed(preset);
  if (!known)
    throw new ClipError(
      'usage',
      `There is no preset ${preset}.`,
      `There are: ${presets.map(({ name }) => name).join(', ')}.`,
    );
  return { mapping: known.mapping, preset };
}
