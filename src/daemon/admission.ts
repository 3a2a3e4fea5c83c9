/** From a request to a run: everything that can be refused is refused here, before anything is stored. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { takeOverEnvironment, writeRunFolders } from '../process/new-folder.ts';
import type { RunRequest } from '../protocol/requests.ts';
import { ClipError } from '../run/errors.ts';
import { limits } from '../run/limits.ts';
import { isEnded, type Lineage, type Run, type RunSpec, type Stdin } from '../run/run.ts';
import type { Store } from '../store/store.ts';
import type { NewRun, Supervisor } from './supervisor.ts';

/** `existing`: the key was used before; this is the first run, and nothing was started. */
export type Admitted = { readonly run: Run; readonly existing: boolean };
export type Admission = ReturnType<typeof createAdmission>;

type Prepared = { readonly run: NewRun; readonly environment: Readonly<Record<string, string>>; readonly prompt: Buffer | null };

export function createAdmission(world: { supervisor: Supervisor; store: Store; now: () => number; runsFolder: string; resolve: (ref: string) => Run }) {
  const { supervisor, store } = world;

  /** Admits many in one transaction; each answer is a run, or the error that refused this one. */
  function admit(requests: readonly RunRequest[]): (Admitted | ClipError)[] {
    const batch = new Batch();
    const places = requests.map((request) => {
      try {
        const existing = findByKey(request);
        return existing ? { run: existing, existing: true } : batch.place(request, () => prepare(request));
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
    const folders = prepared.map(({ run, environment, prompt }) => ({ folder: join(world.runsFolder, run.id), environment, prompt }));
    try {
      writeRunFolders(world.runsFolder, folders);
      return supervisor.admit(prepared.map(({ run }) => run));
    } catch (error) {
      for (const { folder } of folders) rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  function prepare(request: RunRequest): Prepared {
    checkCommand(request);
    checkLaunch(request);
    checkPaths(request);
    const spec = specOf(request, afterOf(request));
    const holder = spec.name === null ? null : store.runs.byName(spec.name);
    if (holder && !isEnded(holder.state)) throw nameTaken(holder.spec.name ?? '', `run ${holder.number}`);
    const run = { id: newId(), key: request.key, queuedAt: world.now(), spec, lineage: lineageOf(request) };
    return { run, environment: request.env, prompt: promptOf(request) };
  }

  function afterOf(request: RunRequest): number | null {
    return request.after === null ? null : world.resolve(request.after).number;
  }

  function lineageOf(request: RunRequest): Lineage {
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
      parentRunId: parent?.id ?? null,
      depth: parent === null ? 0 : parent.lineage.depth + 1,
      retryOfRunId: request.retryOfRunId,
      retryReason: request.retryOfRunId === null ? null : 'manual',
      processLossRetryCount: 0,
    };
  }

  function findByKey(request: RunRequest): Run | null {
    if (request.key === null) return null;
    if (store.runs.isBuried({ key: request.key })) throw keyConflict(request.key, 'a run that was removed');
    const run = store.runs.byKey(request.key);
    if (run === null) return null;
    // The required run may have been removed since: its number in the request is still the same request.
    const after = request.after === String(run.spec.after) ? run.spec.after : afterOf(request);
    if (sameSpec(run.spec, specOf(request, after))) return run;
    throw keyConflict(request.key, `run ${run.number}, which is another command`);
  }

  /** The run that repeats a lost one: same spec, and the same environment, taken over while it is still there. */
  function retryOf(lost: Run): NewRun {
    const id = newId();
    const folder = join(world.runsFolder, id);
    mkdirSync(folder, { mode: 0o700 });
    takeOverEnvironment(join(world.runsFolder, lost.id), folder);
    const lineage: Lineage = {
      ...lost.lineage,
      retryOfRunId: lost.id,
      retryReason: 'process_lost',
      processLossRetryCount: lost.lineage.processLossRetryCount + 1,
    };
    return { id, key: null, queuedAt: world.now(), spec: lost.spec, lineage };
  }

  return { admit, retryOf };
}

/** The runs of one batch that are not stored yet: they must not collide with each other either. */
class Batch {
  readonly prepared: Prepared[] = [];
  readonly #keys = new Map<string, number>();
  readonly #names = new Set<string>();

  place(request: RunRequest, prepare: () => Prepared): { index: number; existing: boolean } {
    const twin = request.key === null ? undefined : this.#keys.get(request.key);
    const first = twin === undefined ? undefined : this.prepared[twin];
    if (twin !== undefined && first !== undefined) {
      if (sameSpec(first.run.spec, specOf(request, first.run.spec.after))) return { index: twin, existing: true };
      throw keyConflict(request.key ?? '', 'another line of this batch');
    }
    if (request.name !== null && this.#names.has(request.name)) throw nameTaken(request.name, 'another line of this batch');
    const index = this.prepared.push(prepare()) - 1;
    if (request.key !== null) this.#keys.set(request.key, index);
    if (request.name !== null) this.#names.add(request.name);
    return { index, existing: false };
  }
}

function specOf(request: RunRequest, after: number | null): RunSpec {
  return {
    command: request.command,
    cwd: request.cwd,
    adapter: 'plain',
    name: request.name,
    group: request.group,
    priority: request.priority,
    labels: request.labels,
    locks: request.locks,
    after,
    timeoutMs: request.timeoutMs ?? 0,
    timeoutSource: request.timeoutMs === null ? 'default' : 'config',
    silenceMs: request.silenceMs,
    graceMs: request.graceMs ?? limits.graceMsPlain,
    outputBytesMax: request.outputBytesMax ?? limits.outputBytesMax,
    mergeOutput: request.mergeOutput,
    stdin: stdinOf(request),
    onLoss: request.onLoss ?? 'fail',
    leftovers: request.leftovers ?? 'stop',
    promptSecret: request.promptSecret,
    envNames: request.envNames,
  };
}

function stdinOf(request: RunRequest): Stdin {
  if (request.stdin === null) return { kind: 'none' };
  if (request.stdin.kind === 'file') return request.stdin;
  return {
    kind: 'prompt',
    sha256: createHash('sha256')
      .update(promptOf(request) ?? '')
      .digest('hex'),
  };
}

function promptOf(request: RunRequest): Buffer | null {
  if (request.stdin?.kind !== 'text') return null;
  const bytes = Buffer.from(request.stdin.base64, 'base64');
  if (bytes.length > limits.promptBytesMax) {
    throw new ClipError(
      'too_large',
      `The input has ${bytes.length} bytes; ${limits.promptBytesMax} is the limit.`,
      'Put it into a file and name the file: --stdin FILE.',
    );
  }
  return bytes;
}

function sameSpec(a: RunSpec, b: RunSpec): boolean {
  return canonical(a) === canonical(b);
}

/** The same JSON for the same spec, in whatever order its labels were given. */
function canonical(spec: RunSpec): string {
  return JSON.stringify({ ...spec, labels: Object.entries(spec.labels).sort() });
}

function checkCommand({ command, env }: RunRequest): void {
  const long = command.find((argument) => Buffer.byteLength(argument) > limits.argumentBytesMax);
  if (long !== undefined) {
    const sentence = `One argument has ${Buffer.byteLength(long)} bytes; the system takes at most ${limits.argumentBytesMax} in one.`;
    throw new ClipError('too_large', sentence, 'Put it into a file, or pass it on standard input: --stdin FILE.');
  }
  const bytes = [...command, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)].reduce((sum, text) => sum + Buffer.byteLength(text) + 9, 0);
  if (bytes > limits.commandBytesMax) {
    throw new ClipError(
      'too_large',
      `The arguments and the environment have ${bytes} bytes together; ${limits.commandBytesMax} is the limit.`,
      'Put what is long into a file.',
    );
  }
}

/** The keeper takes requests up to a limit, and control characters grow sixfold on their way to it. */
function checkLaunch({ command, cwd }: RunRequest): void {
  const bytes = Buffer.byteLength(JSON.stringify([command, cwd]));
  if (bytes <= limits.keeperLineBytesMax - limits.bodyBytesMax) return;
  throw new ClipError('too_large', `The command line has ${bytes} bytes when it is written as JSON, which is too long.`, 'Put what is long into a file.');
}

/** A folder that is missing now is refused now, with a person there to see it; one that vanishes later ends the run. */
function checkPaths({ cwd, stdin }: RunRequest): void {
  if (!statSync(cwd, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ClipError('not_found', `The work folder ${cwd} does not exist.`, 'Make it first, or name another with --cwd.');
  }
  if (stdin?.kind !== 'file') return;
  const input = statSync(stdin.path, { throwIfNoEntry: false });
  if (!input) throw new ClipError('not_found', `The input file ${stdin.path} does not exist.`, 'Check the path after --stdin.');
  // Whoever opens a named pipe waits for its writer, and nobody may wait in the keeper.
  if (!input.isFile())
    throw new ClipError('usage', `The input ${stdin.path} is no regular file.`, 'Name a file after --stdin, or pass the input itself: --stdin -');
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
