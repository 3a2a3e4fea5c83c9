/** A temporary home with the real programs in it, and nothing left of it at the end. */
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

/** Path of a fixture program; each is named by its behaviour. */
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
  /** Whether an error in the daemon's code may end it. */
  readonly mayCrash?: boolean;
};

/** A fresh home for one test. When the test ends, every process of this home is ended by id, and one that was left behind fails the test. */
export function createHome(options: HomeOptions = {}) {
  const { end: _, dispose, ...home } = openHome(options);
  onTestFinished(dispose, 90_000);
  return home;
}

/** A fresh home for whoever ends it by himself. */
export function openHome(options: HomeOptions = {}) {
  const base = mkdtempSync(join(tmpdir(), 'clip-'));
  const folder = join(base, options.folder ?? 'home');
  const env: Record<string, string> = {
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    HOME: base,
    LANG: 'C.UTF-8',
    CLIP_HOME: folder,
    XDG_CONFIG_HOME: join(base, 'config'),
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

  /** Submits a run and gives its number. */
  async function submit(args: readonly string[]): Promise<number> {
    const result = await clip(['run', '-q', ...args]);
    if (result.code !== 0) throw new Error(`clip run failed (exit ${result.code}): ${result.stderr}`);
    return Number(result.stdout);
  }

  /** Asks the daemon over its socket, for a fraction of what the command costs; when no good answer comes, the command asks, and may start a daemon. */
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
   * Pids of the daemons, or the keepers, of this home. Children that one of them has just forked are left out: they
   * show its environment until they run their program.
   */
  function pidsOf(role: 'daemon' | 'keeper'): number[] {
    return processesOf(folder).flatMap(({ pid, environment }) =>
      environment.includes(`CLIP_ROLE=${role}`) && hasExecuted(pid) ? [pid] : [],
    );
  }

  /** The one daemon; throws when there is none or more than one. */
  function daemonPid(): number {
    const pids = pidsOf('daemon');
    if (pids.length !== 1) throw new Error(`There are ${pids.length} daemons.`);
    return pids[0] as number;
  }

  /** Kills it as the kernel would, and waits until it is gone. */
  async function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    process.kill(pid, signal);
    await until(`process ${pid} is gone`, () => !isAlive(pid));
  }

  /** Whether anybody accepts connections on the API. */
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

  /** Ends every process of this home, by id; gives those that a clean stop had left. */
  async function end(): Promise<{ pid: number; command: string }[]> {
    for (const child of clients) child.kill('SIGKILL');
    const stopped = await ask(folder, '/v1/daemon/stop', {
      method: 'POST',
      body: '{"cancelRuns":true}',
      ms: 30_000,
    }).catch(() => null);
    if (stopped?.status !== 200) await clip(['daemon', 'stop', '--cancel-runs'], { env: { CLIP_NO_SPAWN: '1' } });
    // What is still there after a clean stop was leaked by the code under test.
    const left = await until(
      'the keepers leave',
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

/** Errors that have reached no handler of a daemon. */
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

/** Whether this process lives; a zombie does not. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** PF_FORKNOEXEC of linux/sched.h: the process was forked and has run no program of its own. */
const forkedOnly = 0x40;

/** Whether this process runs a program of its own, rather than being a copy of its parent. */
function hasExecuted(pid: number): boolean {
  try {
    // The flags are the seventh field behind the name, which may hold spaces.
    const flags = Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ')[6]);
    return (flags & forkedOnly) === 0;
  } catch {
    return false;
  }
}

/** Every living process that was started with this home in its environment. */
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

/** Living processes that carry the mark of this run. */
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
