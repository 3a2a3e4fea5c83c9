/** Continuation summaries and their inputs. */

import { emptyStreamState } from '#run/stream-state.ts';
import type { WorkspaceRecord } from '#run/workspace-record.ts';
import type { SummaryInput, SummaryRun } from '#task/handoff/summary-input.ts';
import { noon } from './runs.ts';

export const headings = [
  'Objective',
  'Acceptance criteria',
  'State of the work',
  'Recent actions',
  'Files touched',
  'Commands run',
  'Decisions and blockers',
  'How the last run stopped',
  'Next action',
  'How to resume',
];

/** Returns a work folder without changes. */
export function aWorkspace(given: Partial<WorkspaceRecord> = {}): WorkspaceRecord {
  const head = '1f2e3d4c5b6a79880123456789abcdef01234567';
  return {
    ...{ headBefore: head, headAfter: head, commits: 0, filesChanged: 0, insertions: 0, deletions: 0, dirty: false },
    ...{ files: [], state: null, own: null, sinceTask: null, seenAt: noon },
    ...given,
  };
}

export function aSummaryRun(given: Partial<SummaryRun> = {}): SummaryRun {
  return {
    number: 42,
    agentName: 'coder',
    adapter: 'codex',
    status: 'succeeded',
    stopReason: 'completed',
    errorCode: null,
    error: null,
    outcomeWords: 'exited 0',
    exitKnown: true,
    startedAt: noon,
    endedAt: noon + 245_000,
    liveness: {
      state: 'advanced',
      reason: 'Evidence of work: 2 commands.',
      nextAction: null,
      lastUsefulActionAt: noon,
      claimsDone: false,
    },
    streamState: { ...emptyStreamState, sessionId: 's-1', text: 'I fixed the parser.' },
    workspace: null,
    reports: [],
    attempt: 0,
    cwd: '/work/project',
    branch: 'main',
    leftovers: [],
    ...given,
  };
}

export function aFailedRun(given: Partial<SummaryRun> = {}): SummaryRun {
  return aSummaryRun({
    status: 'failed',
    stopReason: 'adapter_failed',
    errorCode: 'adapter_failed',
    error: 'It broke.',
    outcomeWords: 'exited 1',
    liveness: {
      state: 'failed',
      reason: 'The run ended as failed.',
      nextAction: null,
      lastUsefulActionAt: null,
      claimsDone: false,
    },
    ...given,
  });
}

export function aSummaryInput({
  task,
  ...given
}: Partial<Omit<SummaryInput, 'task'>> & { readonly task?: Partial<SummaryInput['task']> } = {}): SummaryInput {
  return {
    task: {
      number: 7,
      title: 'Fix the parser',
      description: 'The parser crashes on empty files.',
      acceptance: '- `npm test` is green',
      kind: 'work',
      status: 'in_progress',
      priority: 0,
      blockedReason: null,
      ...task,
    },
    runs: [aSummaryRun()],
    documents: [],
    comments: [],
    at: noon + 300_000,
    secrets: [],
    ...given,
  };
}

/** Returns the sections by their headings, as a reader would split them who ignores fences. */
export function sectionsOf(summary: string): ReadonlyMap<string, string> {
  const [, ...parts] = summary.split(/^## /m);
  return new Map(parts.map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n')).trim()]));
}

/** Returns whether each fence is closed by one of the same length, as Markdown requires. */
export function fencesClose(text: string): boolean {
  let open: string | null = null;
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (open === null) open = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/.exec(line)?.[1] ?? null;
    else if (/^ {0,3}(`{3,}|~{3,})[ \t]*$/.test(line) && line.trim().startsWith(open)) open = null;
  }
  return open === null;
}
