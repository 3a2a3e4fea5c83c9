/** Spawns the process of a run: its command with a prefix, its environment, its files. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, constants, fstatSync, open, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { roleVariable, runVariables } from '#launch/daemon-environment.ts';
import { findHelper } from '#launch/helper-program.ts';
import { withUmask } from '#launch/launch.ts';
import { lackingIn, submitterIn, submitterVariable } from '#launch/submitter.ts';
import type { RunGroups } from '#process/cgroup.ts';
import { findExecutable } from '#process/find-executable.ts';
import { computeKernelMark } from '#process/kernel-mark.ts';
import { findRemoteMount, type Mount, remoteMounts } from '#process/mounts.ts';
import { formatSilent, reach } from '#process/reach-folder.ts';
import { readOwnFile } from '#process/read-regular-file.ts';
import { type LaunchRecord, type LogInodes, runFiles } from '#process/run-folder.ts';
import type { OwnLimits } from './own-limits.ts';

/** `umask`: the user's umask, which runs get. clip's own files are created with the keeper's. */
export type SpawnContext = {
  readonly home: string;
  readonly umask: number;
  readonly groups: RunGroups | null;
  readonly limits: OwnLimits;
};
export type SpawnRequest = { readonly id: string; readonly launch: LaunchRecord };
export type Spawned = {
  readonly child: ChildProcess;
  readonly cgroup: string | null;
  readonly kernelMark: boolean;
  readonly logs: LogInodes;
  /** Limits of the submitter that could not be applied. */
  readonly lacking: readonly string[];
};

/**
 * Findings before the launch. `careful`: another program changes to the work folder and looks up the command, so that
 * the keeper does not block.
 */
export type Prospect = { readonly careful: boolean; readonly input: number | null };

/** Larger than any environment that a system accepts, even if every byte is written as an escape. */
const environmentBytesMax = 64 * 2 ** 20;
const openMs = 3_000;
const helperMs = 5_000;

/** Something that a run needs does not answer now. It may answer later. */
export class SilentError extends Error {
  override readonly name = 'SilentError';
}

/**
 * Checks what may not answer: a work folder or an input on a remote mount. Rejects with SilentError, or with an error
 * as the system would report it.
 */
export async function lookAhead({ launch }: SpawnRequest): Promise<Prospect> {
  const folder = findRemoteMount(launch.cwd);
  if (folder !== null) await reachFolder(launch.cwd, folder);
  const source = launch.stdin === null ? null : findRemoteMount(launch.stdin);
  const input = source === null || launch.stdin === null ? null : await openRemote(launch.stdin, source);
  return { careful: folder !== null, input };
}

/** Returns whether the run uses remote mounts, so that `lookAhead` must come first. */
export function needsLookAhead({ launch }: SpawnRequest): boolean {
  return findRemoteMount(launch.cwd) !== null || (launch.stdin !== null && findRemoteMount(launch.stdin) !== null);
}

async function reachFolder(path: string, mount: Mount): Promise<void> {
  const { kind } = await reach(path);
  if (kind === 'silent') throw new SilentError(formatSilent('work folder', path, mount));
  if (kind !== 'folder') throw missingFolder(path);
}

function missingFolder(path: string): Error {
  return Object.assign(new Error(`The work folder ${path} does not exist.`), { code: 'ENOCWD' });
}

/** Number of hanging opens. Each blocks one of the few threads that also flush records, so only one is allowed. */
let hanging = 0;

async function openRemote(path: string, mount: Mount): Promise<number> {
  if (hanging > 0 || (await reach(path)).kind === 'silent')
    throw new SilentError(formatSilent('input file', path, mount));
  return new Promise((resolve, reject) => {
    let late = false;
    hanging += 1;
    const timer = setTimeout(() => {
      late = true;
      reject(new SilentError(formatSilent('input file', path, mount)));
    }, openMs);
    open(path, constants.O_RDONLY | constants.O_NONBLOCK, (error, fd) => {
      hanging -= 1;
      clearTimeout(timer);
      if (late) return error ? undefined : closeSync(fd);
      if (error) return reject(error);
      resolve(fd);
    });
  });
}

/** Starts the process. Throws errors of the system. A child without a pid reports its error later. */
export function spawnProcess(
  place: SpawnContext,
  request: SpawnRequest,
  { at, prospect, runs }: { at: string; prospect: Prospect; runs: number },
): Spawned {
  const { id, launch } = request;
  const { groups, limits } = place;
  if (!prospect.careful && !isFolder(launch.cwd)) throw missingFolder(launch.cwd);
  // The mark is set here, so that no run lacks it: it identifies every process of the run. A login shell may change
  // PATH, so CLIP_BIN tells where clip is.
  const own = { CLIP_HOME: place.home, CLIP_BIN: join(place.home, 'bin', 'clip'), CLIP_RUN_ID: id };
  const stored = readEnvironment(at);
  const submitter = submitterIn(stored);
  const env: NodeJS.ProcessEnv = { ...withoutOwn(stored), ...buildEnvironment(launch), ...own };
  const limitArguments = limits.argumentsFor(submitter, runs);
  const niceCommand = limits.niceCommand(submitter);
  const mounts = remoteMounts();
  const search = { path: env['PATH'], cwd: launch.cwd, mounts };
  // If no other program precedes the command and nothing may block, the system's own error is the best one.
  const asked =
    mounts.size > 0 || limitArguments.length > 0 || niceCommand.length > 0 || (groups === null && limits.canMark);
  const found = asked ? findExecutable(launch.argv[0] ?? '', search) : 'found';
  const careful = prospect.careful || found === 'unknown';
  const opened: number[] = [];
  let logs: LogInodes = { stdout: 0, stderr: null };
  const begin = (marked: boolean): ChildProcess => {
    const marks = marked ? [`--locks=${computeKernelMark(id)}:`] : [];
    const before = [
      ...(careful ? goingTo(launch.cwd) : []),
      ...niceCommand,
      ...prlimit(limits, [...limitArguments, ...marks]),
    ];
    // A preceding program would report a missing command only by its exit code.
    if (before.length > 0 && (found === 'missing' || found === 'forbidden')) throw lookupError(found);
    const [command = '', ...args] = [...before, ...launch.argv];
    const stdio = openStdio(launch, at, { input: prospect.input, opened });
    logs = readLogInodes(stdio);
    const start = () => spawn(command, args, { cwd: careful ? '/' : launch.cwd, env, detached: true, stdio });
    return withUmask(submitter?.umask ?? place.umask, () => limits.withNice(submitter, start, ({ pid }) => pid));
  };
  try {
    const lacking = lackingIn(limits.traits, submitter);
    if (groups === null) {
      const child = begin(limits.canMark);
      return { child, cgroup: null, kernelMark: limits.canMark, logs, lacking };
    }
    const { started, group } = groups.startIn(id, () => begin(false));
    return { child: started, cgroup: group, kernelMark: false, logs, lacking };
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

function prlimit({ prlimit: program }: OwnLimits, args: readonly string[]): string[] {
  return program === null || args.length === 0 ? [] : [program, ...args, '--'];
}

let chdirProgram: string | null | undefined;

/**
 * Returns a prefix that changes to the folder and executes the command. If the folder does not answer, only the run
 * blocks.
 */
function goingTo(cwd: string): string[] {
  if (chdirProgram === undefined) {
    const program = findHelper('env', process.env['PATH'] ?? '');
    const works =
      program !== null && spawnSync(program, ['-C', '/', 'true'], { stdio: 'ignore', timeout: helperMs }).status === 0;
    chdirProgram = works ? program : null;
  }
  // A shell can do the same, but loses variables whose names it cannot represent.
  return chdirProgram === null ? ['/bin/sh', '-c', 'cd -- "$0" && exec "$@"', cwd] : [chdirProgram, '-C', cwd, '--'];
}

function lookupError(found: 'missing' | 'forbidden'): Error {
  return Object.assign(new Error(found), { code: found === 'missing' ? 'ENOENT' : 'EACCES' });
}

/** Distinguishes a missing folder from a missing command, which both give ENOENT. */
function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

type Files = { readonly input: number | null; readonly opened: number[] };

function openStdio(launch: LaunchRecord, at: string, { input, opened }: Files): ['ignore' | number, number, number] {
  const log = (name: string) => {
    // A link may have been placed there while the run was queued.
    const fd = openSync(
      join(at, name),
      constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW,
      0o600,
    );
    opened.push(fd);
    return fd;
  };
  const stdin = input ?? (launch.stdin === null ? 'ignore' : openInput(launch.stdin, opened));
  const stdout = log(runFiles.stdout);
  return [stdin, stdout, launch.mergeOutput ? stdout : log(runFiles.stderr)];
}

function readLogInodes([, stdout, stderr]: readonly ['ignore' | number, number, number]): LogInodes {
  return { stdout: fstatSync(stdout).ino, stderr: stderr === stdout ? null : fstatSync(stderr).ino };
}

/** Opens the input. Only a regular file is accepted, because a named pipe would block the keeper. */
function openInput(path: string, opened: number[]): number {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  opened.push(fd);
  if (fstatSync(fd).isFile()) return fd;
  throw Object.assign(new Error('it is no regular file'), { code: 'EINVAL', path });
}

/** Returns the variables of this launch alone. A run that takes over the environment of another one gets its own. */
function buildEnvironment({ token, task, continuation }: LaunchRecord): NodeJS.ProcessEnv {
  return {
    ...(token === undefined ? {} : { CLIP_RUN_TOKEN: token }),
    ...(task === null ? {} : { CLIP_TASK: String(task) }),
    ...(continuation == null ? {} : { CLIP_CONTINUATION: String(continuation) }),
  };
}

/** Returns the environment that the daemon stored for this run. */
function readEnvironment(at: string): NodeJS.ProcessEnv {
  return parseEnvironment(readOwnFile(join(at, runFiles.env), environmentBytesMax).toString('utf8'));
}

/** Returns the PATH in which a run's command was searched; null if its environment has none or cannot be read. */
export function searchPath(at: string): string | null {
  try {
    return readEnvironment(at)['PATH'] ?? null;
  } catch {
    return null;
  }
}

function withoutOwn(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = { ...env };
  for (const name of [...runVariables, roleVariable, submitterVariable, 'CLIP_FAILPOINT']) delete kept[name];
  return kept;
}

/** Parses the environment. The parser's own message would quote values, so a damaged file gets another error. */
function parseEnvironment(text: string): NodeJS.ProcessEnv {
  try {
    const env = JSON.parse(text) as Record<string, string> | null;
    if (typeof env === 'object' && env !== null && Object.values(env).every((value) => typeof value === 'string'))
      return env;
  } catch {
    // Reported below, without quoting the content.
  }
  throw Object.assign(new Error('damaged'), { code: 'EBADENV' });
}
