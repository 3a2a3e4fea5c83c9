/** What a continuation summary is made from: recorded facts, and the words of people and agents. */
import type { Account } from '../../run/account.ts';
import type { EndedStatus, LivenessRecord, WorkspaceRecord } from '../../run/run.ts';
import { redact } from '../redact/redact.ts';
import type { AgentReport } from '../reports.ts';
import type { Task } from '../task.ts';
import { clean } from './quoted.ts';

export type SummaryTask = Pick<Task, 'number' | 'title' | 'description' | 'acceptance' | 'kind' | 'status' | 'priority' | 'blockedReason'>;

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
  readonly startedAt: number | null;
  readonly endedAt: number;
  readonly liveness: LivenessRecord | null;
  readonly account: Account | null;
  readonly workspace: WorkspaceRecord | null;
  /** Oldest first. */
  readonly reports: readonly AgentReport[];
  /** Of how many continuations in a row it is; 0 for none. */
  readonly attempt: number;
  readonly cwd: string;
  readonly branch: string | null;
};

export type SummaryDocument = { readonly key: string; readonly revision: number; readonly title: string | null; readonly updatedAt: number };
export type SummaryComment = { readonly author: string; readonly text: string; readonly at: number; readonly byPerson: boolean };

export type SummaryInput = {
  readonly task: SummaryTask;
  /** Newest first: the first has just ended. */
  readonly runs: readonly SummaryRun[];
  /** The summary itself is not among them. */
  readonly documents: readonly SummaryDocument[];
  /** Oldest first. */
  readonly comments: readonly SummaryComment[];
  readonly at: number;
  /** Values that must not be in it, whatever they look like. */
  readonly secrets: readonly string[];
};

export type CleanInput = Omit<SummaryInput, 'secrets'>;

/** Older ones are not read. */
const runsMax = 10;
const commentsMax = 20;
const documentsMax = 20;

/** Without secrets and without what could do harm where it is shown; done before anything is cut, for half a secret is not recognised. */
export function cleaned({ task, runs, documents, comments, at, secrets }: SummaryInput): CleanInput {
  const values = [...new Set(secrets.flatMap((secret) => [secret, clean(secret)]))];
  // Twice: an escape sequence may hide a secret, and may end with the first letter of one.
  const safe = (text: string) => redact(clean(redact(text, secrets)), values);
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
    documents: documents.slice(0, documentsMax).map((document) => ({ ...document, key: safe(document.key), title: maybe(document.title) })),
    comments: comments.slice(-commentsMax).map((comment) => ({ ...comment, author: safe(comment.author), text: safe(comment.text) })),
    at,
  };
}

function cleanedRun(run: SummaryRun, safe: (text: string) => string): SummaryRun {
  const maybe = (text: string | null) => (text === null ? null : safe(text));
  const { account, liveness } = run;
  return {
    ...run,
    agentName: maybe(run.agentName),
    error: maybe(run.error),
    errorCode: maybe(run.errorCode),
    cwd: safe(run.cwd),
    branch: maybe(run.branch),
    reports: run.reports.map((report) => ({ ...report, text: safe(report.text) })),
    liveness: liveness && { ...liveness, reason: safe(liveness.reason), nextAction: maybe(liveness.nextAction) },
    account: account && cleanedAccount(account, safe),
  };
}

function cleanedAccount(account: Account, safe: (text: string) => string): Account {
  return {
    ...account,
    text: safe(account.text),
    sessionId: account.sessionId === null ? null : safe(account.sessionId),
    recentCommands: account.recentCommands.map((record) => ({ ...record, command: safe(record.command) })),
    openTools: Object.fromEntries(
      Object.entries(account.openTools).map(([id, open]) => [
        id,
        { ...open, tool: safe(open.tool), command: open.command === null ? null : safe(open.command), paths: open.paths.map(safe) },
      ]),
    ),
    files: Object.fromEntries(Object.entries(account.files).map(([path, record]) => [safe(path), record])),
    denials: { ...account.denials, tools: account.denials.tools.map(safe) },
  };
}
