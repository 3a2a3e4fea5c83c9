/** What a run did, by itself: the counted facts its liveness is judged from. Nothing that clip writes is among them. */
import type { Account, CommandRecord } from '../../run/account.ts';
import { limits } from '../../run/limits.ts';
import { onlyReads } from '../commands/commands.ts';
import type { ReportCounts } from '../reports.ts';

/** The work tree before and after; null where git could not be asked, or there is none. */
export type WorkspaceChange = {
  readonly headBefore: string | null;
  readonly headAfter: string | null;
  /** Commits that HEAD has now and had not before. */
  readonly commits: number | null;
  readonly treeChanged: boolean | null;
  /** When it was looked at, after the end. */
  readonly seenAt: number;
};

/** What the run left in the store, clip's own entries not among it. */
export type RecordCounts = {
  readonly comments: number;
  readonly documents: number;
  /** The document `plan` has a new revision. */
  readonly planRevised: boolean;
  readonly reports: ReportCounts;
  readonly lastAt: number | null;
};

export type CommandEvidence = CommandRecord & { readonly readOnly: boolean };

export type Evidence = {
  /** False for commands without a stream that could be read: they may have done anything. */
  readonly hasStream: boolean;
  readonly toolCalls: number;
  readonly messages: number;
  /** The last ones; how many there were at all says `commandsRun`. */
  readonly commands: readonly CommandEvidence[];
  readonly commandsRun: number;
  readonly commandsFailed: number;
  readonly filesChanged: number;
  readonly workspace: WorkspaceChange | null;
  readonly comments: number;
  readonly documents: number;
  readonly planRevised: boolean;
  readonly reports: ReportCounts;
  /** It used a tool that may write, so a change of the work tree can be its own. */
  readonly sawWritingTool: boolean;
  /** When the newest of what counts happened. */
  readonly lastUsefulAt: number | null;
};

/** `account`: null for an adapter without a stream. */
export function evidenceOf(account: Account | null, workspace: WorkspaceChange | null, counts: RecordCounts): Evidence {
  const commands = account === null ? [] : commandsOf(account);
  const commandsRun = account === null ? 0 : account.commands + openCommands(account).length;
  const filesChanged = account === null ? 0 : Object.keys(account.files).length + account.filesMore;
  // A command that is not listed any more may have written. That alone proves nothing, but if something has changed, it cannot be ruled out.
  const sawWritingTool = filesChanged > 0 || commands.some(({ readOnly }) => !readOnly) || commandsRun > commands.length;
  const { comments, documents, planRevised, reports } = counts;
  const facts = { hasStream: account !== null, commands, commandsRun, filesChanged, workspace, comments, documents, planRevised, reports, sawWritingTool };
  const { toolCalls = 0, messages = 0, commandsFailed = 0 } = account ?? {};
  return { ...facts, toolCalls, messages, commandsFailed, lastUsefulAt: newest(facts, account, counts.lastAt) };
}

/** Those that ended, and those that still run in the background. */
function commandsOf(account: Account): readonly CommandEvidence[] {
  return [...account.recentCommands, ...openCommands(account)].map((record) => ({ ...record, readOnly: readsAsFarAsSeen(record.command) }));
}

function openCommands({ openTools }: Account): readonly CommandRecord[] {
  return Object.values(openTools).flatMap(({ kind, command, tool, at }) =>
    kind === 'command' ? [{ command: command ?? tool, exitCode: null, failed: false, at }] : [],
  );
}

/** Of a command that was too long to keep, the end is missing: it may write there. */
function readsAsFarAsSeen(command: string): boolean {
  return command.length < limits.accountCommandLength - 1 && onlyReads(command);
}

type Facts = Pick<Evidence, 'hasStream' | 'commands' | 'filesChanged' | 'workspace' | 'comments' | 'documents' | 'planRevised' | 'reports' | 'sawWritingTool'>;

/** `next` is not among them: it announces, and is a report like the last words of a plan. */
function reportsOf({ reports }: Pick<Facts, 'reports'>): number {
  return reports.progress + reports.blocked + reports.done + reports.summary;
}

function working({ commands }: Pick<Facts, 'commands'>): number {
  return commands.filter(({ readOnly }) => !readOnly).length;
}

/** A change of the work tree is its own only if it had something to change it with: a person may edit beside it. */
function ownChange(facts: Facts): { readonly commits: number | null; readonly moved: boolean; readonly tree: boolean } | null {
  const { workspace } = facts;
  if (workspace === null || (facts.hasStream && !facts.sawWritingTool)) return null;
  const moved = workspace.headBefore !== null && workspace.headAfter !== null && workspace.headBefore !== workspace.headAfter;
  const found = { commits: workspace.commits, moved: moved && workspace.commits === null, tree: workspace.treeChanged === true };
  return found.moved || found.tree || (found.commits ?? 0) > 0 ? found : null;
}

/** Something was done that can be pointed at. */
export function isConcrete(evidence: Facts): boolean {
  const recorded = evidence.comments + evidence.documents + reportsOf(evidence);
  return working(evidence) + evidence.filesChanged + recorded > 0 || evidence.planRevised || ownChange(evidence) !== null;
}

function newest(facts: Facts, account: Account | null, recordedAt: number | null): number | null {
  const times = [
    ...facts.commands.flatMap(({ readOnly, at }) => (readOnly ? [] : [at])),
    ...Object.values(account?.files ?? {}).map(({ at }) => at),
    ...(recordedAt !== null && facts.comments + facts.documents + reportsOf(facts) > 0 ? [recordedAt] : []),
  ];
  // When the work tree changed is not known; that it had changed when it was looked at is.
  if (times.length === 0 && ownChange(facts) !== null && facts.workspace !== null) return facts.workspace.seenAt;
  return times.length === 0 ? null : Math.max(...times);
}

/** What counts, in words: "2 commands (1 failed), 3 files changed, 1 commit". */
export function countersWords(evidence: Evidence): string {
  const own = ownChange(evidence);
  const failed = evidence.commands.filter((command) => command.failed && !command.readOnly).length;
  const commands = count(working(evidence), 'command');
  const parts = [
    commands === null ? null : `${commands}${failed > 0 ? ` (${failed} failed)` : ''}`,
    count(evidence.filesChanged, 'file changed', 'files changed'),
    count(own?.commits ?? 0, 'commit'),
    own?.moved ? 'HEAD moved' : null,
    own?.tree ? 'the work tree changed' : null,
    count(evidence.comments, 'comment'),
    count(evidence.documents, 'document'),
    evidence.planRevised ? 'the plan was revised' : null,
    count(reportsOf(evidence), 'report'),
  ];
  return parts.filter((part) => part !== null).join(', ');
}

function count(number: number, one: string, many = `${one}s`): string | null {
  return number === 0 ? null : `${number} ${number === 1 ? one : many}`;
}

export function lastUsefulAt(evidence: Evidence): number | null {
  return isConcrete(evidence) ? evidence.lastUsefulAt : null;
}
