/**
 * Evidence: the counted facts of a run that its verdict is derived from. Records that clip itself writes are not
 * counted.
 */

import { limits } from '#run/limits.ts';
import type { StreamState } from '#run/stream-state.ts';
import type { CommandRecord } from '#run/stream-tools.ts';
import type { WorkspaceRecord } from '#run/workspace-record.ts';
import type { ReportCounts } from '../agent-reports.ts';
import { onlyReads } from '../shell/is-read-only.ts';

/** The run's own changes to its work folder, and the time of the snapshot. Null where it could not be examined. */
export type WorkspaceChange = Pick<WorkspaceRecord, 'own' | 'seenAt'>;

/** What the run left in the store, without clip's own entries. */
export type RecordCounts = {
  readonly comments: number;
  /** Revisions whose content differs from the one before. */
  readonly documents: number;
  /** Whether the document `plan` has a new revision. */
  readonly planRevised: boolean;
  readonly reports: ReportCounts;
  readonly lastAt: number | null;
};

/** A command. `open`: it had not ended when the run did. */
export type CommandEvidence = CommandRecord & { readonly readOnly: boolean; readonly open: boolean };

export type Evidence = {
  readonly toolCalls: number;
  readonly messages: number;
  /** The last commands. `commandsRun` counts all of them. */
  readonly commands: readonly CommandEvidence[];
  /** All commands, including those that had not ended when the run did. */
  readonly commandsRun: number;
  readonly commandsFailed: number;
  /** Files whose content differs from before. Where that was not compared, files that the stream reports as changed. */
  readonly filesChanged: number;
  readonly commits: number;
  readonly comments: number;
  readonly documents: number;
  readonly planRevised: boolean;
  readonly reports: ReportCounts;
  /** Whether it left a state of the files that no run of its streak had left or found before. */
  readonly progress: boolean;
  /** The time of the newest fact that counts. */
  readonly lastUsefulAt: number | null;
};

/** Builds the evidence. `streamState`: null for an adapter without a stream. */
export function buildEvidence(
  streamState: StreamState | null,
  workspace: WorkspaceChange | null,
  counts: RecordCounts,
): Evidence {
  const own = workspace?.own ?? null;
  const commands = streamState === null ? [] : listCommands(streamState);
  const filesTold = streamState === null ? 0 : Object.keys(streamState.files).length + streamState.filesMore;
  const { comments, documents, planRevised, reports } = counts;
  const facts: Facts = {
    commands,
    filesChanged: own?.files ?? filesTold,
    commits: own?.commits ?? 0,
    comments,
    documents,
    planRevised,
    reports,
  };
  const { toolCalls = 0, messages = 0, commandsFailed = 0 } = streamState ?? {};
  return {
    ...facts,
    toolCalls,
    messages,
    commandsFailed,
    commandsRun: (streamState?.commands ?? 0) + commands.filter(({ open }) => open).length,
    progress: own?.progress ?? false,
    lastUsefulAt: newest(facts, { streamState, workspace, recordedAt: counts.lastAt }),
  };
}

/** Returns the commands that ended, and those that still run in the background. */
function listCommands({ recentCommands, openTools }: StreamState): readonly CommandEvidence[] {
  const open = Object.values(openTools).flatMap(({ kind, command, tool, at }) =>
    kind === 'command' ? [{ command: command ?? tool, exitCode: null, failed: false, at, open: true }] : [],
  );
  return [...recentCommands.map((record) => ({ ...record, open: false })), ...open].map((record) => ({
    ...record,
    readOnly: readsAsFarAsSeen(record.command),
  }));
}

/** Returns whether a command only reads. The end of a command that was cut when stored is missing and may write. */
export function readsAsFarAsSeen(command: string): boolean {
  return command.length < limits.accountCommandLength - 1 && onlyReads(command);
}

type Facts = Pick<
  Evidence,
  'commands' | 'filesChanged' | 'commits' | 'comments' | 'documents' | 'planRevised' | 'reports'
>;

/** Counts reports. `next` is left out: like the last message of a plan, it only announces. */
function countReports({ reports }: Pick<Facts, 'reports'>): number {
  return reports.progress + reports.blocked + reports.done + reports.summary;
}

function working({ commands }: Pick<Facts, 'commands'>): readonly CommandEvidence[] {
  return commands.filter(({ readOnly }) => !readOnly);
}

/** Returns whether something tangible was done. */
export function isConcrete(evidence: Facts): boolean {
  const { filesChanged, commits, comments, documents, planRevised } = evidence;
  return (
    working(evidence).length + filesChanged + commits + comments + documents + countReports(evidence) > 0 || planRevised
  );
}

type Times = {
  readonly streamState: StreamState | null;
  readonly workspace: WorkspaceChange | null;
  readonly recordedAt: number | null;
};

function newest(facts: Facts, { streamState, workspace, recordedAt }: Times): number | null {
  const own = workspace?.own ?? null;
  const told =
    own === null
      ? Object.values(streamState?.files ?? {}).map(({ at }) => at)
      : own.writtenAt === null
        ? []
        : [own.writtenAt];
  const times = [
    ...working(facts).map(({ at }) => at),
    ...(facts.filesChanged > 0 ? told : []),
    ...(recordedAt !== null && facts.comments + facts.documents + countReports(facts) > 0 ? [recordedAt] : []),
  ];
  // The time of a change is not always known. It happened before the snapshot at the latest.
  if (times.length === 0 && facts.filesChanged + facts.commits > 0) return workspace?.seenAt ?? null;
  return times.length === 0 ? null : Math.max(...times);
}

/** Formats the counters: "2 of 3 commands (1 failed), 3 files changed, 1 commit". */
export function formatCounters(evidence: Evidence): string {
  const parts = [
    formatCommands(evidence),
    count(evidence.filesChanged, 'file changed', 'files changed'),
    count(evidence.commits, 'commit'),
    count(evidence.comments, 'comment'),
    count(evidence.documents, 'document'),
    evidence.planRevised ? 'the plan was revised' : null,
    count(countReports(evidence), 'report'),
  ];
  return parts.filter((part) => part !== null).join(', ');
}

/** Formats the commands. Commands that only read are not evidence, but the total includes them. */
function formatCommands(evidence: Evidence): string | null {
  const counted = working(evidence);
  const { length } = counted;
  if (length === 0) return null;
  const { commandsRun, commands } = evidence;
  const all =
    length === commandsRun
      ? count(length, 'command')
      : `${commandsRun > commands.length ? 'at least ' : ''}${length} of ${commandsRun} commands`;
  const [failed, open] = [
    counted.filter((command) => command.failed).length,
    counted.filter((command) => command.open).length,
  ];
  const details = [failed > 0 ? `${failed} failed` : null, open > 0 ? `${open} not ended` : null].filter(
    (part) => part !== null,
  );
  return `${all}${details.length === 0 ? '' : ` (${details.join(', ')})`}`;
}

function count(number: number, one: string, many = `${one}s`): string | null {
  return number === 0 ? null : `${number} ${number === 1 ? one : many}`;
}

/** Returns the time of the last useful action; null when the evidence has nothing concrete. */
export function lastUsefulAt(evidence: Evidence): number | null {
  return isConcrete(evidence) ? evidence.lastUsefulAt : null;
}
