/**
 * Presets: mappings for agent CLIs without an adapter of their own. Each one says what was measured and what is only
 * documented. Check an unverified preset with its first run.
 */
import type { Mapping } from '#run/agent.ts';
import { aider, amp, copilot, cursor, goose, qwen } from './preset-mappings.ts';

export type Preset = {
  readonly name: string;
  /** What was verified with the real program, and its version. Null for nothing. */
  readonly verified: string | null;
  /** What to know before using it. */
  readonly note: string;
  readonly mapping: Mapping;
};

export const presets: readonly Preset[] = [
  {
    name: 'qwen',
    verified: 'Qwen Code 0.15.10 and 0.24.4: events, resuming, exit codes',
    note: 'Unverified: the approval mode auto-edit, the names of its tools, and how it counts cached input.',
    mapping: qwen,
  },
  {
    name: 'cursor',
    verified: null,
    note: 'From its documentation. It reports no tokens; a failure stands on stderr only.',
    mapping: cursor,
  },
  {
    name: 'copilot',
    verified: 'Copilot CLI 1.0.102: options, events, denials, errors, and the prompt from standard input',
    note: 'clip chooses the id of its session, so that a run that was killed is resumed.',
    mapping: copilot,
  },
  {
    name: 'amp',
    verified: null,
    note: 'From its SDK. Threads lie on its server; it chooses the model itself.',
    mapping: amp,
  },
  {
    name: 'aider',
    verified: null,
    note: 'No JSON and no sessions: its commits are the evidence. It runs no shell commands.',
    mapping: aider,
  },
  {
    name: 'goose',
    verified: null,
    note: 'No JSON and no sessions here. The provider comes from its own configuration or GOOSE_PROVIDER.',
    mapping: goose,
  },
];

/** Returns the preset of this name, or null. */
export function presetNamed(name: string): Preset | null {
  return presets.find((preset) => preset.name === name) ?? null;
}
