/** Ends of real runs: the recorded streams, read by their adapters, with their recorded exits. */
import { findAdapter } from '#adapters/registry.ts';
import { endOfOutcome } from '#run/end-reason.ts';
import type { LivenessState } from '#run/run.ts';
import { buildEvidence } from '#task/liveness/evidence.ts';
import { aTask, type LivenessCase, noRecords } from '../../../../support/liveness.ts';
import { recording, replay, reported } from '../../../../support/recordings.ts';
import { aProfile, aSpec } from '../../../../support/runs.ts';
import { launch } from '../../../../support/streams.ts';

type Cli = 'claude' | 'codex' | 'gemini' | 'opencode';
type Row = readonly [name: string, why: string];

const rows: readonly (readonly [LivenessState, readonly Cli[], readonly Row[]])[] = [
  [
    'plan_only',
    ['claude', 'codex', 'gemini', 'opencode'],
    [['plan_only', 'it said what it will do, and called no tool']],
  ],
  ['empty_response', ['claude', 'codex', 'opencode'], [['empty', 'exit code 0 and not a word']]],
  ['failed', ['gemini'], [['empty', 'gemini itself calls an empty answer an error']]],
  [
    'needs_followup',
    ['claude', 'codex', 'gemini', 'opencode'],
    [
      ['plain', 'an answer, and nothing done'],
      ['http_429_once', 'an answer after a retry'],
      ['slow_stream', 'an answer that came in pieces'],
      ['tool_unknown', 'a tool that does not exist changes nothing'],
      ['tool_bad_args', 'a tool that could not be called changes nothing'],
      ['resume_3_third', 'an answer of a session that was gone on with'],
    ],
  ],
  [
    'needs_followup',
    ['gemini'],
    [
      ['safe_shell', 'it says all done, and the command was refused'],
      ['safe_write', 'it says all done, and the file was not written'],
      ['max_tokens', 'words that break off, with exit code 0'],
    ],
  ],
  [
    'advanced',
    ['claude', 'codex', 'gemini', 'opencode'],
    [
      ['tool_shell', 'a command wrote a file'],
      ['tool_write', 'a file was written'],
      ['tool_background', 'a command was started that goes on'],
      ['tool_nohup', 'a command left something running'],
      ['tool_daemon', 'a command left a daemon'],
      ['resume_4_toolrun', 'a command in a session that was gone on with'],
    ],
  ],
  [
    'advanced',
    ['opencode'],
    [
      ['safe_shell', 'the command was allowed'],
      ['safe_write', 'the file was written'],
    ],
  ],
  [
    'failed',
    ['claude', 'codex', 'gemini', 'opencode'],
    [
      ['http_401', 'no login'],
      ['http_429', 'a rate limit'],
      ['context_exceeded', 'the context is full'],
      ['tool_then_500', 'the provider failed after a command had run'],
      ['resume_unknown_id', 'a session that it does not know'],
    ],
  ],
  [
    'failed',
    ['claude'],
    [
      ['safe_shell', 'it says all done, but was refused the only tool it tried'],
      ['sig_hang_int_pid', 'it was stopped while it spoke'],
      ['x_max_turns', 'no turns left'],
    ],
  ],
];

export const recorded: readonly LivenessCase[] = rows.flatMap(([expected, clis, list]) =>
  clis.flatMap((cli) => list.map(([name, why]) => recordedCase(cli, name, { expected, why }))),
);

function recordedCase(
  cli: Cli,
  name: string,
  { expected, why }: { expected: LivenessState; why: string },
): LivenessCase {
  const it = recording(cli, name);
  const adapter = findAdapter(launch(cli).agent);
  const streamState = replay(adapter, it);
  const { code, signal } = it.exit;
  const outcome =
    signal !== null ? ({ kind: 'killed', signal } as const) : ({ kind: 'exited', code: code ?? 1 } as const);
  const end = endOfOutcome(
    aSpec({ adapter: cli, agent: aProfile({ adapter: cli }) }),
    outcome,
    reported(adapter, streamState, it.exit),
  );
  return {
    name: `recorded ${cli}: ${name}`,
    why,
    expected,
    input: {
      outcome: end,
      task: aTask(),
      evidence: buildEvidence(streamState, null, noRecords),
      text: streamState.text,
      reports: [],
    },
  };
}
