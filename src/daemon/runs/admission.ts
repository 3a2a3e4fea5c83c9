/** Turns requests into runs. Everything that can be refused is refused here, before anything is stored. */
import { join } from 'node:path';
import { type SubmitterTraits, submitterIn } from '#launch/submitter.ts';
import { hasRemoteMounts } from '#process/mounts.ts';
import { reachRemote } from '#process/reach-folder.ts';
import { removeRunFolder } from '#process/real-folder.ts';
import { makeRunFolder, takeOver, writeInput, writeRunFolders } from '#process/run-folder-writer.ts';
import { type RetryRequest, type RunRequest, runRequest } from '#protocol/requests.ts';
import type { Agent } from '#run/agent.ts';
import { ClipError } from '#run/errors.ts';
import { limits } from '#run/limits.ts';
import { isEnded, type Lineage, type Origin, type RetryReason, type Run } from '#run/run.ts';
import { buildRunEnvironment } from '#run/run-environment.ts';
import { runIdDigitCount } from '#run/run-id.ts';
import type { Store } from '#store/store.ts';
import type { Task } from '#task/task.ts';
import { buildProfile } from '../agents/invocation.ts';
import type { EnvironmentOwner, StartEnvironment } from '../agents/kept-environments.ts';
import type { Agents } from '../agents/registry.ts';
import type { DiskGuard } from '../core/disk-guard.ts';
import { newId } from '../core/new-id.ts';
import type { NewRun, Supervisor } from '../core/supervisor.ts';
import {
  buildSpec,
  explicitEnvironment,
  type ResolvedRequest,
  readPrompt,
  resolveRequest,
  sameSpec,
} from './build-spec.ts';
import { checkCommand, checkLaunch, checkPaths } from './preflight.ts';
import { createAgain, specAgain } from './retry.ts';

/** `existing`: the key was used before. This is the earlier run, and none was started. */
export type Admitted = { readonly run: Run; readonly existing: boolean };
export type Admission = ReturnType<typeof createAdmission>;

export type WakeRun = {
  readonly agent: Agent;
  readonly task: Task | null;
  /** The prompt of a run without a task. */
  readonly prompt: string | null;
  readonly fresh: boolean;
  readonly notBefore: number | null;
  readonly retryOf: { readonly id: string; readonly reason: RetryReason } | null;
  readonly origin: Origin;
};

type PreparedRun = {
  readonly run: NewRun;
  readonly environment: Readonly<Record<string, string>>;
  readonly prompt: Buffer | null;
  readonly request: Buffer | null;
};

export function createAdmission(deps: {
  supervisor: Supervisor;
  store: Store;
  agents: Agents;
  taskOf: (number: number) => Task;
  /** Returns the environment for automatic runs of this owner. */
  startEnvironment: (owner: EnvironmentOwner) => StartEnvironment;
  now: () => number;
  runsFolder: string;
  resolve: (ref: string) => Run;
  diskGuard: Pick<DiskGuard, 'refuseIfFull' | 'note'>;
  /** Passes on the traits of the submitter before the run can start. */
  submitted: (id: string, submitter: SubmitterTraits | null) => void;
}) {
  const { supervisor, store } = deps;
  const { launchAgain, inputAgain, sessionToGoOnWith } = createAgain(deps);

  /** Looks at the folders and files in these requests that are on remote mounts, so that admission itself does not wait for them. */
  async function lookAhead(requests: readonly Partial<RunRequest>[]): Promise<void> {
    if (!hasRemoteMounts()) return;
    const paths = requests.flatMap(({ cwd, stdin, agent, task }) => {
      const settings = agent == null ? null : store.agents.byName(agent)?.settings;
      const found = task == null ? null : store.tasks.byNumber(task);
      const ofAgent = [settings?.cwd, settings?.promptTemplate, settings?.envFile];
      return [cwd, stdin?.kind === 'file' ? stdin.path : null, found?.cwd, found?.madeIn, ...ofAgent];
    });
    await reachRemote(paths.filter((path) => path != null));
  }

  /** Admits several requests in one transaction. Each result is a run, or the error for this request. */
  function admit(requests: readonly RunRequest[]): (Admitted | ClipError)[] {
    deps.diskGuard.refuseIfFull();
    const batch = new Batch();
    const places = requests.map((request) => {
      try {
        const order = resolveRequest(request, deps);
        const existing = findByKey(order);
        return existing ? { run: existing, existing: true } : batch.place(order, () => prepare(order));
      } catch (error) {
        if (error instanceof ClipError) return error;
        throw error;
      }
    });
    const runs = write(batch.prepared);
    return places.map((place) =>
      'index' in place ? { run: runs[place.index] as Run, existing: place.existing } : place,
    );
  }

  /** Writes the folders before the rows, so a run in the database always has its folder and environment. */
  function write(prepared: readonly PreparedRun[]): Run[] {
    if (prepared.length === 0) return [];
    const folders = prepared.map(({ run, ...files }) => ({ folder: join(deps.runsFolder, run.id), ...files }));
    for (const { folder } of folders) removeIfUndone(folder);
    try {
      const made = writeRunFolders(deps.runsFolder, folders);
      for (const { run, environment } of prepared) deps.submitted(run.id, submitterIn(environment));
      return supervisor.admit(prepared.map(({ run }, index) => ({ ...run, folder: made[index] ?? null })));
    } catch (error) {
      for (const { folder } of folders) removeRunFolder(folder);
      deps.diskGuard.note(error);
      throw error;
    }
  }

  /** Removes the folder if the open change fails. It belongs to no run then, and holds an environment. */
  function removeIfUndone(folder: string): void {
    supervisor.ifUndone(() => removeRunFolder(folder));
  }

  function prepare({ request, launch }: ResolvedRequest, lineage: Lineage = buildLineage(request)): PreparedRun {
    checkPaths(request);
    const spec = buildSpec({ request, launch }, resolveAfter(request));
    checkCommand(spec.command, launch?.environment ?? request.env);
    checkLaunch(spec);
    refuseTakenName(spec.name);
    const run = {
      id: newId('r', runIdDigitCount),
      key: request.key,
      queuedAt: deps.now(),
      spec,
      lineage,
      notBefore: null,
      folder: null,
    };
    return {
      run,
      environment: launch?.environment ?? request.env,
      prompt: launch?.prompt ?? readPrompt(request),
      request: launch?.request ?? null,
    };
  }

  function refuseTakenName(name: string | null): void {
    const holder = name === null ? null : store.runs.byName(name);
    if (holder && !isEnded(holder.state)) throw nameTaken(holder.spec.name ?? '', `run ${holder.number}`);
  }

  function resolveAfter(request: RunRequest): number | null {
    return request.after === null ? null : deps.resolve(request.after).number;
  }

  function buildLineage(request: Pick<RunRequest, 'parentRunId' | 'retryOfRunId' | 'task'>): Lineage {
    const parent = request.parentRunId === null ? null : supervisor.findById(request.parentRunId);
    if (parent?.state.status === 'stopping') {
      throw new ClipError(
        'refused',
        `Run ${parent.number} is being stopped, and starts nothing more.`,
        'Start it from outside.',
      );
    }
    if (parent !== null && parent.lineage.depth >= limits.depthMax) {
      throw new ClipError(
        'too_deep',
        `Run ${parent.number} is itself ${parent.lineage.depth} runs deep, and ${limits.depthMax} is the limit.`,
        'Start it from outside, or let the outer run do the work itself.',
      );
    }
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

  function findByKey(order: ResolvedRequest): Run | null {
    const { request } = order;
    if (request.key === null) return null;
    if (store.runs.isBuried({ key: request.key })) throw keyConflict(request.key, 'a run that was removed');
    const run = store.runs.byKey(request.key);
    if (run === null) return null;
    // The required run may have been removed since. If the request has its number, it is still the same request.
    const after = request.after === String(run.spec.after) ? run.spec.after : resolveAfter(request);
    if (sameSpec(run.spec, buildSpec(order, after))) return run;
    throw keyConflict(request.key, `run ${run.number}, which is another command`);
  }

  /**
   * Returns the run that repeats a lost one, or replaces one whose session was unknown. It takes over the
   * environment. An agent resumes its session if it can.
   */
  function buildRetry(ended: Run, reason: 'process_lost' | 'unknown_session'): NewRun {
    const id = newId('r', runIdDigitCount);
    const from = join(deps.runsFolder, ended.id);
    const folder = join(deps.runsFolder, id);
    const { agent } = ended.spec;
    const again =
      agent === null ? null : launchAgain(ended, agent, { fresh: reason === 'unknown_session', environment: {} });
    removeIfUndone(folder);
    const made = makeRunFolder(folder);
    takeOver(from, folder, again === null);
    if (again) writeInput(folder, again.prompt, again.request);
    const lineage: Lineage = {
      ...ended.lineage,
      retryOfRunId: ended.id,
      retryReason: reason,
      processLossRetryCount: ended.lineage.processLossRetryCount + (reason === 'process_lost' ? 1 : 0),
    };
    const spec = again === null ? ended.spec : specAgain(ended.spec, again);
    return { id, key: null, queuedAt: deps.now(), spec, lineage, notBefore: null, folder: made };
  }

  /**
   * Returns the run for a wake: with the current settings of its agent, in its task's folder, in the environment kept
   * for the task or timer. It resumes the session of the agent's last run of the task, unless `fresh`. Its folder is
   * written, but the run is not stored. Throws if the run cannot start.
   */
  function runOfWake({ agent, task, prompt, fresh, notBefore, retryOf: before, origin }: WakeRun): NewRun {
    const owner = task === null ? { timerOf: agent.id } : { task: task.number };
    const { environment, source } = deps.startEnvironment(owner);
    const lineage: Lineage = {
      taskId: task?.number ?? null,
      origin,
      parentRunId: null,
      depth: 0,
      retryOfRunId: before?.id ?? null,
      retryReason: before?.reason ?? null,
      processLossRetryCount: 0,
      environment: source,
    };
    const request = runRequest.parse({
      agent: agent.name,
      task: task?.number ?? null,
      prompt,
      // HOME may be a relative path, which would be refused like a requested work folder.
      cwd: environment['HOME']?.startsWith('/') ? environment['HOME'] : '/',
      cwdIsDefault: true,
      env: environment,
    });
    const last = task === null || fresh ? null : store.runs.latestOfTask(task.number, agent.id);
    const { run, ...files } = prepare(
      resolveRequest(request, deps, last === null ? null : sessionToGoOnWith(last, buildProfile(agent))),
      lineage,
    );
    const folder = join(deps.runsFolder, run.id);
    removeIfUndone(folder);
    const [made = null] = writeRunFolders(deps.runsFolder, [{ folder, ...files }]);
    return { ...run, notBefore, folder: made };
  }

  /** Retries a run: admits a new run of the same spec, with the current settings of its agent. Throws if its input is not kept any more. */
  function retry(ended: Run, { fresh, key, ...body }: RetryRequest): Admitted {
    deps.diskGuard.refuseIfFull();
    const { spec } = ended;
    const existing = key === null ? null : retryByKey(ended, key);
    if (existing !== null) return { run: existing, existing: true };
    const envNames = [...new Set([...spec.envNames, ...body.envNames])];
    const lineage = buildLineage({ parentRunId: body.parentRunId, retryOfRunId: ended.id, task: ended.lineage.taskId });
    const agent = spec.agent === null ? null : deps.agents.again(spec.agent);
    const own = agent === null ? null : deps.agents.environmentOf(agent);
    const environment = buildRunEnvironment({
      base: body.env,
      agent: own,
      given: explicitEnvironment(body),
      cwd: spec.cwd,
    });
    const again = agent === null ? null : launchAgain(ended, buildProfile(agent), { fresh, environment });
    const prompt = again?.prompt ?? inputAgain(ended);
    const next = { ...(again === null ? spec : specAgain(spec, again)), after: null, envNames };
    checkPaths({ cwd: next.cwd, stdin: next.stdin.kind === 'file' ? next.stdin : null });
    checkCommand(next.command, environment);
    refuseTakenName(next.name);
    const run = {
      id: newId('r', runIdDigitCount),
      key,
      queuedAt: deps.now(),
      spec: next,
      lineage,
      notBefore: null,
      folder: null,
    };
    const [admitted] = write([
      { run, environment: again?.environment ?? environment, prompt, request: again?.request ?? null },
    ]);
    if (!admitted) throw new Error('no run was admitted');
    return { run: admitted, existing: false };
  }

  /** Returns the retry for which this key was used before, or null. Throws if the key was used for another run. */
  function retryByKey(ended: Run, key: string): Run | null {
    if (store.runs.isBuried({ key })) throw keyConflict(key, 'a run that was removed');
    const run = store.runs.byKey(key);
    if (run === null || run.lineage.retryOfRunId === ended.id) return run;
    throw keyConflict(key, `run ${run.number}, which is no retry of run ${ended.number}`);
  }

  return { lookAhead, admit, retry, retryOf: buildRetry, runOfWake };
}

/** The runs of one batch that are not stored yet. They must not collide with each other either. */
class Batch {
  readonly prepared: PreparedRun[] = [];
  readonly #keys = new Map<string, number>();
  readonly #names = new Set<string>();

  place(order: ResolvedRequest, prepare: () => PreparedRun): { index: number; existing: boolean } {
    const { request } = order;
    const twin = request.key === null ? undefined : this.#keys.get(request.key);
    const first = twin === undefined ? undefined : this.prepared[twin];
    if (twin !== undefined && first !== undefined) {
      if (sameSpec(first.run.spec, buildSpec(order, first.run.spec.after))) return { index: twin, existing: true };
      throw keyConflict(request.key ?? '', 'another line of this batch');
    }
    if (request.name !== null && this.#names.has(request.name))
      throw nameTaken(request.name, 'another line of this batch');
    const index = this.prepared.push(prepare()) - 1;
    if (request.key !== null) this.#keys.set(request.key, index);
    if (request.name !== null) this.#names.add(request.name);
    return { index, existing: false };
  }
}

function nameTaken(name: string, by: string): ClipError {
  return new ClipError(
    'name_taken',
    `The name ${name} is taken by ${by}.`,
    'Choose another name, or wait until that run has ended.',
  );
}

function keyConflict(key: string, by: string): ClipError {
  return new ClipError('key_conflict', `The key ${key} was used by ${by}.`, 'Use a new key for a new command.');
}
