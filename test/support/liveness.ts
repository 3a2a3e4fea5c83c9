/** Labeled cases for the verdict on a finished run, and the parts they are built from. */

import type { ReportKind } from '#run/agent-report.ts';
import type { LivenessState } from '#run/run.ts';
import type { StreamState } from '#run/stream-state.ts';
import { emptyStreamState } from '#run/stream-state.ts';
import type { OwnRecord } from '#run/workspace-record.ts';
import { type AgentReport, countReports } from '#task/agent-reports.ts';
import { buildEvidence, type Evidence, type RecordCounts, type WorkspaceChange } from '#task/liveness/evidence.ts';
import type { LivenessInput } from '#task/liveness/liveness.ts';
import { noon } from './runs.ts';

export type LivenessCase = {
  readonly name: string;
  readonly why: string;
  readonly expected: LivenessState;
  readonly input: LivenessInput;
  /** The wrong verdict that is known for this case. docs/LIVENESS.md lists it as a miss. */
  readonly known?: LivenessState;
  readonly next?: string | null;
  readonly useful?: number | null;
};

type TaskPart = NonNullable<LivenessInput['task']>;

export function aTask(given: Partial<TaskPart> = {}): TaskPart {
  return {
    number: 7,
    title: 'Fix crash in report export',
    description: null,
    kind: 'work',
    status: 'in_progress',
    blockedReason: null,
    ...given,
  };
}

export function commands(...list: readonly (string | readonly [string, number])[]): Partial<StreamState> {
  const records = list.map((each) => (typeof each === 'string' ? ([each, 0] as const) : each));
  const recentCommands = records.map(([command, exitCode], index) => ({
    command,
    exitCode,
    failed: exitCode !== 0,
    at: noon + index,
  }));
  const commandsFailed = recentCommands.filter(({ failed }) => failed).length;
  return { commands: list.length, toolCalls: list.length, commandsFailed, recentCommands };
}

export function files(...paths: readonly string[]): Partial<StreamState> {
  return {
    toolCalls: paths.length,
    files: Object.fromEntries(paths.map((path) => [path, { kind: 'update' as const, times: 1, at: noon }])),
  };
}

/** Returns the changes that a run itself made to its work folder. */
export function workspace(given: Partial<OwnRecord> | null = {}): WorkspaceChange {
  return {
    own: given === null ? null : { commits: 0, files: 0, writtenAt: null, progress: false, ...given },
    seenAt: noon + 60_000,
  };
}

export const noRecords: RecordCounts = {
  comments: 0,
  documents: 0,
  planRevised: false,
  reports: countReports([]),
  lastAt: null,
};

export function reports(...list: readonly (readonly [ReportKind, string])[]): readonly AgentReport[] {
  return list.map(([kind, text], index) => ({ kind, text, who: null, at: noon + index }));
}

/** The facts of a case. By default, the run ended well, belongs to a task in progress, and has no evidence. */
export type Given = {
  readonly text?: string;
  readonly task?: Partial<TaskPart> | null;
  /** Null stands for an adapter without a stream. */
  readonly streamState?: Partial<StreamState> | null;
  /** If it is left out, the work folder was not inspected. */
  readonly workspace?: Partial<OwnRecord> | null;
  readonly records?: Partial<RecordCounts>;
  readonly reports?: readonly AgentReport[];
  readonly outcome?: Partial<LivenessInput['outcome']>;
};

export function anInput({
  text = '',
  task = {},
  streamState = {},
  reports: told = [],
  ...given
}: Given): LivenessInput {
  return {
    outcome: { status: 'succeeded', errorCode: null, stopReason: 'completed', ...given.outcome },
    task: task === null ? null : aTask(task),
    evidence: anEvidence({ streamState, reports: told, ...given }),
    text,
    reports: told,
  };
}

export function anEvidence({ streamState = {}, workspace: change, records, reports: told = [] }: Given): Evidence {
  const counts = { ...noRecords, reports: countReports(told), lastAt: told.at(-1)?.at ?? null, ...records };
  return buildEvidence(
    streamState === null ? null : { ...emptyStreamState, ...streamState },
    change === undefined ? null : workspace(change),
    counts,
  );
}

export type Row = readonly [
  name: string,
  why: string,
  given: Given,
  more?: Pick<LivenessCase, 'known' | 'next' | 'useful'>,
];

export function casesOf(expected: LivenessState, rows: readonly Row[]): readonly LivenessCase[] {
  return rows.map(([name, why, given, more]) => ({ name, why, expected, input: anInput(given), ...more }));
}

export type Words = readonly [text: string, why: string, more?: Pick<LivenessCase, 'known' | 'next'>];

/** Returns cases that differ only in the last message. The runs did nothing. */
export function wordsOf(expected: LivenessState, rows: readonly Words[]): readonly LivenessCase[] {
  return casesOf(
    expected,
    rows.map(([text, why, more]) => [text.replace(/\s+/g, ' ').slice(0, 70), why, { text }, more ?? {}] as const),
  );
}
