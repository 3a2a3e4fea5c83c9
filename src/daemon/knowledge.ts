/** What a task hands on from run to run: the summary, made after each end, and what the next run is told when it starts. */
import { join } from 'node:path';
import { readWords, replacePrompt } from '../process/new-folder.ts';
import { branchOf } from '../process/workspace.ts';
import { limits } from '../run/limits.ts';
import { isEnded, type Run } from '../run/run.ts';
import type { Store } from '../store/store.ts';
import { briefOf } from '../task/handoff/brief.ts';
import { injected } from '../task/handoff/injected.ts';
import { continuationSummary } from '../task/handoff/summary.ts';
import type { SummaryRun } from '../task/handoff/summary-input.ts';
import { firstAction } from '../task/next/continuation.ts';
import { type Comment, summaryKey, type Task } from '../task/task.ts';
import { promptFor } from './agent-launch.ts';
import type { Judge } from './judge.ts';
import type { Tasks } from './tasks.ts';

export type Knowledge = ReturnType<typeof createKnowledge>;

export function createKnowledge(world: {
  store: Store;
  tasks: Tasks;
  judge: Pick<Judge, 'accountOf'>;
  runsFolder: string;
  now: () => number;
  /** Values that must not stand in a summary: those of the variables of this run's agent, and our own. */
  secretsOf: (agentId: string | null) => readonly string[];
}) {
  const { store, tasks } = world;

  /** A new revision of the summary of the run's task; none when it says the same as the last. */
  async function refresh(run: Run): Promise<void> {
    if (run.lineage.taskId === null) return;
    const branch = await branchOf(run.spec.cwd);
    const task = tasks.ofRun(run);
    if (task === null) return;
    const body = compose(task, { number: run.number, branch }, run.spec.agent?.id ?? null);
    if (store.documents.get(task.number, summaryKey)?.body === body) return;
    tasks.putDocument(task.number, { key: summaryKey, title: 'Continuation summary', body, baseRevision: null }, { kind: 'clip' });
  }

  /**
   * The same for whoever wants to read it, where it is older than what it tells of: it could not be written after an
   * end, or something has been done to the task since.
   */
  async function freshen(number: number): Promise<void> {
    const task = store.tasks.byNumber(number);
    const [last] = store.runs.endedOfTask(number, 1);
    if (task === null || last === undefined || !isEnded(last.state)) return;
    const written = store.documents.get(number, summaryKey)?.at ?? 0;
    if (written < last.state.endedAt || written < task.updatedAt) await refresh(last);
  }

  function compose(task: Task, last: { number: number; branch: string | null }, agentId: string | null): string {
    const runs = store.runs.endedOfTask(task.number, limits.summaryRuns);
    return continuationSummary({
      task,
      runs: runs.flatMap((run) => summaryRun(run, run.number === last.number ? last.branch : null)),
      documents: store.documents.list(task.number, false).map(({ key, revision, title, at }) => ({ key, revision, title, updatedAt: at })),
      comments: store.comments.ofTask(task.number, limits.summaryComments).flatMap(commentView),
      at: world.now(),
      secrets: world.secretsOf(agentId),
    });
  }

  function summaryRun(run: Run, branch: string | null): SummaryRun[] {
    const { number, spec, lineage, state } = run;
    if (!isEnded(state)) return [];
    const { status, stopReason, errorCode, error, endedAt, startedAt, liveness, workspace, outcome } = state;
    const account = world.judge.accountOf(run);
    const outcomeWords = {
      exited: `exited ${outcome.kind === 'exited' ? outcome.code : ''}`,
      killed: `killed by ${outcome.kind === 'killed' ? outcome.signal : ''}`,
      not_started: 'never started',
      lost: 'lost',
    }[outcome.kind];
    return [
      {
        ...{ number, agentName: spec.agent?.name ?? null, adapter: spec.adapter, status, stopReason, errorCode, error, outcomeWords, endedAt, startedAt },
        ...{ liveness, account, workspace, reports: store.reports.ofRun(number), attempt: lineage.origin?.attempt ?? 0, cwd: spec.cwd, branch },
      },
    ];
  }

  /** Writes what this run of a task is told, with all that is known at this moment. Throws when it cannot be written. */
  function brief(run: Run): void {
    const task = tasks.ofRun(run);
    if (task === null || run.spec.agent === null) return;
    const folder = join(world.runsFolder, run.id);
    const wake = run.lineage.origin === null ? null : store.wakes.byId(run.lineage.origin.wakeId);
    const [before] = store.runs.endedOfTask(task.number, 1);
    const summary = store.documents.get(task.number, summaryKey);
    const text = briefOf({
      task,
      request: readWords(folder)?.toString('utf8') ?? null,
      wake:
        wake === null
          ? null
          : {
              reason: wake.reason,
              // What clip says itself stands in the brief anyway.
              instruction: wake.payload.instruction === firstAction(task) ? null : wake.payload.instruction,
              attempt: wake.payload.continuationAttempt,
              attemptsMax: wake.payload.maxContinuationAttempts,
              why: wake.payload.livenessReason,
            },
      summary: summary === null ? null : injected(summary.body),
      comments: store.comments.byPersonsSince(task.number, before === undefined ? 0 : beginOf(before), limits.briefComments).flatMap(commentView),
      resumed: run.spec.sessionId !== null,
      stopped: before === undefined ? null : stoppedWords(before),
    });
    const agent = store.agents.byId(run.spec.agent.id);
    replacePrompt(folder, agent === null ? text : promptFor(agent, Buffer.from(text), run.spec.cwd).toString('utf8'));
  }

  return { refresh, freshen, brief };
}

function beginOf({ queuedAt, state }: Run): number {
  return isEnded(state) ? (state.startedAt ?? queuedAt) : queuedAt;
}

function commentView({ author, text, at }: Comment): { author: string; text: string; at: number; byPerson: boolean }[] {
  // What clip says of its own decisions stands in the summary anyway.
  if (author.kind === 'clip') return [];
  return [{ author: author.kind === 'agent' ? `${author.name}, run ${author.run}` : 'a person', text, at, byPerson: author.kind === 'person' }];
}

/** `Run 4 failed (timeout).` */
function stoppedWords({ number, state }: Run): string | null {
  if (!isEnded(state)) return null;
  const why = state.errorCode ?? state.stopReason;
  return `Run ${number} ${state.status === 'timed_out' ? 'ran into a time limit' : state.status}${why === 'completed' || why === state.status ? '' : ` (${why})`}.`;
}
