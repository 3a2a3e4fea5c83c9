/** From a request to a run: everything that can be refused is refused here, before anything is stored. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readRequest, takeOver, writeInput, writeRunFolders } from '../process/new-folder.ts';
import type { RetryRequest, RunRequest } from '../protocol/requests.ts';
import type { Agent } from '../run/agent.ts';
import { ClipError } from '../run/errors.ts';
import { limits } from '../run/limits.ts';
import { resumePrompt } from '../run/prompt.ts';
import { isEnded, type Lineage, type Run, type RunSpec, type Stdin } from '../run/run.ts';
import type { Store } from '../store/store.ts';
import { type AgentLaunch, agentLaunch, profileOf, promptFor } from './agent-launch.ts';
import type { Agents } from './agents.ts';
import type { NewRun, Supervisor } from './supervisor.ts';

/** `existing`: the key was used before; this is the first run, and nothing was started. */
export type Admitted = { readonly run: Run; readonly existing: boolean };
type Order = { readonly request: RunRequest; readonly launch: AgentLaunch | null };
export type Admission = ReturnType<typeof createAdmission>;

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
  now: () => number;
  runsFolder: string;
  resolve: (ref: string) => Run;
}) {
  const { supervisor, store } = world;

  /** Admits many in one transaction; each answer is a run, or the error that refused this one. */
  function admit(requests: readonly RunRequest[]): (Admitted | ClipError)[] {
    const batch = new Batch();
    const places = requests.map((request) => {
      try {
        const order = orderOf(request);
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
    try {
      writeRunFolders(world.runsFolder, folders);
      return supervisor.admit(prepared.map(({ run }) => run));
    } catch (error) {
      for (const { folder } of folders) rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** The request with what its agent adds to it. */
  function orderOf(request: RunRequest): Order {
    if (request.agent === null) {
      if (request.command.length > 0) return { request, launch: null };
      throw new ClipError('usage', 'The run has no command.', 'Say what to run: clip run -- COMMAND, or clip run --agent NAME PROMPT');
    }
    const agent = world.agents.get(request.agent);
    return ofAgent(request, agent, world.agents.environmentOf(agent));
  }

  function prepare({ request, launch }: Order): Prepared {
    checkPaths(request);
    const spec = specOf({ request, launch }, afterOf(request));
    checkCommand(spec.command, launch?.environment ?? request.env);
    checkLaunch(spec);
    refuseTakenName(spec.name);
    const run = { id: newId(), key: request.key, queuedAt: world.now(), spec, lineage: lineageOf(request) };
    return { run, environment: launch?.environment ?? request.env, prompt: launch?.prompt ?? promptOf(request), request: launch?.request ?? null };
  }

  function refuseTakenName(name: string | null): void {
    const holder = name === null ? null : store.runs.byName(name);
    if (holder && !isEnded(holder.state)) throw nameTaken(holder.spec.name ?? '', `run ${holder.number}`);
  }

  function afterOf(request: RunRequest): number | null {
    return request.after === null ? null : world.resolve(request.after).number;
  }

  function lineageOf(request: Pick<RunRequest, 'parentRunId' | 'retryOfRunId'>): Lineage {
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
    mkdirSync(folder, { mode: 0o700 });
    const again = inputAgain(ended, reason === 'unknown_session');
    takeOver(from, folder, again === null);
    if (again) writeInput(folder, again.prompt, again.request);
    const lineage: Lineage = {
      ...ended.lineage,
      retryOfRunId: ended.id,
      retryReason: reason,
      processLossRetryCount: ended.lineage.processLossRetryCount + (reason === 'process_lost' ? 1 : 0),
    };
    return { id, key: null, queuedAt: world.now(), spec: again === null ? ended.spec : specAgain(ended.spec, again), lineage };
  }

  /** A run that a person wants again: a new one of the same spec. Throws when what it needs is not kept any more. */
  function retry(ended: Run, { fresh, ...body }: RetryRequest): Run {
    const { spec } = ended;
    const envNames = [...new Set([...spec.envNames, ...body.envNames])];
    const lineage = lineageOf({ parentRunId: body.parentRunId, retryOfRunId: ended.id });
    const environment = { ...body.env, ...(spec.agent === null ? {} : world.agents.environmentOfId(spec.agent.id)), ...ownOf(body) };
    const again = inputAgain(ended, fresh, environment);
    const prompt = again?.prompt ?? keptInput(ended);
    const next = { ...(again === null ? spec : specAgain(spec, again)), after: null, envNames };
    checkPaths({ cwd: next.cwd, stdin: next.stdin.kind === 'file' ? next.stdin : null });
    checkCommand(next.command, environment);
    refuseTakenName(next.name);
    const run = { id: newId(), key: null, queuedAt: world.now(), spec: next, lineage };
    const [admitted] = write([{ run, environment: again?.environment ?? environment, prompt, request: again?.request ?? null }]);
    if (!admitted) throw new Error('no run was admitted');
    return admitted;
  }

  /** What a run of an agent is given when it is run again; null for a plain command, or when its prompt is not kept any more. */
  function inputAgain(ended: Run, fresh: boolean, environment: Readonly<Record<string, string>> = {}): AgentLaunch | null {
    const { spec } = ended;
    const asked = readRequest(join(world.runsFolder, ended.id));
    if (spec.agent === null || asked === null) return null;
    const sessionId = fresh ? null : sessionToGoOnWith(ended);
    const prompt = sessionId === null ? asked : Buffer.from(resumePrompt(asked.toString('utf8'), ended));
    // Its lock on the worktree is in its spec already; the folder itself may be gone by now.
    return agentLaunch(spec.agent, { sessionId, cwd: spec.cwd, environment, sharesWorktree: true, prompt, request: sessionId === null ? null : asked });
  }

  /** The session it was in; none when that lives in another folder, where most agents would not find it. */
  function sessionToGoOnWith({ number, spec }: Run): string | null {
    const id = store.accounts.ofRun(number)?.account.sessionId ?? spec.sessionId;
    const session = id === null ? null : store.sessions.get(spec.adapter, id);
    return session !== null && session.cwd !== spec.cwd ? null : id;
  }

  /** What it read, as long as that is kept. */
  function keptInput({ id, number, spec }: Run): Buffer | null {
    if (spec.stdin.kind !== 'prompt') return null;
    const kept = readRequest(join(world.runsFolder, id));
    if (kept === null) throw new ClipError('refused', `The input of run ${number} is not kept any more.`, 'Start a new run, and give it the input again.');
    return kept;
  }

  return { admit, retry, retryOf };
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

/** The request in the agent's terms: its settings hold where the request is silent. */
function ofAgent(request: RunRequest, agent: Agent, own: Readonly<Record<string, string>>): Order {
  const { settings } = agent;
  if (request.command.length > 0) throw new ClipError('usage', 'A run has a command or an agent, not both.', 'Leave one of them out.');
  const asked = promptOf(request);
  if (asked === null || asked.toString('utf8').trim() === '')
    throw new ClipError('usage', 'The agent needs a prompt.', `Say what it shall do: clip run --agent ${agent.name} "…", --prompt-file FILE, or - to read it.`);
  const cwd = request.cwdIsDefault && settings.cwd !== null ? settings.cwd : request.cwd;
  checkPaths({ cwd, stdin: null });
  const environment = { ...request.env, ...own, ...ownOf(request) };
  const { sharesWorktree } = settings;
  const launch = agentLaunch(profileOf(agent), { sessionId: null, cwd, environment, sharesWorktree, prompt: promptFor(agent, asked, cwd), request: null });
  return {
    request: {
      ...request,
      cwd,
      locks: [...new Set([...request.locks, ...launch.locks])],
      timeoutMs: request.timeoutMs ?? settings.timeoutMs,
      silenceMs: request.silenceMs ?? settings.silenceMs,
      graceMs: request.graceMs ?? settings.graceMs ?? limits.graceMsAgent,
      leftovers: request.leftovers ?? settings.leftovers,
      onLoss: request.onLoss ?? 'retry',
    },
    launch,
  };
}

/** The variables that were given for this very run. */
function ownOf({ env, envNames }: Pick<RunRequest, 'env' | 'envNames'>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => envNames.includes(name)));
}

function specAgain(spec: RunSpec, { command, sessionId, prompt, locks, readsStdin }: AgentLaunch): RunSpec {
  // The lock of the session before belongs to that session.
  const kept = spec.locks.filter((lock) => !lock.startsWith('session:'));
  return {
    ...spec,
    command,
    sessionId,
    stdin: readsStdin ? { kind: 'prompt', sha256: sha256(prompt) } : { kind: 'none' },
    locks: [...new Set([...kept, ...locks])],
  };
}

function specOf({ request, launch }: Order, after: number | null): RunSpec {
  return {
    command: launch?.command ?? request.command,
    cwd: request.cwd,
    adapter: launch?.agent.adapter ?? 'plain',
    agent: launch?.agent ?? null,
    sessionId: launch?.sessionId ?? null,
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
    stdin: launch === null ? stdinOf(request) : launch.readsStdin ? { kind: 'prompt', sha256: sha256(launch.prompt) } : { kind: 'none' },
    onLoss: request.onLoss ?? 'fail',
    leftovers: request.leftovers ?? 'stop',
    promptSecret: request.promptSecret,
    envNames: request.envNames,
  };
}

function stdinOf(request: RunRequest): Stdin {
  if (request.stdin === null) return { kind: 'none' };
  if (request.stdin.kind === 'file') return request.stdin;
  return { kind: 'prompt', sha256: sha256(promptOf(request) ?? Buffer.alloc(0)) };
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
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

function checkCommand(command: readonly string[], env: Readonly<Record<string, string>>): void {
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
function checkLaunch({ command, cwd }: RunSpec): void {
  const bytes = Buffer.byteLength(JSON.stringify([command, cwd]));
  if (bytes <= limits.keeperLineBytesMax - limits.bodyBytesMax) return;
  throw new ClipError('too_large', `The command line has ${bytes} bytes when it is written as JSON, which is too long.`, 'Put what is long into a file.');
}

/** A folder that is missing now is refused now, with a person there to see it; one that vanishes later ends the run. */
function checkPaths({ cwd, stdin }: Pick<RunRequest, 'cwd' | 'stdin'>): void {
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
