/** Lists the limits, tasks and runs that need a person. */
import { canBeSeen } from '#process/process-identity.ts';
import type { NeedView } from '#protocol/needs.ts';
import { isoTime } from '#run/iso-time.ts';
import { limits } from '#run/limits.ts';
import { unseenMessage } from '#run/recovery.ts';
import { isAlive, isEnded, type Run } from '#run/run.ts';
import type { Store } from '#store/store.ts';
import type { Task } from '#task/task.ts';
import type { Budgets, ReachedLimit } from '../budgets/budgets.ts';
import type { Supervisor } from '../core/supervisor.ts';
import { formatEnd, formatStall, formatStopped, formatTask, sentence, type Words } from './attention-words.ts';

/** `supervisor`: has the live runs in memory. Without it they are read from the store. */
type AttentionDeps = {
  readonly store: Store;
  readonly budgets: Budgets;
  readonly now: () => number;
  readonly supervisor?: Pick<Supervisor, 'alive'>;
};

/** Returns what lists the needs, in the order in which they are shown. */
export function createAttention(deps: AttentionDeps): () => NeedView[] {
  const attention = new Attention(deps);
  return () => attention.list();
}

class Attention {
  readonly #store: Store;
  readonly #budgets: Budgets;
  readonly #now: () => number;
  readonly #supervisor: AttentionDeps['supervisor'];

  constructor({ store, budgets, now, supervisor }: AttentionDeps) {
    this.#supervisor = supervisor;
    this.#store = store;
    this.#budgets = budgets;
    this.#now = now;
  }

  list(): NeedView[] {
    const { tasks } = this.#store;
    const unseen = this.#unseenRuns();
    const lost = this.#lostRuns();
    const listed = new Set([...unseen, ...lost].map(({ run }) => run));
    return [
      ...this.#reachedLimits().map((limit) => this.#ofLimit(limit)),
      ...unseen,
      ...lost,
      ...tasks.needingPerson(limits.needsShown).map((task) => this.#ofWaitingTask(task)),
      ...tasks.idle(limits.needsShown).flatMap((task) => this.#ofIdleTask(task)),
      ...this.#store.runs
        .needingPerson(limits.needsShown)
        .filter(({ number }) => !listed.has(number))
        .flatMap((run) => this.#ofAttention(run)),
      ...tasks.ofPerson(limits.needsShown).map((task) => this.#ofPersonsTask(task)),
    ];
  }

  #reachedLimits(): ReachedLimit[] {
    const ofTasks = this.#store.tasks
      .withBudget()
      .flatMap(({ number }) => this.#budgets.reachedFor(null, number) ?? []);
    return [...this.#budgets.usedUp(), ...ofTasks];
  }

  #unseenRuns(): NeedView[] {
    if (this.#supervisor === undefined)
      return this.#store.runs.newest(['running', 'stopping'], limits.needsShown).flatMap(ofUnseen);
    const alive = this.#supervisor
      .alive()
      .flatMap((run) => ofUnseen(run).map((need) => ({ number: run.number, need })));
    return alive
      .sort((a, b) => b.number - a.number)
      .slice(0, limits.needsShown)
      .map(({ need }) => need);
  }

  #lostRuns(): NeedView[] {
    const since = this.#now() - limits.lostShownMs;
    return this.#store.runs.newest(['failed'], limits.needsShown, since).flatMap((run) => this.#ofLost(run));
  }

  /** Describes a reached limit: the agent or task is paused until the day is over or the limit is raised. */
  #ofLimit({ scope, name, words, remedy }: ReachedLimit): NeedView {
    const task = scope === 'task' ? Number(name.slice(1)) : null;
    const owner = name === '' ? 'all agents' : `agent ${name}`;
    return {
      kind: 'budget',
      task,
      run: null,
      agent: scope === 'agent' ? name : null,
      title: task === null ? owner : (this.#store.tasks.byNumber(task)?.title ?? name),
      status: 'budget_paused',
      since: null,
      what: sentence(words),
      next: sentence(remedy),
    };
  }

  /** Describes a lost run that was to be retried and could not safely be. */
  #ofLost(run: Run): NeedView[] {
    const { number, spec, lineage, state } = run;
    if (!isEnded(state) || state.errorCode !== 'process_lost' || spec.onLoss !== 'retry' || lineage.taskId !== null)
      return [];
    if (state.acknowledged !== null || lineage.processLossRetryCount > 0 || this.#isRetried(run)) return [];
    const next = `Make sure that nothing of it lives any more (clip show ${number}), then: clip retry ${number}`;
    return [ofRun(run, { status: 'lost', since: state.endedAt, what: sentence(state.error ?? 'it was lost'), next })];
  }

  /** Describes an agent's run without a task that did not do its work, or a live one that hangs. */
  #ofAttention(run: Run): NeedView[] {
    const { state } = run;
    if (isAlive(state)) {
      if (state.stall === null) return [];
      const { since } = state.stall;
      return [ofRun(run, { status: 'stalled', since, ...formatStall(run, state.stall, this.#now()) })];
    }
    if (!isEnded(state) || this.#isRetried(run)) return [];
    const { endedAt: since, status, stopReason, liveness } = state;
    if (stopReason === 'budget_paused') return [ofRun(run, { status: stopReason, since, ...this.#stoppedAt(run) })];
    return [ofRun(run, { status: liveness?.state ?? status, since, ...formatEnd(run, state) })];
  }

  #isRetried({ id }: Run): boolean {
    return this.#store.runs.retryOf(id) !== null;
  }

  /** Describes the limit that stopped a run, according to its history. */
  #stoppedAt(run: Run): Words {
    const event = this.#store.events.lastOfType(run.number, 'budget-reached');
    return formatStopped(run, (event?.data ?? {}) as Partial<ReachedLimit>);
  }

  #ofWaitingTask(task: Task): NeedView {
    const run = task.status === 'in_review' ? this.#store.runs.latestOfTask(task.number, null) : null;
    return this.#ofTask(task, formatTask(task, run !== null && isEnded(run.state) ? run.number : null));
  }

  /**
   * Describes an open task of an agent for which nothing runs, is pending or is due. It would be overlooked otherwise.
   */
  #ofIdleTask(task: Task): NeedView[] {
    const { number } = task;
    const agent = task.assignee?.kind === 'agent' ? this.#store.agents.byId(task.assignee.agentId) : null;
    if (agent === null || agent.paused || this.#budgets.mayStart(agent.id, number) !== null) return [];
    const last = this.#store.runs.latestOfTask(number, agent.id);
    const next = `clip continue T${number}, or clip task cancel T${number}`;
    if (last === null || !isEnded(last.state)) return [this.#ofTask(task, { what: 'Nothing works on it.', next })];
    const { stopReason, decision, endedAt } = last.state;
    const stopped = stopReason === 'cancelled';
    const what = stopped
      ? `Run ${last.number} of it was cancelled, and nothing works on it now.`
      : `Nothing works on it.${decision === null ? '' : ` ${decision.reason}`}`;
    const status = stopped ? 'stopped' : task.status;
    return [{ ...this.#ofTask(task, { what, next }), run: last.number, since: isoTime(endedAt), status }];
  }

  #ofPersonsTask(task: Task): NeedView {
    const next = `Do it, then: clip task done T${task.number}; or give it away: clip task assign T${task.number} AGENT`;
    return this.#ofTask(task, { what: 'It is assigned to you.', next });
  }

  #ofTask(task: Task, words: Words): NeedView {
    const { number, title, status, statusAt, updatedAt } = task;
    const agent = task.assignee?.kind === 'agent' ? this.#store.agents.nameOf(task.assignee.agentId) : null;
    const run = this.#store.runs.latestOfTask(number, null)?.number ?? null;
    const since = isoTime(statusAt === 0 ? updatedAt : statusAt);
    return { kind: 'task', task: number, run, agent, title, status, since, ...words };
  }
}

/** Describes a run that cannot be seen from here, so clip does nothing by itself. */
function ofUnseen(run: Run): NeedView[] {
  const { number, state } = run;
  if (!isAlive(state) || state.held || canBeSeen(state.leader)) return [];
  const next = `Look at it where it was started. If it lives no more: clip cancel ${number}`;
  return [ofRun(run, { status: 'detached', since: state.silentSince, what: unseenMessage, next })];
}

function ofRun(run: Run, words: Words & { readonly status: string; readonly since: number }): NeedView {
  const { number, spec, lineage } = run;
  const { status, since, what, next } = words;
  const title = spec.name === null ? `run ${number}` : `run ${number} (${spec.name})`;
  const agent = spec.agent?.name ?? null;
  return { kind: 'run', task: lineage.taskId, run: number, agent, title, status, since: isoTime(since), what, next };
}
