/** Resolves a reference to a run: a number, an id or its beginning, a name, `@last`, or `T7` for its newest run. */

import { didYouMean } from '#run/did-you-mean.ts';
import { ClipError } from '#run/errors.ts';
import type { Run } from '#run/run.ts';
import type { Store } from '#store/store.ts';
import type { Supervisor } from '../core/supervisor.ts';

export type Resolve = (ref: string) => Run;

/** Creates the resolver, which throws not_found or ambiguous. */
export function createResolve(deps: { store: Store; supervisor: Supervisor }): Resolve {
  const { runs } = deps.store;
  const fresh = (run: Run): Run => deps.supervisor.find(run.number) ?? run;

  return (ref) => {
    if (ref === '@last')
      return fresh(runs.last() ?? missing('There are no runs yet.', 'Start one: clip run -- COMMAND'));
    if (/^\d+$/.test(ref))
      return fresh(runs.byNumber(Number(ref)) ?? missing(numberSentence(ref), 'clip runs lists them.'));
    const named = runs.byName(ref);
    if (named) return fresh(named);
    if (/^t[1-9]\d{0,14}$/i.test(ref)) return fresh(newestOfTask(Number(ref.slice(1))));
    const found = /^[a-z0-9]+$/.test(ref) ? runs.byIdPrefix(ref, 2) : [];
    if (found.length > 1)
      throw new ClipError(
        'ambiguous',
        `More than one run has an id that begins with ${ref}.`,
        'Give more of the id, or the number.',
      );
    return fresh(
      found[0] ?? missing(`There is no run ${ref}.`, didYouMean(ref, runs.names(), 'clip runs lists them.')),
    );
  };

  function newestOfTask(task: number): Run {
    const [run] = runs.page({ task }, { before: null, limit: 1 }).runs;
    if (run !== undefined) return run;
    if (deps.store.tasks.byNumber(task) === null)
      return missing(`There is no task T${task}.`, 'clip task list shows them.');
    return missing(`T${task} has no run yet.`, `Start one: clip continue T${task}`);
  }

  function numberSentence(ref: string): string {
    return runs.isBuried({ number: Number(ref) }) ? `Run ${ref} was removed.` : `There is no run ${ref}.`;
  }
}

function missing(sentence: string, hint: string): never {
  throw new ClipError('not_found', sentence, hint);
}
