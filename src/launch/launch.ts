/** Starts the daemon and the keeper, detached and with a clean environment. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, existsSync, fchmodSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment } from './daemon-environment.ts';
import { scopeCommand } from './systemd-scope.ts';

/**
 * Options for a small heap. The garbage of daemon and keeper is short-lived: a young generation of 1 MB and no spare
 * compiler threads save a tenth of their memory.
 */
const smallHeap = ['--max-semi-space-size=1', '--max-lazy', '--v8-pool-size=0'];

/** Keeps Node from opening a debugger on SIGUSR1. The option exists since 22.14 and 23.7. */
const noDebugger = canDisableDebugger() ? ['--disable-sigusr1'] : [];

function canDisableDebugger(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 23 || (major === 23 && minor >= 7) || (major === 22 && minor >= 14);
}

/** Returns the command that starts one of clip's background programs. */
export function programCommand(name: 'clipd' | 'clip-keeper' | 'clip-http'): readonly string[] {
  return [process.execPath, ...noDebugger, ...(name === 'clip-http' ? [] : smallHeap), programPath(name)];
}

/** Returns the path of a program. All programs are bundled into one folder. */
function programPath(name: 'clip' | 'clipd' | 'clip-keeper' | 'clip-http'): string {
  return join(dirname(dirname(fileURLToPath(import.meta.url))), 'bin', `${name}.js`);
}

/** Returns the folder of the migrations of this version. */
export function migrationsFolder(): string {
  return join(dirname(dirname(fileURLToPath(import.meta.url))), 'migrations');
}

/** Writes a command `clip` of the current version to this path, for runs whose PATH does not contain it. */
export function placeOwnCommand(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  writeFileSync(temporary, `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(programPath('clip'))} "$@"\n`, {
    mode: 0o700,
  });
  renameSync(temporary, path);
}

/**
 * Starts the daemon. With `notify`, its file descriptor 3 is a pipe. On it the daemon writes one line when it is ready,
 * or why it cannot start. `notify` gets that line, or null when the pipe closed without one.
 */
export function launchDaemon(home: string, notify: ((line: string | null) => void) | null): void {
  const log = openLog(home, 'daemon.err');
  const [node = '', ...program] = programCommand('clipd');
  const child = spawn(node, [...program, '--home', home], {
    detached: true,
    cwd: home,
    env: { ...cleanEnvironment(process.env, 'daemon'), CLIP_HOME: home },
    stdio: ['ignore', log, log, notify ? 'pipe' : 'ignore'],
  });
  closeSync(log);
  child.on('error', () => notify?.(null));
  child.unref();
  const pipe = child.stdio[3];
  if (!notify || !pipe || !('setEncoding' in pipe)) return;
  let text = '';
  pipe.setEncoding('utf8');
  pipe.on('data', (chunk: string) => {
    text += chunk;
  });
  pipe.on('close', () => notify(text.includes('\n') ? (text.split('\n')[0] ?? null) : null));
  pipe.on('error', () => {});
}

/** Runs the daemon as a child of this process, for a service manager. Resolves to its exit code. */
export function runDaemon(home: string, env: Readonly<Record<string, string>> = {}): Promise<number> {
  const [node = '', ...program] = programCommand('clipd');
  const child = spawn(node, [...program, '--home', home, '--managed'], {
    env: { ...cleanEnvironment(process.env, 'daemon'), CLIP_HOME: home, ...env },
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
}

/** How long a scope is awaited before the keeper is started without one. */
const scopeMs = 3_000;
/** Set once the service manager has failed. It is not awaited again. */
let scopesFail = false;

/**
 * Starts a keeper that listens on `socketName` in the home. Runs inherit its umask, so it gets the user's. With `scope`
 * it is put into a scope of the service manager, if one is available.
 */
export function launchKeeper(
  home: string,
  socketName: string,
  { umask, scope }: { readonly umask: number; readonly scope: boolean },
): void {
  const command = [...programCommand('clip-keeper'), '--home', home, '--socket', socketName];
  const scoped = scope && !scopesFail ? scopeCommand(`clip-${socketName.replace(/\.sock$/, '')}.scope`) : null;
  if (scoped === null) return void startKeeper(home, command, { umask });
  const child = startKeeper(home, [...scoped.argv, ...command], { umask, env: scoped.env });
  let settled = false;
  const without = () => {
    if (settled) return;
    settled = true;
    clearTimeout(patience);
    if (existsSync(join(home, socketName))) return;
    scopesFail = true;
    child.kill('SIGKILL');
    startKeeper(home, command, { umask });
  };
  const patience = setTimeout(without, scopeMs);
  patience.unref();
  child.on('error', without);
  // A keeper that is done exits with 0, and a killed one has a signal. Only a failed systemd-run has another exit code.
  child.on('exit', (code) => {
    if (code !== null && code !== 0) without();
    else clearTimeout(patience);
  });
}

type KeeperStart = { readonly umask: number; readonly env?: NodeJS.ProcessEnv };

function startKeeper(
  home: string,
  [program = '', ...args]: readonly string[],
  { umask, env = {} }: KeeperStart,
): ChildProcess {
  const log = openLog(home, 'keeper.err');
  try {
    const own = { ...cleanEnvironment(process.env, 'keeper'), ...env, CLIP_HOME: home };
    const child = withUmask(umask, () =>
      spawn(program, args, { detached: true, cwd: home, env: own, stdio: ['ignore', log, log] }),
    );
    child.on('error', () => {});
    child.unref();
    return child;
  } finally {
    closeSync(log);
  }
}

/** Starts a process with this umask, which it inherits. */
export function withUmask<T>(umask: number, start: () => T): T {
  const ours = process.umask(umask);
  try {
    return start();
  } finally {
    process.umask(ours);
  }
}

/** Opens the file for output before the log is open, or while the program dies. It is empty in a healthy home. */
function openLog(home: string, name: string): number {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
  const fd = openSync(join(home, name), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
  // A umask may remove the owner's permission as well, and the next process could not write to the file.
  fchmodSync(fd, 0o600);
  return fd;
}

/**
 * Returns the path of the file that marks a daemon as stopped on purpose. No keeper restarts the daemon while it
 * exists.
 */
export function stoppedMark(home: string): string {
  return join(home, 'daemon.stopped');
}
