/** Prepares runs for admission. Everything that can be refused is refused here, before anything is stored. */
import type { RunRequest } from '#protocol/requests.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { isEnded, type Lineage, type Run } from '#run/run.ts';
import { runIdDigitCount } from '#run/run-id.ts';
import type { Store } from '#store/store.ts';
import { newId } from '../core/new-id.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { NewRun } from '../core/transaction.ts';
import { buildSpec, type ResolvedRequest, readPrompt } from './build-spec.ts';
import { nameTaken } from './conflicts.ts';
import { checkCommand, checkLaunch, checkPaths } from './preflight.ts';

/** A run that may be stored, and the contents of its folder. */
export type PreparedRun = {
  readonly run: NewRun;
  readonly environment: Readonly<Record<string, string>>;
  readonly prompt: Buffer | null;
  readonly request: Buffer | null;
};
export type RunPreparer = ReturnType<typeof createRunPreparer>;

export function createRunPreparer(deps: {
  store: Store;
  supervisor: Pick<Supervisor, 'findById'>;
  resolve: (ref: string) => Run;
  now: () => number;
}) {
  const { store, supervisor } = deps;

  /** Returns the run for a request. Throws if it cannot start, or if its name is taken. */
  function prepare({ request, launch }: ResolvedRequest, lineage: Lineage = buildLineage(request)): PreparedRun {
    checkPaths(request);
    const spec = buildSpec({ request, launch }, resolveAfter(request));
    checkCommand(spec.command, launch?.environment ?? request.env);
    checkLaunch(spec);
    refuseTakenName(spec.name);
    return {
      run: buildRun({ key: request.key, spec, lineage }),
      environment: launch?.environment ?? request.env,
      prompt: launch?.prompt ?? readPrompt(request),
      request: launch?.request ?? null,
    };
  }

  /** Returns a new run that may start at once and has no folder yet. */
  function buildRun({ key, spec, lineage }: Pick<NewRun, 'key' | 'spec' | 'lineage'>): NewRun {
    return { id: newId('r', runIdDigitCount), key, queuedAt: deps.now(), spec, lineage, notBefore: null, folder: null };
  }

  /** Throws if a run that has not ended holds the name. */
  function refuseTakenName(name: string | null): void {
    const holder = name === null ? null : store.runs.byName(name);
    if (holder && !isEnded(holder.state)) throw nameTaken(holder.spec.name ?? '', `run ${holder.number}`);
  }

  /** Returns the number of the run that must succeed first, or null. Throws if there is no such run. */
  function resolveAfter(request: RunRequest): number | null {
    return request.after === null ? null : deps.resolve(request.after).number;
  }

  /** Returns the lineage of a run that a person or a run starts. Throws if its parent may start nothing. */
  function buildLineage(request: Pick<RunRequest, 'parentRunId' | 'retryOfRunId' | 'task'>): Lineage {
    const parent = request.parentRunId === null ? null : supervisor.findById(request.parentRunId);
    if (parent !== null) refuseAsParent(parent);
    return {
      taskId: request.task,
      origin: null,
      parentRunId: parent?.id ?? null,
      depth: parent === null ? 0 : parent.lineage.depth + 1,
      retryOfRunId: request.retryOfRunId,
      retryReason: request.retryOfRunId === null ? null : 'manual',
      processLossRetryCount: 0,
      environment: 'submitter',
    };
  }

  return { prepare, buildRun, buildLineage, refuseTakenName, resolveAfter };
}

function refuseAsParent({ number, state, lineage }: Run): void {
  if (state.status === 'stopping')
    throw new ClipError(
      'refused',
      `Run ${number} is being stopped, and starts nothing more.`,
      'Start it from outside.',
    );
  if (lineage.depth >= limits.depthMax)
    throw new ClipError(
      'too_deep',
      `Run ${number} is itself ${lineage.depth} runs deep, and ${limits.depthMax} is the limit.`,
      'Start it from outside, or let the outer run do the work itself.',
    );
}
