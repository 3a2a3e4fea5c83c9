/** Temporary homes with the real programs. Nothing of them is left at the end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { EventView, RunView } from '#protocol/answers.ts';
import { ask } from './api.ts';
import { until } from './until.ts';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const program = join(root, 'bin', 'clip.js');

/** Returns the path of a fixture program. Each is named after its behavior. */
export const agent = (name: string): string => join(root, 'test/fixtures/agents', name);

export type Result = {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
};
export type TestHome = ReturnType<typeof createHome>;
export type OpenHome = ReturnType<typeof openHome>;
type HomeOptions = {
  readonly env?: Record<string, string>;
  readonly folder?: string;
  readonly keep?: boolean;
  /** Whether an error in the daemon's code may end the daemon. */
  readonly mayCrash?: boolean;
};

/**
 * Creates a home for one test. When the test ends, every process of this home is ended by id, and a leftover process
 * fails the test.
 */
export function createHome(options: HomeOptions = {}) {
  const { end: _, dispose, ...home } = openHome(options);
  onTestFinished(dispose, 90_000);
  return home;
}

/** Creates a home that the caller ends itself. */
export function openHome(options: HomeOptions = {}) {
  const base = mkdtempSync(join(tmpdir(), 'clip-'));
  const folder = join(base, options.folder ?? 'home');
  const env: Record<string, string> = {
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    HOME: base,
    LANG: 'C.UTF-8',
    CLIP_HOME: folder,
    XDG_CONFIG_HOME: join(base, 'config'),
    // Compiled code is shared by all tests.
    XDG_CACHE_HOME: join(root, 'node_modules/.cache'),
    ...options.env,
  };
  const clients = new Set<ChildProcess>();

  /** Starts the CLI without waiting for it. */
  function start(
    args: readonly string[],
    extra: { env?: Record<string, string>; cwd?: string; stdin?: 'ignore' | 'pipe' } = {},
  ): ChildProcess {
    const child = spawn(process.execPath, [program, ...args], {
      env: { ...env, ...extra.env },
      cwd: extra.cwd ?? base,
      stdio: [extra.stdin ?? 'ignore', 'pipe', 'pipe'],
    });
    clients.add(child);
    child.on('exit', () => clients.delete(child));
    return child;
  }

  /** Runs the CLI to its end. */
  function clip(
    args: readonly string[],
    extra: { env?: Record<string, string>; cwd?: string; input?: string | Buffer } = {},
  ): Promise<Result> {
    const child = start(args, { ...extra, stdin: extra.input === undefined ? 'ignore' : 'pipe' });
    child.stdin?.on('error', () => {});
    if (extra.input !== undefined) child.stdin?.end(extra.input);
    return resultOf(child);
  }

  async function json<T>(args: readonly string[]): Promise<T> {
    const result = await clip(args);
    if (result.stdout === '')
      throw new Error(`clip ${args.join(' ')} printed nothing (exit ${result.code}): ${result.stderr}`);
    return JSON.parse(result.stdout) as T;
  }

  /** Submits a run and returns its number. */
  async function submit(args: readonly string[]): Promise<number> {
    const result = await clip(['run', '-q', ...args]);
    if (result.code !== 0) throw new Error(`clip run failed (exit ${result.code}): ${result.stderr}`);
    return Number(result.stdout);
  }

  /**
   * Requests JSON from the daemon over its socket, which is much faster than the command. Without a good answer it runs
   * the command, which may start a daemon.
   */
  async function asked<T>(path: string, args: readonly string[]): Promise<T> {
    const answer = await ask(folder, path, { ms: 15_000 }).catch(() => null);
    return answer?.status === 200 ? answer.json() : json<T>(args);
  }

  type Shown = { run: RunView; events: EventView[] };
  const shown = (ref: number | string) =>
    asked<Shown>(`/v1/runs/${encodeURIComponent(ref)}`, ['show', String(ref), '--json']);
  const show = async (ref: number | string): Promise<RunView> => (await shown(ref)).run;
  const history = async (ref: number | string): Promise<EventView[]> => (await shown(ref)).events;

  async function untilStatus(ref: number | string, ...statuses: RunView['status'][]): Promise<RunView> {
    return until(`run ${ref} is ${statuses.join(' or ')}`, async () => {
      const run = await show(ref);
      return statuses.includes(run.status) ? run : null;
    });
  }

  /**
   * Returns the pids of the daemons, or keepers, of this home. Freshly forked children are left out: they have the
   * environment of their parent until they execute their program.
   */
  function pidsOf(role: 'daemon' | 'keeper'): number[] {
    const mark = `CLIP_ROLE=${role}`;
    return processesOf(folder).flatMap(({ pid, environment }) =>
      // A child that executes its program between the two looks has the environment of a run at the second one.
      environment.includes(mark) && hasExecuted(pid) && environmentOf(pid).includes(mark) ? [pid] : [],
    );
  }

  /** Returns the pid of the daemon. Throws unless there is exactly one. */
  function daemonPid(): number {
    const pids = pidsOf('daemon');
    if (pids.length !== 1) throw new Error(`There are ${pids.length} daemons.`);
    return pids[0] as number;
  }

  /** Sends a signal and waits until the process is gone. */
  async function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    process.kill(pid, signal);
    await until(`process ${pid} is gone`, () => !isAlive(pid));
  }

  /** Returns whether a process accepts connections on the API socket. */
  function listens(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(join(folder, 'clip.sock'));
      socket.on('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
  }

  /** Ends every process of this home by id. Returns the processes that a clean stop had left. */
  async function end(): Promise<{ pid: number; command: string }[]> {
    for (const child of clients) child.kill('SIGKILL');
    const stopped = await ask(folder, '/v1/daemon/stop', {
      method: 'POST',
      body: '{"cancelRuns":true}',
      ms: 30_000,
    }).catch(() => null);
    if (stopped?.status !== 200) await clip(['daemon', 'stop', '--cancel-runs'], { env: { CLIP_NO_SPAWN: '1' } });
    // A process that is alive after a clean stop was leaked by the code under test.
    const left = await until(
      'the keepers exit',
      () =>
        processesOf(folder).some(({ environment }) => environment.includes('CLIP_ROLE=')) ? null : processesOf(folder),
      30_000,
    ).catch(() => processesOf(folder));
    for (const { pid } of left) process.kill(pid, 'SIGKILL');
    return left;
  }

  async function dispose(): Promise<void> {
    const left = await end();
    const defects = options.mayCrash ? [] : defectsIn(join(folder, 'daemon.log'));
    rmSync(base, { recursive: true, force: true });
    if (left.length > 0 && !options.keep)
      throw new Error(`Left behind: ${left.map(({ pid, command }) => `${pid} ${command}`).join('; ')}`);
    if (defects.length > 0) throw new Error(`A defect ended the daemon: ${defects.join('\n')}`);
  }

  return {
    base,
    folder,
    env,
    start,
    clip,
    json,
    asked,
    submit,
    show,
    history,
    untilStatus,
    pidsOf,
    daemonPid,
    kill,
    listens,
    resultOf,
    end,
    dispose,
  };
}

/** Returns the errors that no handler of a daemon has caught. */
function defectsIn(path: string): string[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"message":"unexpected error; daemon exits"'));
}

export function resultOf(child: ChildProcess): Promise<Result> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
  return new Promise((resolve) => {
    child.on('close', (code, signal) =>
      resolve({ code, signal, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    );
  });
}

/** Returns whether this process is alive. A zombie is not. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** PF_FORKNOEXEC of linux/sched.h: the process was forked and has not executed a program. */
const forkedOnly = 0x40;

/** Returns whether this process has executed a program, and is not just a copy of its parent. */
function hasExecuted(pid: number): boolean {
  try {
    // The flags are the seventh field after the name, which may contain spaces.
    const flags = Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ')[6]);
    return (flags & forkedOnly) === 0;
  } catch {
    return false;
  }
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return '';
  }
}

/** Returns every living process that has this home in its environment. */
export function processesOf(folder: string): { pid: number; command: string; environment: string }[] {
  const wanted = `CLIP_HOME=${folder}\0`;
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
      if (!environment.includes(wanted) || !isAlive(pid)) return [];
      return [{ pid, command: readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' '), environment }];
    } catch {
      return [];
    }
  });
}

/** Returns the living processes with the mark of this run. */
export function marked(runId: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid)) return [];
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`CLIP_RUN_ID=${runId}`) && isAlive(pid)
        ? [pid]
        : [];
    } catch {
      return [];
    }
  });
}
