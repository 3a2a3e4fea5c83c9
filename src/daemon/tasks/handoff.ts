/**
 * Hands work on from run to run of a task: the continuation summary written after each end, and the prompt written at
 * the next start.
 */
import { join } from 'node:path';
import { isAnswering } from '#process/reach-folder.ts';
import { formatRead, replacePrompt } from '#process/run-folder-writer.ts';
import { readBranch } from '#process/workspace/repository.ts';
import { limits } from '#run/limits.ts';
import { isEnded, type Run } from '#run/run.ts';
import type { Store } from '#store/store.ts';
import { continuationSummary } from '#task/handoff/summary.ts';
import type { SummaryInput, SummaryRun } from '#task/handoff/summary-input.ts';
import { buildTaskPrompt } from '#task/handoff/task-prompt.ts';
import { type Comment, summaryKey, type Task } from '#task/task.ts';
import { promptFor } from '../agents/invocation.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { RunJudge } from './run-verdict.ts';
import type { Tasks } from './tasks.ts';

type Deps = {
  readonly store: Store;
  readonly supervisor: Pick<Supervisor, 'transaction'>;
  readonly tasks: Tasks;
  readonly runJudge: Pick<RunJudge, 'streamStateOf'>;
  readonly runsFolder: string;
  readonly now: () => number;
  /** Values that must not appear in a summary: those of the variables of this run's agent, and of the daemon. */
  readonly secretsOf: (agentId: string | null) => readonly string[];
};

export class Handoff {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Writes a new revision of the summary of the run's task, unless it is unchanged. */
  async refresh(run: Run): Promise<void> {
    const { store, supervisor, tasks } = this.#deps;
    if (run.lineage.taskId === null) return;
    const branch = (await isAnswering(run.spec.cwd)) ? await readBranch(run.spec.cwd) : null;
    const task = tasks.ofRun(run);
    if (task === null) return;
    const body = continuationSummary(this.#gather(task, { number: run.number, branch }, run.spec.agent?.id ?? null));
    if (store.documents.get(task.number, summaryKey)?.body === body) return;
    const document = { key: summaryKey, title: 'Continuation summary', body, baseRevision: null };
    supervisor.transaction((tx) => tasks.putDocument(tx, task.number, document, { kind: 'clip' }));
  }

  /**
   * Refreshes the summary of a task for a reader if it is outdated: it could not be written after an end, or the task
   * has changed since.
   */
  async freshen(number: number): Promise<void> {
    const { store } = this.#deps;
    const task = store.tasks.byNumber(number);
    const [last] = store.runs.endedOfTask(number, 1);
    if (task === null || last === undefined || !isEnded(last.state)) return;
    const written = store.documents.get(number, summaryKey)?.at ?? 0;
    if (written < last.state.endedAt || written < task.updatedAt) await this.refresh(last);
  }

  /** Writes the prompt of a task's run from all that is known now. Throws if it cannot be written. */
  brief(run: Run): void {
    const { store, tasks, runsFolder } = this.#deps;
    const task = tasks.ofRun(run);
    if (task === null || run.spec.agent === null) return;
    const folder = join(runsFolder, run.id);
    const wake = run.lineage.origin === null ? null : store.wakes.byId(run.lineage.origin.wakeId);
    const [before] = store.runs.endedOfTask(task.number, 1);
    const resumed = before === undefined ? run.spec.sessionId !== null : this.#isSessionOf(before, run.spec.sessionId);
    const since = resumed && before !== undefined ? findStart(before) : 0;
    const text = buildTaskPrompt({
      task,
      request: formatRead(folder)?.toString('utf8') ?? null,
      wake:
        wake === null
          ? null
          : {
              instruction: wake.payload.instruction,
              attempt: wake.payload.continuationAttempt,
              attemptsMax: wake.payload.maxContinuationAttempts,
            },
      facts: this.#gather(task, null, run.spec.agent.id),
      comments: store.comments.byPersonsSince(task.number, since, limits.briefComments).flatMap(commentView),
      resumed,
    });
    const agent = store.agents.byId(run.spec.agent.id);
    replacePrompt(folder, agent === null ? text : promptFor(agent, Buffer.from(text), run.spec.cwd).toString('utf8'));
  }

  /** Returns whether a run had this session. Another one's session does not know what that run did. */
  #isSessionOf(run: Run, sessionId: string | null): boolean {
    if (sessionId === null) return false;
    return run.spec.sessionId === sessionId || this.#deps.runJudge.streamStateOf(run)?.sessionId === sessionId;
  }

  /** Gathers what is recorded of a task. `last`: the branch of its last run, if it is known. */
  #gather(task: Task, last: { number: number; branch: string | null } | null, agentId: string | null): SummaryInput {
    const { store, now, secretsOf } = this.#deps;
    const runs = store.runs.endedOfTask(task.number, limits.summaryRuns);
    return {
      task,
      runs: runs.flatMap((run) => this.#summaryRun(run, run.number === last?.number ? last.branch : null)),
      documents: store.documents
        .list(task.number, false)
        .map(({ key, revision, title, at }) => ({ key, revision, title, updatedAt: at })),
      comments: store.comments.ofTask(task.number, limits.summaryComments).flatMap(commentView),
      at: now(),
      secrets: secretsOf(agentId),
    };
  }

  #summaryRun(run: Run, branch: string | null): SummaryRun[] {
    const { store, runJudge } = this.#deps;
    const { number, spec, lineage, state } = run;
    if (!isEnded(state)) return [];
    const { status, stopReason, errorCode, error, endedAt, startedAt, liveness, workspace, outcome } = state;
    const streamState = runJudge.streamStateOf(run);
    const outcomeWords = {
      exited: `exited ${outcome.kind === 'exited' ? outcome.code : ''}`,
      killed: `killed by ${outcome.kind === 'killed' ? outcome.signal : ''}`,
      not_started: 'never started',
      lost: 'exit not seen',
    }[outcome.kind];
    return [
      {
        ...{
          number,
          agentName: spec.agent?.name ?? null,
          adapter: spec.adapter,
          status,
          stopReason,
          errorCode,
          error,
          outcomeWords,
          exitKnown: outcome.kind !== 'lost',
          endedAt,
          startedAt,
        },
        liveness,
        streamState,
        workspace,
        reports: store.reports.ofRun(number),
        attempt: lineage.origin?.attempt ?? 0,
        cwd: spec.cwd,
        branch,
        leftovers: state.leaked ?? [],
      },
    ];
  }
}

function findStart({ queuedAt, state }: Run): number {
  return isEnded(state) ? (state.startedAt ?? queuedAt) : queuedAt;
}

function commentView({ author, text, at }: Comment): { author: string; text: string; at: number; byPerson: boolean }[] {
  // clip's own decisions are in the summary anyway.
  if (author.kind === 'clip') return [];
  return [
    {
      author: author.kind === 'agent' ? `${author.name}, run ${author.run}` : 'a person',
      text,
      at,
      byPerson: author.kind === 'person',
    },
  ];
}
