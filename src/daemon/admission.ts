/** From a request to a run: everything that can be refused is refused here, before anything is stored. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { takeOver, writeInput, writeRunFolders } from '../process/new-folder.ts';
import { type RetryRequest, type RunRequest, runRequest } from '../protocol/requests.ts';
import type { Agent } from '../run/agent.ts';
import { ClipError } from '../run/errors.ts';
import { limits } from '../run/limits.ts';
import { isEnded, type Lineage, type Origin, type RetryReason, type Run } from '../run/run.ts';
import type { Store } from '../store/store.ts';
import type { Task } from '../task/task.ts';
import { createAgain, specAgain } from './again.ts';
import { profileOf } from './agent-launch.ts';
import type { Agents } from './agents.ts';
import { type Order, orderOf, ownOf, promptOf, sameSpec, specOf } from './order.ts';
import type { Room } from './room.ts';
import { checkCommand, checkLaunch, checkPaths } from './run-checks.ts';
import type { NewRun, Supervisor } from './supervisor.ts';

/** `existing`: the key was used before; this is the first run, and nothing was started. */
export type Admitted = { readonly run: Run; readonly existing: boolean };
export type Admission = ReturnType<typeof createAdmission>;

export type WakeRun = {
  readonly agent: Agent;
  readonly task: Task | null;
  /** What it is asked, for a run without a task. */
  readonly prompt: string | null;
  readonly fresh: boolean;
  readonly notBefore: number | null;
  readonly retryOf: { readonly id: string; readonly reason: RetryReason } | null;
  readonly origin: Origin;
};

type Prepared = {
  readonly run: NewRun;
  readonly environment: Readonly<Record<string, string>>;
  readonly prompt: Buffer | null;
  readonly request: Buffer | null;
};

export function createAdmission(world: {
  supervisor: Supervisor;
  store: Store;
  agents: Agents;
  taskOf: (number: number) => Task;
  /** What runs get that nobody's shell has started. */
  environment: Readonly<Record<string, string>>;
  now: () => number;
  runsFolder: string;
  resolve: (ref: string) => Run;
  room: Pick<Room, 'refuseIfFull' | 'note'>;
}) {
  const { supervisor, store } = world;
  const { launchAgain, inputAgain, sessionToGoOnWith } = createAgain(world);

  /** Admits many in one transaction; each answer is a run, or the error that refused this one. */
  function admit(requests: readonly RunRequest[]): (Admitted | ClipError)[] {
    world.room.refuseIfFull();
    const batch = new Batch();
    const places = requests.map((request) => {
      try {
        const order = orderOf(request, world);
        const existing = findByKey(order);
        return existing ? { run: existing, existing: true } : batch.place(order, () => prepare(order));
      } catch (error) {
        if (error instanceof ClipError) return error;
        throw error;
      }
    });
    const runs = write(batch.prepared);
    return places.map((place) => ('index' in place ? { run: runs[place.index] as Run, existing: place.existing } : place));
  }

  /** Folders first, then the rows: a run that is in the database has its folder and its environment. */
  function write(prepared: readonly Prepared[]): Run[] {
    if (prepared.length === 0) return [];
    const folders = prepared.map(({ run, ...files }) => ({ folder: join(world.runsFolder, run.id), ...files }));
    for (const { folder } of folders) removeIfUndone(folder);
    try {
      writeRunFolders(world.runsFolder, folders);
      return supervisor.admit(prepared.map(({ run }) => run));
    } catch (error) {
      for (const { folder } of folders) rmSync(folder, { recursive: true, force: true });
      world.room.note(error);
      throw error;
    }
  }

  /** Without its row, a folder is nobody's; and there is an environment in it. */
  function removeIfUndone(folder: string): void {
    supervisor.ifUndone(() => rmSync(folder, { recursive: true, force: true }));
  }

  function prepare({ request, launch }: Order, lineage: Lineage = lineageOf(request)): Prepared {
    checkPaths(request);
    const spec = specOf({ request, launch }, afterOf(request));
    checkCommand(spec.command, launch?.environment ?? request.env);
    checkLaunch(spec);
    refuseTakenName(spec.name);
    const run = { id: newId(), key: request.key, queuedAt: world.now(), spec, lineage, notBefore: null };
    return { run, environment: launch?.environment ?? request.env, prompt: launch?.prompt ?? promptOf(request), request: launch?.request ?? null };
  }

  function refuseTakenName(name: string | null): void {
    const holder = name === null ? null : store.runs.byName(name);
    if (holder && !isEnded(holder.state)) throw nameTaken(holder.spec.name ?? '', `run ${holder.number}`);
  }

  function afterOf(request: RunRequest): number | null {
    return request.after === null ? null : world.resolve(request.after).number;
  }

  function lineageOf(request: Pick<RunRequest, 'parentRunId' | 'retryOfRunId' | 'task'>): Lineage {
    const parent = request.parentRunId === null ? null : supervisor.findById(request.parentRunId);
    if (parent?.state.status === 'stopping') {
      throw new ClipError('refused', `Run ${parent.number} is being stopped, and starts nothing more.`, 'Start it from outside.');
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
    };
  }

  function findByKey(order: Order): Run | null {
    const { request } = order;
    if (request.key === null) return null;
    if (store.runs.isBuried({ key: request.key })) throw keyConflict(request.key, 'a run that was removed');
    const run = store.runs.byKey(request.key);
    if (run === null) return null;
    // The required run may have been removed since: its number in the request is still the same request.
    const after = request.after === String(run.spec.after) ? run.spec.after : afterOf(request);
    if (sameSpec(run.spec, specOf(order, after))) return run;
    throw keyConflict(request.key, `run ${run.number}, which is another command`);
  }

  /**
   * The run that repeats a lost one, or begins anew for one whose session was not known: the same
   * environment, taken over while it is still there; an agent goes on with its session if it can.
   */
  function retryOf(ended: Run, reason: 'process_lost' | 'unknown_session'): NewRun {
    const id = newId();
    const from = join(world.runsFolder, ended.id);
    const folder = join(world.runsFolder, id);
    const { agent } = ended.spec;
    const again = agent === null ? null : launchAgain(ended, agent, { fresh: reason === 'unknown_session', environment: {} });
    removeIfUndone(folder);
    mkdirSync(folder, { mode: 0o700 });
    takeOver(from, folder, again === null);
    if (again) writeInput(folder, again.prompt, again.request);
    const lineage: Lineage = {
      ...ended.lineage,
      retryOfRunId: ended.id,
      retryReason: reason,
      processLossRetryCount: ended.lineage.processLossRetryCount + (reason === 'process_lost' ? 1 : 0),
    };
    return { id, key: null, queuedAt: world.now(), spec: again === null ? ended.spec : specAgain(ended.spec, again), lineage, notBefore: null };
  }

  /**
   * The run that a wake asks for: by its agent as that is set now, in its task's folder, in the daemon's environment; with
   * the session of the agent's last run of the task, unless it is to begin anew. Its folder is written, the run is not
   * stored. Throws when the run could not start as things are.
   */
  function runOfWake({ agent, task, prompt, fresh, notBefore, retryOf: before, origin }: WakeRun): NewRun {
    const lineage: Lineage = {
      taskId: task?.number ?? null,
      origin,
      parentRunId: null,
      depth: 0,
      retryOfRunId: before?.id ?? null,
      retryReason: before?.reason ?? null,
      processLossRetryCount: 0,
    };
    const request = runRequest.parse({
      agent: agent.name,
      task: task?.number ?? null,
      prompt,
      // A home that is no absolute path would be refused as if somebody had asked for it.
      cwd: world.environment['HOME']?.startsWith('/') ? world.environment['HOME'] : '/',
      cwdIsDefault: true,
      env: world.environment,
    });
    const last = task === null || fresh ? null : store.runs.latestOfTask(task.number, agent.id);
    const { run, ...files } = prepare(orderOf(request, world, last === null ? null : sessionToGoOnWith(last, profileOf(agent))), lineage);
    const folder = join(world.runsFolder, run.id);
    removeIfUndone(folder);
    writeRunFolders(world.runsFolder, [{ folder, ...files }]);
    return { ...run, notBefore };
  }

  /**
   * A run that a person wants again: a new one of the same spec, by its agent as that is set now. Throws when
   * what it needs is not kept any more.
   */
  function retry(ended: Run, { fresh, ...body }: RetryRequest): Run {
    world.room.refuseIfFull();
    const { spec } = ended;
    const envNames = [...new Set([...spec.envNames, ...body.envNames])];
    const lineage = lineageOf({ parentRunId: body.parentRunId, retryOfRunId: ended.id, task: ended.lineage.taskId });
    const agent = spec.agent === null ? null : world.agents.again(spec.agent);
    const environment = { ...body.env, ...(agent === null ? {} : world.agents.environmentOf(agent)), ...ownOf(body) };
    const again = agent === null ? null : launchAgain(ended, profileOf(agent), { fresh, environment });
    const prompt = again?.prompt ?? inputAgain(ended);
    const next = { ...(again === null ? spec : specAgain(spec, again)), after: null, envNames };
    checkPaths({ cwd: next.cwd, stdin: next.stdin.kind === 'file' ? next.stdin : null });
    checkCommand(next.command, environment);
    refuseTakenName(next.name);
    const run = { id: newId(), key: null, queuedAt: world.now(), spec: next, lineage, notBefore: null };
    const [admitted] = write([{ run, environment: again?.environment ?? environment, prompt, request: again?.request ?? null }]);
    if (!admitted) throw new Error('no run was admitted');
    return admitted;
  }

  return { admit, retry, retryOf, runOfWake };
}

/** The runs of one batch that are not stored yet: they must not collide with each other either. */
class Batch {
  readonly prepared: Prepared[] = [];
  readonly #keys = new Map<string, number>();
  readonly #names = new Set<string>();

  place(order: Order, prepare: () => Prepared): { index: number; existing: boolean } {
    const { request } = order;
    const twin = request.key === null ? undefined : this.#keys.get(request.key);
    const first = twin === undefined ? undefined : this.prepared[twin];
    if (twin !== undefined && first !== undefined) {
      if (sameSpec(first.run.spec, specOf(order, first.run.spec.after))) return { index: twin, existing: true };
      throw keyConflict(request.key ?? '', 'another line of this batch');
    }
    if (request.name !== null && this.#names.has(request.name)) throw nameTaken(request.name, 'another line of this batch');
    const index = this.prepared.push(prepare()) - 1;
    if (request.key !== null) this.#keys.set(request.key, index);
    if (request.name !== null) this.#names.add(request.name);
    return { index, existing: false };
  }
}

function nameTaken(name: string, by: string): ClipError {
  return new ClipError('name_taken', `The name ${name} is taken by ${by}.`, 'Choose another name, or wait until that run has ended.');
}

function keyConflict(key: string, by: string): ClipError {
  return new ClipError('key_conflict', `The key ${key} was used by ${by}.`, 'Use a new key for a new command.');
}

/** 75 random bits that begin with a letter, so that an id is never taken for a number. */
function newId(): string {
  const digits = 'abcdefghjkmnpqrstvwxyz0123456789';
  return `r${[...randomBytes(15)].map((byte) => digits[byte & 31]).join('')}`;
}
