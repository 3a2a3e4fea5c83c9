/** One process of a run: started, written down, and its end written down. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, existsSync, fstatSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { crashPoint } from '../launch/crash-point.ts';
import { roleVariable, runVariables, withUmask } from '../launch/launch.ts';
import { readStartTimeOfChild, systemBootId } from '../process/birth.ts';
import type { FromKeeper, ToKeeper } from '../process/keeper-wire.ts';
import { readRegularFile } from '../process/regular-file.ts';
import { createWhole, type ExitRecord, type LeaderRecord, placeWhole, type ReservedExit, reserveExitRecord, runFiles } from '../process/run-folder.ts';

export type Child = {
  readonly id: string;
  readonly leader: LeaderRecord;
  readonly at: number;
  /** Called whenever the daemon has gone: from now on this process's deadline is ours to keep. */
  readonly guardDeadline: () => void;
};

type Hooks = {
  readonly tell: (message: FromKeeper) => void;
  readonly daemonIsHere: () => boolean;
  readonly onStarted: (child: Child) => void;
  readonly onEnded: (id: string) => void;
};

/** `umask`: the user's, which runs get; the files of clip are made with the keeper's own. */
export type Place = { readonly home: string; readonly umask: number };
type Request = Extract<ToKeeper, { type: 'spawn' }>;
type Failure = { readonly code: string; readonly message: string };

/** When started.json is flushed: after the end of a short run, whose exit.json says it all, there is no need to. */
const startedFlushMs = 1_000;
/** Longer waits are armed again: setTimeout fires at once beyond this. */
const timerMsMax = 2 ** 31 - 1;
/** What a system can take as an environment is smaller, also when every byte of it is written as an escape. */
const environmentBytesMax = 64 * 2 ** 20;

/**
 * Reserves the space for the record of its end and writes launch.json, then spawns and writes started.json in one
 * synchronous turn. Without room for the two nothing is launched, and the run can wait for better days. Calls `settled`
 * when the launch has been decided: the process lives, or it will not.
 */
export function startChild(place: Place, request: Request, hooks: Hooks, settled: () => void): void {
  const { id, launch } = request;
  const folder = join(place.home, 'runs', id);
  let exit: ReservedExit | null = null;
  const settle = (answer: FromKeeper) => {
    exit?.release();
    hooks.tell(answer);
    settled();
  };
  const refuse = (error: Error) => settle({ type: 'refused', id, why: `Its records could not be written: ${error.message}` });
  if (existsSync(join(folder, runFiles.launch))) return settle({ type: 'already-launched', id });
  crashPoint('spawn.before-launch-file');
  try {
    // Without room for the record of its end nothing is started, and nothing says that it was: it can be tried again.
    const reserved = reserveExitRecord(folder);
    exit = reserved;
    createWhole(folder, runFiles.launch, launch, (error, created) => {
      if (error) return refuse(error);
      if (!created) return settle({ type: 'already-launched', id });
      crashPoint('spawn.after-launch-file');
      spawnChild(place, request, { hooks, exit: reserved, settled });
    });
  } catch (error) {
    refuse(error as Error);
  }
}

type Launching = { readonly hooks: Hooks; readonly exit: ReservedExit; readonly settled: () => void };

function spawnChild(place: Place, request: Request, { hooks, exit, settled }: Launching): void {
  const { id } = request;
  const folder = join(place.home, 'runs', id);
  /** The record is in place before the daemon is told: it keeps what happened even if nobody hears it. */
  const finish = (record: ExitRecord, message: FromKeeper, done: () => void) => {
    const placed = (error: Error | null) => {
      if (error) complain(error);
      crashPoint('exit.after-exit-file');
      hooks.tell(message);
    };
    try {
      exit.write(record, placed, done);
    } catch (error) {
      placed(error as Error);
      done();
    }
  };
  const fail = (failure: Failure) => {
    const message: FromKeeper = { type: 'failed', id, errorCode: failure.code, message: failure.message };
    // Decided only when its record is on disk: until then nobody is greeted, and the keeper stays.
    finish({ code: null, signal: null, at: Date.now(), error: failure }, message, settled);
  };
  let child: ChildProcess;
  try {
    const refused = obstacle(request);
    if (refused) return fail(refused);
    child = spawnProcess(place, request);
  } catch (error) {
    return fail(explain(error as NodeJS.ErrnoException, request));
  }
  if (child.pid === undefined) {
    child.once('error', (error) => fail(explain(error, request)));
    return;
  }
  crashPoint('spawn.after-spawn');
  const leader = { pid: child.pid, pgid: child.pid, startTime: readStartTimeOfChild(child.pid), bootId: systemBootId() };
  const at = Date.now();
  // Should the disk be full, the mark still finds the process, and exit.json has its space already.
  const settle = setTimeout(() => flushStarted?.(), startedFlushMs);
  let flushStarted: (() => void) | null = null;
  try {
    flushStarted = placeWhole(folder, runFiles.started, { ...leader, at });
  } catch (error) {
    complain(error as Error);
  }
  crashPoint('spawn.after-started-file');
  const deadline = guard(child, request, hooks);
  hooks.onStarted({ id, leader, at, guardDeadline: deadline.arm });
  hooks.tell({ type: 'started', id, leader, at });
  settled();
  child.on('error', () => {});
  // 'exit', not 'close': a grandchild that holds the output open does not keep the run running.
  child.once('exit', (code, signal) => {
    deadline.stop();
    clearTimeout(settle);
    crashPoint('exit.before-exit-file');
    const record = { code, signal, at: Date.now(), byDeadline: deadline.fired() };
    finish(record, { type: 'exited', id, ...record }, () => hooks.onEnded(id));
  });
}

/** What would make the spawn fail with a misleading error: a missing folder gives the same ENOENT as a missing command. */
function obstacle({ launch }: Request): Failure | null {
  const folder = statSync(launch.cwd, { throwIfNoEntry: false });
  if (!folder?.isDirectory()) return { code: 'cwd_missing', message: `The work folder ${launch.cwd} does not exist.` };
  return null;
}

function spawnProcess({ home, umask }: Place, { id, launch }: Request): ChildProcess {
  const folder = join(home, 'runs', id);
  // The mark is set here, where it cannot be forgotten: it is how every process of this run is found. A login shell may have
  // another PATH, so a run is told where clip itself is.
  const env = { ...readEnvironment(folder), ...variablesOf(launch), CLIP_HOME: home, CLIP_BIN: join(home, 'bin', 'clip'), CLIP_RUN_ID: id };
  const opened: number[] = [];
  const open = (path: string, flags: string) => {
    const fd = openSync(path, flags, 0o600);
    opened.push(fd);
    return fd;
  };
  try {
    const stdin = launch.stdin === null ? 'ignore' : openInput(launch.stdin, opened);
    const stdout = open(join(folder, runFiles.stdout), 'a');
    const stderr = launch.mergeOutput ? stdout : open(join(folder, runFiles.stderr), 'a');
    const [command = '', ...args] = launch.argv;
    return withUmask(umask, () => spawn(command, args, { cwd: launch.cwd, env, detached: true, stdio: [stdin, stdout, stderr] }));
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/** What only this launch has: a run that takes over the environment of another gets its own. */
function variablesOf({ token, task, continuation }: Request['launch']): NodeJS.ProcessEnv {
  return {
    ...(token === undefined ? {} : { CLIP_RUN_TOKEN: token }),
    ...(task === null ? {} : { CLIP_TASK: String(task) }),
    ...(continuation == null ? {} : { CLIP_CONTINUATION: String(continuation) }),
  };
}

/** A named pipe would be waited for, and here nobody may wait: only a regular file is opened. */
function openInput(path: string, opened: number[]): number {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  opened.push(fd);
  if (fstatSync(fd).isFile()) return fd;
  throw Object.assign(new Error('it is no regular file'), { code: 'EINVAL', path });
}

/** What the daemon stored for this run, without what belongs to another run or to us. */
function readEnvironment(folder: string): NodeJS.ProcessEnv {
  const env = parseEnvironment(readRegularFile(join(folder, runFiles.env), environmentBytesMax).toString('utf8'));
  for (const name of [...runVariables, roleVariable, 'CLIP_FAILPOINT']) delete env[name];
  return env;
}

/** Damaged from outside. What the parser says of it would quote the values. */
function parseEnvironment(text: string): NodeJS.ProcessEnv {
  try {
    const env = JSON.parse(text) as Record<string, string> | null;
    if (typeof env === 'object' && env !== null && Object.values(env).every((value) => typeof value === 'string')) return env;
  } catch {
    // Said below, without a word of what it holds.
  }
  throw Object.assign(new Error('damaged'), { code: 'EBADENV' });
}

function explain(error: NodeJS.ErrnoException, { launch }: Request): Failure {
  const command = launch.argv[0];
  if (launch.stdin !== null && error.path === launch.stdin)
    return { code: 'launch_failed', message: `The input file ${launch.stdin} cannot be read: ${error.message}` };
  switch (error.code) {
    case 'ENOENT':
      if (error.path?.endsWith(runFiles.env)) return { code: 'launch_failed', message: 'The environment stored for this run is gone.' };
      return { code: 'command_not_found', message: `The command ${command} was not found.` };
    case 'EBADENV':
      return { code: 'launch_failed', message: 'The environment stored for this run is damaged.' };
    case 'EACCES':
      return { code: 'not_executable', message: `The command ${command} may not be executed.` };
    case 'E2BIG':
      return { code: 'launch_failed', message: `The arguments and the environment of ${command} are too long for the system.` };
    case 'ERR_INVALID_ARG_VALUE':
      // Its message quotes the value, which may be a secret.
      return { code: 'launch_failed', message: `${command} could not be started: an argument or a variable holds a NUL character.` };
    default:
      return { code: 'launch_failed', message: `${command} could not be started: ${error.message}` };
  }
}

/** Ends the process at its deadline, but only while no daemon is there to do it better. */
function guard(child: ChildProcess, { launch }: Request, hooks: Hooks) {
  let timer: NodeJS.Timeout | null = null;
  let fired = false;
  // Reckoned without the clock on the wall, which may be set.
  const due = launch.deadlineAt === null ? null : performance.now() + launch.deadlineAt - Date.now();
  const signalGroup = (signal: NodeJS.Signals) => {
    // Not reaped yet, so the pid is still this child's, and it leads its own group.
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined && child.pid > 1) {
      try {
        process.kill(-child.pid, signal);
      } catch (error) {
        complain(error as Error);
      }
    }
  };
  const arm = () => {
    if (due === null || fired) return;
    if (timer) clearTimeout(timer);
    const wait = Math.max(0, due - performance.now());
    timer = setTimeout(wait > timerMsMax ? arm : reached, Math.min(wait, timerMsMax));
  };
  const reached = () => {
    // A daemon stops the run with its whole family; when it goes, guardDeadline arms this again.
    if (hooks.daemonIsHere()) return;
    fired = true;
    signalGroup('SIGTERM');
    timer = setTimeout(() => signalGroup('SIGKILL'), launch.graceMs);
  };
  arm();
  return { arm, stop: () => timer && clearTimeout(timer), fired: () => fired };
}

/** The keeper outlives every trouble of the disk: what it could not write, it still says. */
function complain(error: Error): void {
  console.error(`${new Date().toISOString()} ${error.message}`);
}
