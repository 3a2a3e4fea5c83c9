/** Maps history events to hook calls and desktop notifications. */
import type { NeedView } from '#protocol/needs.ts';
import { isoTime } from '#run/iso-time.ts';
import { isEnded, type Run } from '#run/run.ts';
import type { StoredEvent } from '#store/events.ts';
import type { Store } from '#store/store.ts';
import type { Supervisor } from '../core/supervisor.ts';

export const hookNames = ['needs_you', 'failed', 'exhausted', 'budget_reached', 'queue_empty'] as const;

/** `seq`: position up to which the history is handled once this event was delivered. */
export type HookEvent = {
  readonly seq: number;
  readonly at: number;
  readonly about: Readonly<Record<string, unknown>>;
};

/** Event types that end a run. Each run has exactly one of them. */
const ends = new Set(['exited', 'process-lost', 'spawn-failed']);
/**
 * Event types after which the queue may be empty. Besides the ends: a queued run was cancelled, or an ended run was
 * finalized.
 */
const settles = new Set([...ends, 'dependency-failed', 'stop-requested', 'step-done']);
const needing = new Set(['task-blocked', 'task-in-review', 'budget-reached', 'process-lost', 'stalled']);
const emptiedKey = 'hooks:emptied';

type HookName = (typeof hookNames)[number];
/** Returns the hook calls that follow from a page of the history. */
type Occasions = (page: readonly StoredEvent[]) => HookEvent[];

type Deps = {
  readonly store: Pick<Store, 'runs' | 'tasks' | 'readMeta' | 'writeMeta' | 'transaction'>;
  readonly supervisor: Pick<Supervisor, 'find' | 'awake'>;
  readonly needs: () => NeedView[];
  readonly redacted: (text: string) => string;
};

export class HookEvents {
  readonly #deps: Deps;
  /** What each hook is called for. */
  readonly ofHook: Readonly<Record<HookName, Occasions>> = {
    needs_you: (page) => this.#needsYou(page),
    failed: (page) => page.flatMap((event) => this.#failed(event)),
    exhausted: (page) => page.flatMap((event) => this.#exhausted(event)),
    budget_reached: (page) => page.flatMap((event) => this.#budgetReached(event)),
    queue_empty: (page) => this.#queueEmpty(page),
  };

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Returns at most one notification for needs and one for failures, each with one sentence. */
  forDesktop(page: readonly StoredEvent[]): HookEvent[] {
    const needs = this.#needsYou(page).flatMap(({ about }) => about['needs'] as NeedView[]);
    const needed = new Set(needs.map(({ run }) => run));
    const failures = page.flatMap((event) =>
      this.#endedBy(event)?.lineage.taskId === null && !needed.has(event.run) ? this.#failed(event) : [],
    );
    const [need] = needs;
    const [failure] = failures;
    const seq = page.at(-1)?.seq ?? 0;
    const said: HookEvent[] = [];
    const more = (all: readonly unknown[]) => (all.length > 1 ? ` (and ${all.length - 1} more: clip status)` : '');
    if (need)
      said.push({
        seq,
        at: page.at(-1)?.at ?? 0,
        about: { title: `clip: ${agentName(need)} needs you`, body: `${need.what}${more(needs)}` },
      });
    if (failure) {
      const { number, name, error, status } = failure.about['run'] as ReturnType<typeof formatRun>;
      said.push({
        seq,
        at: failure.at,
        about: {
          title: `clip: run ${name ?? number} ${status}`,
          body: `${error ?? 'It has failed.'}${more(failures)}`,
        },
      });
    }
    return said;
  }

  #endedBy({ run: number, type }: StoredEvent): Run | null {
    const run = number === null || !ends.has(type) ? null : this.#deps.supervisor.find(number);
    return run !== null && isEnded(run.state) ? run : null;
  }

  #failed(event: StoredEvent): HookEvent[] {
    const run = this.#endedBy(event);
    if (run === null || (run.state.status !== 'failed' && run.state.status !== 'timed_out')) return [];
    const about = { run: this.#formatRun(run), task: this.#formatTask(run.lineage.taskId) };
    return [{ seq: event.seq, at: event.at, about }];
  }

  #exhausted(event: StoredEvent): HookEvent[] {
    const { store, supervisor } = this.#deps;
    const { step, decision } = event.data as {
      step?: string;
      decision?: { action: string; reason: string; exhausted: boolean };
    };
    const task = event.taskId === null ? null : store.tasks.byNumber(event.taskId);
    const run = event.run === null ? null : supervisor.find(event.run);
    if (event.type !== 'step-done' || step !== 'wake' || decision?.action !== 'block' || task === null || run === null)
      return [];
    if (!decision.exhausted && task.budgetLeft > 0) return [];
    const about = { task: this.#formatTask(task.number), run: this.#formatRun(run), reason: decision.reason };
    return [{ seq: event.seq, at: event.at, about }];
  }

  #budgetReached({ seq, at, run: number, type, data, taskId }: StoredEvent): HookEvent[] {
    const run = number === null || type !== 'budget-reached' ? null : this.#deps.supervisor.find(number);
    if (run === null) return [];
    const { scope, name, words, remedy } = data;
    const budget = { scope, name, words, remedy };
    return [{ seq, at, about: { budget, run: this.#formatRun(run), task: this.#formatTask(taskId) } }];
  }

  /** Returns one event for all events of the page. Needs that were settled in the meantime are omitted. */
  #needsYou(page: readonly StoredEvent[]): HookEvent[] {
    const events = page.filter(
      (event) => (needing.has(event.type) || isVerdict(event)) && event.data['by'] !== 'person',
    );
    const [last] = events.slice(-1);
    if (last === undefined) return [];
    const tasks = new Set(events.map(({ taskId }) => taskId));
    const runs = new Set(events.map(({ run }) => run));
    const limits = events.some(({ type }) => type === 'budget-reached');
    const concerned = ({ kind, task, run }: NeedView) =>
      kind === 'task' ? tasks.has(task) : kind === 'run' ? runs.has(run) : limits;
    const needs = this.#deps.needs().filter(concerned);
    return needs.length === 0 ? [] : [{ seq: page.at(-1)?.seq ?? last.seq, at: last.at, about: { needs } }];
  }

  /**
   * Returns one event when the queue is empty: no run is alive, queued, or being finalized. Fires once for all runs so
   * far.
   */
  #queueEmpty(page: readonly StoredEvent[]): HookEvent[] {
    const { store, supervisor } = this.#deps;
    const last = page.findLast(({ run, type }) => run !== null && settles.has(type));
    if (last === undefined || supervisor.awake().length > 0) return [];
    if (store.runs.page({ statuses: ['queued'] }, { before: null, limit: 1 }).runs.length > 0) return [];
    const newest = store.runs.page({}, { before: null, limit: 1 }).runs[0]?.number ?? 0;
    if (newest <= Number(store.readMeta(emptiedKey) ?? 0)) return [];
    store.transaction((tx) => store.writeMeta(tx, emptiedKey, String(newest)));
    return [{ seq: page.at(-1)?.seq ?? last.seq, at: last.at, about: { lastRun: newest } }];
  }

  #formatTask(number: number | null): object | null {
    const task = number === null ? null : this.#deps.store.tasks.byNumber(number);
    return task === null
      ? null
      : { number: task.number, title: task.title, status: task.status, blockedReason: task.blockedReason };
  }

  #formatRun(run: Run): ReturnType<typeof formatRun> {
    return formatRun(run, this.#deps.redacted);
  }
}

function formatRun({ number, id, spec, state, lineage }: Run, redacted: (text: string) => string) {
  const ended = isEnded(state) ? state : null;
  const outcome = ended?.outcome ?? null;
  return {
    number,
    id,
    name: spec.name,
    status: state.status,
    stopReason: ended?.stopReason ?? null,
    errorCode: ended?.errorCode ?? null,
    error: ended === null || ended.error === null ? null : redacted(ended.error),
    exitCode: outcome?.kind === 'exited' ? outcome.code : null,
    signal: outcome?.kind === 'killed' ? outcome.signal : null,
    agentName: spec.agent?.name ?? null,
    taskId: lineage.taskId,
    group: spec.group,
    cwd: spec.cwd,
    endedAt: ended === null ? null : isoTime(ended.endedAt),
  };
}

/** Returns whether the event is the verdict on a run without a task, which shows whether a person should look at it. */
function isVerdict({ type, data, taskId }: StoredEvent): boolean {
  return type === 'step-done' && data['step'] === 'liveness' && taskId === null;
}

function agentName({ task, agent, title }: NeedView): string {
  return task === null ? (agent === null ? title : `agent ${agent}`) : `T${task} ${title}`;
}
