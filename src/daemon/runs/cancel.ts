/** Cancels runs: by name, or all that a filter selects, with the runs inside them. */
import type { CancelAnswer } from '#protocol/answers.ts';
import type { CancelRequest } from '#protocol/requests.ts';
import { endedSentence } from '#run/describe-end.ts';
import { ClipError } from '#run/errors.ts';
import { isEnded, liveStatuses, type Run } from '#run/run.ts';
import type { Store } from '#store/store.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { SubmitResult, Tx } from '../core/transaction.ts';

export type CancelDeps = {
  readonly store: Pick<Store, 'runs'>;
  readonly supervisor: Pick<Supervisor, 'submitAll' | 'transaction'>;
  readonly wakes: { readonly drop: (tx: Tx, of: { task: number } | { agentId: string }, why: string) => void };
  readonly resolve: (ref: string) => Run;
  /** Both throw ClipError for a name that does not exist. */
  readonly taskNumber: (task: number) => number;
  readonly agentId: (name: string) => string;
  readonly now: () => number;
};

type Result = CancelAnswer['results'][number];
type Target = { readonly ref: string; readonly run: Run };

/** Orders per transaction, few enough for a short turn of the event loop. */
const chunkSize = 200;

/**
 * Orders the stops that a request asks for. Returns one result for each named run, in the order of the request, then one
 * for each selected run. A name that does not exist is a result and stops nothing else.
 */
export async function cancelRuns(deps: CancelDeps, request: CancelRequest): Promise<Result[]> {
  const named = request.runs.flatMap((ref) => findNamed(deps, ref, request.tree));
  dropWakes(deps, request);
  const results: Result[] = [];
  for (let from = 0; from < named.length; from += chunkSize) {
    results.push(...orderStops(deps, named.slice(from, from + chunkSize), request));
    await yieldToOthers();
  }
  for (const page of selectRuns(deps, request)) {
    const found = page.flatMap((run) => withTree(deps, run, request.tree));
    results.push(...orderStops(deps, found.map(toTarget), request));
    await yieldToOthers();
  }
  return results;
}

export function splitLabel(text: string): { key: string; value: string } {
  const at = text.indexOf('=');
  return { key: text.slice(0, at), value: text.slice(at + 1) };
}

function findNamed(deps: CancelDeps, ref: string, tree: boolean): (Target | Result)[] {
  try {
    return withTree(deps, deps.resolve(ref), tree).map((run) => ({ ref, run }));
  } catch (error) {
    if (!(error instanceof ClipError)) throw error;
    return [{ ref, number: null, result: 'not_found', message: error.message, hint: error.hint }];
  }
}

/** Drops pending wakes first. Otherwise they would start when the running ones end. */
function dropWakes(deps: CancelDeps, { task, agent }: CancelRequest): void {
  if (task === null && agent === null) return;
  deps.supervisor.transaction((tx) => {
    if (task !== null)
      deps.wakes.drop(tx, { task: deps.taskNumber(task) }, 'A person cancelled what runs of this task.');
    if (agent !== null)
      deps.wakes.drop(tx, { agentId: deps.agentId(agent) }, 'A person cancelled what this agent runs.');
  });
}

/** Yields the live runs that match the request, page by page. The newest come first, so the queue empties before slots become free. */
function* selectRuns(deps: CancelDeps, request: CancelRequest): Generator<readonly Run[]> {
  const { all, group, label, agent, task } = request;
  if (!all && group === null && label === null && agent === null && task === null) return;
  const filter = {
    statuses: liveStatuses,
    group: group ?? undefined,
    label: label === null ? undefined : splitLabel(label),
    agentId: agent === null ? undefined : deps.agentId(agent),
    task: task ?? undefined,
  };
  for (let before: number | null = null; ; ) {
    const page = deps.store.runs.page(filter, { before, limit: chunkSize });
    yield page.runs;
    if (page.next === null) return;
    before = page.next;
  }
}

/** Returns the run and, with `tree`, its live descendants, even below ended runs. The outer run comes first, because it must not start more. */
function withTree(deps: CancelDeps, run: Run, tree: boolean): Run[] {
  if (!tree) return [run];
  const all = [run];
  for (let next = 0; next < all.length; next += 1) all.push(...deps.store.runs.children(all[next]?.id ?? ''));
  const living = all.filter(({ state }) => !isEnded(state));
  // If none is alive, the answer concerns the named run.
  return living.length > 0 ? living : [run];
}

function toTarget(run: Run): Target {
  return { ref: String(run.number), run };
}

/** Submits the stops in one transaction. Returns the results in the order of the targets. */
function orderStops(deps: CancelDeps, targets: readonly (Target | Result)[], request: CancelRequest): Result[] {
  const event = { type: 'stop-requested', order: 'cancelled', graceMs: request.graceMs, now: request.now } as const;
  const runs = targets.flatMap((each) => ('run' in each ? [each.run] : []));
  const answers = deps.supervisor.submitAll(runs.map(({ number }) => ({ number, event })));
  return targets.map((each) =>
    'run' in each ? toResult(each, answers[runs.indexOf(each.run)] ?? null, deps.now()) : each,
  );
}

function toResult({ ref, run }: Target, answer: SubmitResult | null, now: number): Result {
  const result = (kind: Result['result'], message: string): Result => ({
    ref,
    number: run.number,
    result: kind,
    message,
    hint: null,
  });
  if (!answer) return result('not_found', `There is no run ${run.number}.`);
  if (answer.step.kind === 'moved') {
    if (isEnded(answer.run.state)) return result('cancelled', `Run ${run.number} was cancelled before it started.`);
    return result('ordered', `Run ${run.number} is being stopped.`);
  }
  if (answer.step.kind === 'refused' && answer.step.why === 'already_stopping')
    return result('already_stopping', `Run ${run.number} is being stopped already.`);
  return result('already_ended', endedSentence(answer.run, now));
}

/** Lets other requests run between the chunks of a long queue. */
function yieldToOthers(): Promise<void> {
  return new Promise((resume) => setImmediate(resume));
}
