/** Turns requests into runs. Everything that can be refused is refused before anything is stored. */
import { join } from 'node:path';
import { type SubmitterTraits, submitterIn } from '#launch/submitter.ts';
import { hasRemoteMounts } from '#process/mounts.ts';
import { reachRemote } from '#process/reach-folder.ts';
import { removeRunFolder } from '#process/real-folder.ts';
import { writeRunFolders } from '#process/run-folder-writer.ts';
import type { RetryRequest, RunRequest } from '#protocol/requests.ts';
import { ClipError } from '#run/errors.ts';
import type { Run } from '#run/run.ts';
import { buildRunEnvironment } from '#run/run-environment.ts';
import type { Store } from '#store/store.ts';
import type { Task } from '#task/task.ts';
import type { Agents } from '../agents/agent-registry.ts';
import { buildProfile } from '../agents/invocation.ts';
import type { DiskGuard } from '../core/disk-guard.ts';
import type { Supervisor } from '../core/supervisor.ts';
import { Batch } from './batch.ts';
import {
  buildSpec,
  chooseSettings,
  explicitEnvironment,
  type ResolvedRequest,
  resolveRequest,
  sameSpec,
} from './build-spec.ts';
import { keyConflict } from './conflicts.ts';
import { checkCommand, checkPaths } from './preflight.ts';
import type { PreparedRun, RunPreparer } from './prepare-run.ts';
import { createAgain, specAgain } from './retry.ts';

/** `existing`: the key was used before. This is the earlier run, and none was started. */
export type Admitted = { readonly run: Run; readonly existing: boolean };

export type SubmitterNotes = {
  /** Notes the traits of a run's submitter before the run can start. */
  readonly noteSubmitter: (id: string, submitter: SubmitterTraits | null) => void;
};

type Deps = {
  readonly supervisor: Pick<Supervisor, 'admit'>;
  readonly store: Store;
  readonly agents: Agents;
  readonly taskOf: (number: number) => Task;
  readonly preparer: RunPreparer;
  readonly runsFolder: string;
  readonly diskGuard: Pick<DiskGuard, 'refuseIfFull' | 'note'>;
  readonly keepers: SubmitterNotes;
};

export class Admission {
  readonly #deps: Deps;
  readonly #again: ReturnType<typeof createAgain>;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#again = createAgain(deps);
  }

  /** Looks at the folders and files in these requests that are on remote mounts, so that admission itself does not wait for them. */
  async lookAhead(requests: readonly Partial<RunRequest>[]): Promise<void> {
    if (!hasRemoteMounts()) return;
    const { agents, tasks } = this.#deps.store;
    const paths = requests.flatMap(({ cwd, stdin, agent, task }) => {
      const settings = agent == null ? null : agents.byName(agent)?.settings;
      const found = task == null ? null : tasks.byNumber(task);
      const ofAgent = [settings?.cwd, settings?.promptTemplate, settings?.envFile];
      return [cwd, stdin?.kind === 'file' ? stdin.path : null, found?.cwd, found?.madeIn, ...ofAgent];
    });
    await reachRemote(paths.filter((path) => path != null));
  }

  /** Admits several requests in one transaction. Each result is a run, or the error for this request. */
  admit(requests: readonly RunRequest[]): (Admitted | ClipError)[] {
    this.#deps.diskGuard.refuseIfFull();
    const batch = new Batch();
    const places = requests.map((request) => {
      try {
        const resolved = resolveRequest(request, this.#deps);
        const existing = this.#findByKey(resolved);
        if (existing) return { run: existing, existing: true };
        return batch.place(resolved, () => this.#deps.preparer.prepare(resolved));
      } catch (error) {
        if (error instanceof ClipError) return error;
        throw error;
      }
    });
    const runs = this.#store(batch.prepared);
    return places.map((place) =>
      'index' in place ? { run: runs[place.index] as Run, existing: place.existing } : place,
    );
  }

  /** Retries a run: admits a new run of the same spec, with the current settings of its agent. Throws if its input is not kept any more. */
  retry(ended: Run, request: RetryRequest): Admitted {
    this.#deps.diskGuard.refuseIfFull();
    const existing = request.key === null ? null : this.#findRetryByKey(ended, request.key);
    if (existing !== null) return { run: existing, existing: true };
    const [admitted] = this.#store([this.#prepareRetry(ended, request)]);
    if (!admitted) throw new Error('no run was admitted');
    return { run: admitted, existing: false };
  }

  #prepareRetry(ended: Run, { fresh, key, prompt: words, ...body }: RetryRequest): PreparedRun {
    const { agents, preparer } = this.#deps;
    const { spec, lineage: before } = ended;
    const lineage = preparer.buildLineage({
      parentRunId: body.parentRunId,
      retryOfRunId: ended.id,
      task: before.taskId,
    });
    const agent = spec.agent === null ? null : chooseSettings(agents.again(spec.agent), spec.chosen ?? null);
    if (agent === null && words !== null)
      throw new ClipError(
        'usage',
        `Run ${ended.number} is a command, and words are for an agent.`,
        `Repeat it as it is: clip retry ${ended.number}`,
      );
    const environment = buildRunEnvironment({
      base: body.env,
      agent: agent === null ? null : agents.environmentOf(agent),
      given: explicitEnvironment(body),
      cwd: spec.cwd,
    });
    const again =
      agent === null ? null : this.#again.launchAgain(ended, buildProfile(agent), { fresh, environment, words });
    const prompt = again?.prompt ?? this.#again.inputAgain(ended);
    const envNames = [...new Set([...spec.envNames, ...body.envNames])];
    const next = { ...(again === null ? spec : specAgain(spec, again)), after: null, envNames };
    checkPaths({ cwd: next.cwd, stdin: next.stdin.kind === 'file' ? next.stdin : null });
    checkCommand(next.command, environment);
    preparer.refuseTakenName(next.name);
    const run = preparer.buildRun({ key, spec: next, lineage });
    return { run, environment: again?.environment ?? environment, prompt, request: again?.request ?? null };
  }

  /** Writes the folders before the rows, so a run in the database always has its folder and environment. */
  #store(prepared: readonly PreparedRun[]): Run[] {
    if (prepared.length === 0) return [];
    const { runsFolder, supervisor, keepers, diskGuard } = this.#deps;
    const folders = prepared.map(({ run, ...files }) => ({ folder: join(runsFolder, run.id), ...files }));
    try {
      const made = writeRunFolders(runsFolder, folders);
      for (const { run, environment } of prepared) keepers.noteSubmitter(run.id, submitterIn(environment));
      return supervisor.admit(prepared.map(({ run }, index) => ({ ...run, folder: made[index] ?? null })));
    } catch (error) {
      for (const { folder } of folders) removeRunFolder(folder);
      diskGuard.note(error);
      throw error;
    }
  }

  /** Returns the run for which this key was used before, or null. Throws if the key was used for another command. */
  #findByKey(resolved: ResolvedRequest): Run | null {
    const { request } = resolved;
    if (request.key === null) return null;
    const run = this.#findKeyHolder(request.key);
    if (run === null) return null;
    // The required run may have been removed since. If the request has its number, it is still the same request.
    const { after: required } = run.spec;
    const after = request.after === String(required) ? required : this.#deps.preparer.resolveAfter(request);
    if (sameSpec(run.spec, buildSpec(resolved, after))) return run;
    throw keyConflict(request.key, `run ${run.number}, which is another command`);
  }

  /** Returns the retry for which this key was used before, or null. Throws if the key was used for another run. */
  #findRetryByKey(ended: Run, key: string): Run | null {
    const run = this.#findKeyHolder(key);
    if (run === null || run.lineage.retryOfRunId === ended.id) return run;
    throw keyConflict(key, `run ${run.number}, which is no retry of run ${ended.number}`);
  }

  #findKeyHolder(key: string): Run | null {
    const { runs } = this.#deps.store;
    if (runs.isBuried({ key })) throw keyConflict(key, 'a run that was removed');
    return runs.byKey(key);
  }
}
