/** Lists the limits, tasks and runs that need a person. */
import { canBeSeen } from '#process/process-identity.ts';
import type { NeedView } from '#protocol/needs.ts';
import { isoTime } from '#run/iso-time.ts';
import { limits } from '#run/limits.ts';
import { unseenMessage } from '#run/recovery.ts';
import { type Ended, isAlive, isEnded, type Run, type Stall } from '#run/run.ts';
import type { Store } from '#store/store.ts';
import { remedyFor } from '#task/continuation/remedies.ts';
import type { Task } from '#task/task.ts';
import type { Budgets, ReachedLimit } from '../budgets/budgets.ts';

type Words = Pick<NeedView, 'what' | 'next'>;

export function createAttention(deps: { store: Store; budgets: Budgets; now: () => number }) {
  const { store, budgets } = deps;

  function ofTask(task: Task, words: Words & { readonly status?: string }): NeedView {
    const { number, title, status, statusAt, updatedAt } = task;
    const agent = task.assignee?.kind === 'agent' ? store.agents.nameOf(task.assignee.agentId) : null;
    const run = store.runs.latestOfTask(number, null)?.number ?? null;
    const since = isoTime(statusAt === 0 ? updatedAt : statusAt);
    return { kind: 'task', task: number, run, agent, title, status, since, ...words };
  }

  function ofWaitingTask(task: Task): NeedView {
    const run = task.status === 'in_review' ? store.runs.latestOfTask(task.number, null) : null;
    return ofTask(task, wordsOfTask(task, run !== null && isEnded(run.state) ? run.number : null));
  }

  /** Describes a reached limit: the agent or task is paused until the day is over or the limit is raised. */
  function ofLimit({ scope, name, words, remedy }: ReachedLimit): NeedView {
    const task = scope === 'task' ? Number(name.slice(1)) : null;
    const title =
      task === null ? (name === '' ? 'all agents' : `agent ${name}`) : (store.tasks.byNumber(task)?.title ?? name);
    return {
      kind: 'budget',
      task,
      run: null,
      agent: scope === 'agent' ? name : null,
      title,
      status: 'budget_paused',
      since: null,
      what: sentence(words),
      next: sentence(remedy),
    };
  }

  /** Describes an open task of an agent for which nothing runs, is pending or is due. It would be overlooked otherwise. */
  function ofIdleTask(task: Task): NeedView[] {
    const agent = task.assignee?.kind === 'agent' ? store.agents.byId(task.assignee.agentId) : null;
    if (agent === null || agent.paused || budgets.mayStart(agent.id, task.number) !== null) return [];
    const last = store.runs.latestOfTask(task.number, agent.id);
    const next = `clip continue T${task.number}, or clip task cancel T${task.number}`;
    if (last === null || !isEnded(last.state)) return [ofTask(task, { what: 'Nothing works on it.', next })];
    const stopped = last.state.stopReason === 'cancelled';
    const why = last.state.decision === null ? '' : ` ${last.state.decision.reason}`;
    const what = stopped
      ? `Run ${last.number} of it was cancelled, and nothing works on it now.`
      : `Nothing works on it.${why}`;
    return [
      {
        ...ofTask(task, { what, next }),
        run: last.number,
        since: isoTime(last.state.endedAt),
        status: stopped ? 'stopped' : task.status,
      },
    ];
  }

  /** Describes a lost run that was to be retried and could not safely be. */
  function ofLost(run: Run): NeedView[] {
    const { number, spec, lineage, state } = run;
    if (!isEnded(state) || state.errorCode !== 'process_lost' || spec.onLoss !== 'retry' || lineage.taskId !== null)
      return [];
    if (state.acknowledged !== null || lineage.processLossRetryCount > 0 || store.runs.retryOf(run.id) !== null)
      return [];
    const next = `Make sure that nothing of it lives any more (clip show ${number}), then: clip retry ${number}`;
    return [ofRun(run, { status: 'lost', since: state.endedAt, what: sentence(state.error ?? 'it was lost'), next })];
  }

  /** Describes an agent's run without a task that did not do its work, or a live one that hangs. */
  function ofAttention(run: Run): NeedView[] {
    const { state } = run;
    if (isAlive(state)) return state.stall === null ? [] : [ofRun(run, formatStall(run, state.stall, deps.now()))];
    if (!isEnded(state) || store.runs.retryOf(run.id) !== null) return [];
    const { endedAt: since, status, stopReason, liveness } = state;
    if (stopReason === 'budget_paused') return [ofRun(run, { status: stopReason, since, ...formatLimit(run) })];
    return [ofRun(run, { status: liveness?.state ?? status, since, ...formatEnd(run, state) })];
  }

  /** Describes the limit that stopped a run, according to its history. */
  function formatLimit({ number }: Run): Words {
    const { words, remedy } = (store.events.lastOfType(number, 'budget-reached')?.data ?? {}) as Partial<ReachedLimit>;
    const more = remedy === undefined ? '' : `${sentence(remedy)}. Then: `;
    return {
      what: `It was stopped at a limit${words === undefined ? '' : `: ${words}`}.`,
      next: `${more}clip retry ${number}, or clip dismiss ${number}`,
    };
  }

  function ofRun(run: Run, words: Words & { readonly status: string; readonly since: number }): NeedView {
    const { number, spec, lineage } = run;
    const { status, since, what, next } = words;
    const title = spec.name === null ? `run ${number}` : `run ${number} (${spec.name})`;
    const agent = spec.agent?.name ?? null;
    return { kind: 'run', task: lineage.taskId, run: number, agent, title, status, since: isoTime(since), what, next };
  }

  /** Describes a run that cannot be seen from here, so clip does nothing by itself. */
  function ofUnseen(run: Run): NeedView[] {
    const { number, state } = run;
    if (!isAlive(state) || state.held || canBeSeen(state.leader)) return [];
    const next = `Look at it where it was started. If it lives no more: clip cancel ${number}`;
    return [ofRun(run, { status: 'detached', since: state.silentSince, what: unseenMessage, next })];
  }

  return (): NeedView[] => {
    const unseen = store.runs
      .page({ statuses: ['running', 'stopping'] }, { before: null, limit: limits.needsShown })
      .runs.flatMap(ofUnseen);
    const lost = store.runs
      .page(
        { statuses: ['failed'], since: deps.now() - limits.lostShownMs },
        { before: null, limit: limits.needsShown },
      )
      .runs.flatMap(ofLost);
    const listed = new Set([...unseen, ...lost].map(({ run }) => run));
    const overBudget = store.tasks.withBudget().flatMap(({ number }) => budgets.reachedFor(null, number) ?? []);
    return [
      ...[...budgets.usedUp(), ...overBudget].map(ofLimit),
      ...unseen,
      ...lost,
      ...store.tasks.needingPerson(limits.needsShown).map(ofWaitingTask),
      ...store.tasks.idle(limits.needsShown).flatMap(ofIdleTask),
      ...store.runs
        .needingPerson(limits.needsShown)
        .filter(({ number }) => !listed.has(number))
        .flatMap(ofAttention),
      ...store.tasks.ofPerson(limits.needsShown).map(ofPersonsTask),
    ];
  };

  function ofPersonsTask(task: Task): NeedView {
    const next = `Do it, then: clip task done T${task.number}; or give it away: clip task assign T${task.number} AGENT`;
    return ofTask(task, { what: 'It is assigned to you.', next });
  }
}

function wordsOfTask({ number, status, blockedReason, blockedNext }: Task, lastRun: number | null): Words {
  if (status === 'in_review') {
    const who = lastRun === null ? '' : ` (run ${lastRun})`;
    return {
      what: `The agent says that it is done${who}.`,
      next: `Look at it, then: clip task done T${number}, or clip continue T${number} "what is missing"`,
    };
  }
  return {
    what: blockedReason ?? 'It is blocked, without a reason.',
    next: blockedNext ?? `Settle it, then: clip continue T${number}`,
  };
}

function formatEnd({ number, spec }: Run, state: Ended): Words {
  const agent = spec.agent?.name ?? 'the agent';
  const goOn = `clip retry ${number}`;
  const remedy = remedyFor(state, agent, { goOn, task: null });
  if (remedy !== null) return { what: remedy.blockedReason, next: remedy.next };
  const next = `Look at it (clip show ${number}), then: ${goOn}, or clip dismiss ${number}`;
  const { liveness } = state;
  if (state.status !== 'succeeded')
    return { what: sentence(state.error ?? `it ${state.status.replace('_', ' ')}`), next };
  switch (liveness?.state) {
    case 'plan_only':
      return { what: `It only announced work${liveness.nextAction === null ? '.' : `: ${liveness.nextAction}`}`, next };
    case 'empty_response':
      return { what: 'It ended without an answer and without work.', next };
    default:
      return {
        what: `It ended with words and left no work.${liveness?.nextAction == null ? '' : ` Next: ${liveness.nextAction}`}`,
        next,
      };
  }
}

function formatStall(
  { number }: Run,
  { why, since, tool, lastError }: Stall,
  now: number,
): Words & { status: string; since: number } {
  const minutes = Math.floor((now - since) / 60_000);
  const hangs =
    why === 'tool'
      ? `It has been in a tool for ${minutes} min without a word: ${tool ?? 'unknown'}`
      : `It has said and done nothing for ${minutes} min.`;
  const what = lastError ? `${hangs} Its last error: ${lastError}` : hangs;
  return {
    status: 'stalled',
    since,
    what,
    next: `Look at it (clip logs ${number}), then: clip cancel ${number}, or clip dismiss ${number}`,
  };
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}
