/** The input of a continuation summary: recorded facts, and texts of people and agents. */

import type { EndedStatus, LeakedProcess, LivenessRecord } from '#run/run.ts';
import type { StreamState } from '#run/stream-state.ts';
import type { WorkspaceRecord } from '#run/workspace-record.ts';
import type { AgentReport } from '../agent-reports.ts';
import { redact } from '../redact/redact.ts';
import type { Task } from '../task.ts';
import { clean } from './quote.ts';

export type SummaryTask = Pick<
  Task,
  'number' | 'title' | 'description' | 'acceptance' | 'kind' | 'status' | 'priority' | 'blockedReason'
>;

export type SummaryRun = {
  readonly number: number;
  readonly agentName: string | null;
  readonly adapter: string;
  readonly status: EndedStatus;
  readonly stopReason: string;
  readonly errorCode: string | null;
  readonly error: string | null;
  /** How its process ended: "exited 0", "killed by SIGKILL", "lost". */
  readonly outcomeWords: string;
  /**
   * False when the process was gone before its exit was observed. `endedAt` is then the time at which that was found.
   */
  readonly exitKnown: boolean;
  readonly startedAt: number | null;
  readonly endedAt: number;
  readonly liveness: LivenessRecord | null;
  readonly streamState: StreamState | null;
  readonly workspace: WorkspaceRecord | null;
  /** Oldest first. */
  readonly reports: readonly AgentReport[];
  /** The position in a row of continuations. 0 for none. */
  readonly attempt: number;
  readonly cwd: string;
  readonly branch: string | null;
  /** What the run left behind. `ended`: clip ended it. */
  readonly leftovers: readonly Pick<LeakedProcess, 'command' | 'ended'>[];
};

export type SummaryDocument = {
  readonly key: string;
  readonly revision: number;
  readonly title: string | null;
  readonly updatedAt: number;
};
export type SummaryComment = {
  readonly author: string;
  readonly text: string;
  readonly at: number;
  readonly byPerson: boolean;
};

export type SummaryInput = {
  readonly task: SummaryTask;
  /** Newest first. The first has just ended. */
  readonly runs: readonly SummaryRun[];
  /** All documents except the summary itself. */
  readonly documents: readonly SummaryDocument[];
  /** Oldest first. */
  readonly comments: readonly SummaryComment[];
  readonly at: number;
  /** Values that must not appear in it, whatever they look like. */
  readonly secrets: readonly string[];
};

export type CleanInput = Omit<SummaryInput, 'secrets'>;

/** Older ones are not used. */
const runsMax = 10;
const commentsMax = 20;
const documentsMax = 20;
const leftoversMax = 20;

/**
 * Returns the input without secrets and without harmful characters. This happens before any text is cut, because half a
 * secret would not be recognized.
 */
export function cleaned({ task, runs, documents, comments, at, secrets }: SummaryInput): CleanInput {
  const safe = (text: string) => safeText(text, secrets);
  const maybe = (text: string | null) => (text === null ? null : safe(text));
  return {
    task: {
      ...task,
      title: safe(task.title),
      description: maybe(task.description),
      acceptance: maybe(task.acceptance),
      blockedReason: maybe(task.blockedReason),
    },
    runs: runs.slice(0, runsMax).map((run) => cleanedRun(run, safe)),
    documents: documents
      .slice(0, documentsMax)
      .map((document) => ({ ...document, key: safe(document.key), title: maybe(document.title) })),
    comments: comments
      .slice(-commentsMax)
      .map((comment) => ({ ...comment, author: safe(comment.author), text: safe(comment.text) })),
    at,
  };
}

/** Returns the text without secrets and without harmful characters. */
export function safeText(text: string, secrets: readonly string[]): string {
  const values = [...new Set(secrets.flatMap((secret) => [secret, clean(secret)]))];
  // Redacted twice: an escape sequence may hide a secret, and may end with the first letter of one.
  return redact(clean(redact(text, secrets)), values);
}

function cleanedRun(run: SummaryRun, safe: (text: string) => string): SummaryRun {
  const maybe = (text: string | null) => (text === null ? null : safe(text));
  const { streamState, liveness } = run;
  return {
    ...run,
    agentName: maybe(run.agentName),
    error: maybe(run.error),
    errorCode: maybe(run.errorCode),
    cwd: safe(run.cwd),
    branch: maybe(run.branch),
    leftovers: run.leftovers.slice(0, leftoversMax).map((each) => ({ ...each, command: safe(each.command) })),
    workspace: run.workspace && cleanedWorkspace(run.workspace, safe),
    reports: run.reports.map((report) => ({ ...report, text: safe(report.text) })),
    liveness: liveness && { ...liveness, reason: safe(liveness.reason), nextAction: maybe(liveness.nextAction) },
    streamState: streamState && cleanStreamState(streamState, safe),
  };
}

/** Cleans the file names, which agents choose. */
function cleanedWorkspace(workspace: WorkspaceRecord, safe: (text: string) => string): WorkspaceRecord {
  const { files, sinceTask } = workspace;
  const named = (list: WorkspaceRecord['files']) => list.map((file) => ({ ...file, path: safe(file.path) }));
  return {
    ...workspace,
    files: named(files),
    sinceTask: sinceTask && { ...sinceTask, root: safe(sinceTask.root), files: named(sinceTask.files) },
  };
}

function cleanStreamState(streamState: StreamState, safe: (text: string) => string): StreamState {
  return {
    ...streamState,
    text: safe(streamState.text),
    sessionId: streamState.sessionId === null ? null : safe(streamState.sessionId),
    recentCommands: streamState.recentCommands.map(({ output, ...record }) => ({
      ...record,
      command: safe(record.command),
      ...(output === undefined ? {} : { output: safe(output) }),
    })),
    openTools: Object.fromEntries(
      Object.entries(streamState.openTools).map(([id, open]) => [
        id,
        {
          ...open,
          tool: safe(open.tool),
          command: open.command === null ? null : safe(open.command),
          paths: open.paths.map(safe),
        },
      ]),
    ),
    files: Object.fromEntries(Object.entries(streamState.files).map(([path, record]) => [safe(path), record])),
    denials: { ...streamState.denials, tools: streamState.denials.tools.map(safe) },
  };
}
