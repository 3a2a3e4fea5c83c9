/** Starting the daemon and the keeper, detached and with a clean environment. */
import { spawn } from 'node:child_process';
import { closeSync, fchmodSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Set in the environment of daemons and keepers; sweeps look for the same name (run/run.ts). */
export const roleVariable = 'CLIP_ROLE';

/**
 * Variables that belong to one run. They must be gone before exec: /proc shows the environment a
 * process was started with, whatever it deletes later.
 */
export const runVariables: readonly string[] = ['CLIP_RUN_ID', 'CLIP_RUN_TOKEN', 'CLIP_BIN', 'CLIP_TASK', 'CLIP_CONTINUATION'];

export function cleanEnvironment(from: NodeJS.ProcessEnv, role: 'daemon' | 'keeper'): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { ...from, [roleVariable]: role };
  for (const name of runVariables) delete environment[name];
  return environment;
}

/** The daemon's garbage is short-lived and small: a young generation of 1 MB and no spare compiler threads save a tenth of its memory. */
export const smallHeap = ['--max-semi-space-size=1', '--max-lazy', '--v8-pool-size=0'];

/** The program beside the one that runs now: all of them are bundled into one folder. */
export function programPath(name: 'clip' | 'clipd' | 'clip-keeper' | 'clip-http'): string {
  return join(dirname(dirname(fileURLToPath(import.meta.url))), 'bin', `${name}.js`);
}

/** Our own migrations, beside the programs. */
export function migrationsFolder(): string {
  return join(dirname(dirname(fileURLToPath(import.meta.url))), 'migrations');
}

/** Puts a command `clip` there, of the version that runs now: what starts it need not be on anybody's PATH. */
export function placeOwnCommand(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  writeFileSync(temporary, `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(programPath('clip'))} "$@"\n`, { mode: 0o700 });
  renameSync(temporary, path);
}

/**
 * Starts the daemon. With `notify`, its file descriptor 3 is a pipe on which it says one line when it
 * is ready or why it cannot be; `onLine` gets that line, or null when the pipe closed without one.
 */
export function launchDaemon(home: string, notify: ((line: string | null) => void) | null): void {
  const log = openLog(home, 'daemon.err');
  const child = spawn(process.execPath, [...smallHeap, programPath('clipd'), '--home', home], {
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

/** Runs the daemon as a child of this process, for a service manager: resolves to its exit code. */
export function runDaemon(home: string): Promise<number> {
  const child = spawn(process.execPath, [...smallHeap, programPath('clipd'), '--home', home, '--managed'], {
    env: { ...cleanEnvironment(process.env, 'daemon'), CLIP_HOME: home },
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
}

/** Starts a keeper that listens on `socketName` in the home. Runs inherit its umask, so it gets the user's, not ours. */
export function launchKeeper(home: string, socketName: string, umask: number): void {
  const log = openLog(home, 'keeper.err');
  try {
    const child = withUmask(umask, () =>
      spawn(process.execPath, [programPath('clip-keeper'), '--home', home, '--socket', socketName], {
        detached: true,
        cwd: home,
        env: { ...cleanEnvironment(process.env, 'keeper'), CLIP_HOME: home },
        stdio: ['ignore', log, log],
      }),
    );
    child.on('error', () => {});
    child.unref();
  } finally {
    closeSync(log);
  }
}

/** A process inherits the umask that holds while it is started. */
export function withUmask<T>(umask: number, start: () => T): T {
  const ours = process.umask(umask);
  try {
    return start();
  } finally {
    process.umask(ours);
  }
}

/** What a program says before it can log, or as it dies; empty in a healthy home. */
function openLog(home: string, name: string): number {
  const fd = openSync(join(home, name), 'a', 0o600);
  // A umask may take it away from its owner as well, and the next one could not write to it.
  fchmodSync(fd, 0o600);
  return fd;
}
