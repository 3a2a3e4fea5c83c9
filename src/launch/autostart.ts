/** Starts the daemon at login: writes the unit and informs the service manager. */
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { type BootCommand, canBeWritten, launchdAgent, pathsIn, systemdUnit } from './autostart-unit.ts';
import { roleVariable } from './daemon-environment.ts';
import { programCommand } from './launch.ts';

const unitName = 'clip.service';
const label = 'dev.clip.daemon';
const managerMs = 10_000;

export type BootStatus = {
  readonly manager: 'systemd' | 'launchd';
  readonly unit: string;
  readonly installed: boolean;
  /** Null when the service manager does not answer. */
  readonly enabled: boolean | null;
  readonly active: boolean | null;
  readonly node: string | null;
  /** A path that the unit names and that does not exist. Null when nothing is missing. */
  readonly missing: string | null;
};

/**
 * The result of enabling. `why`: the answer of the service manager, or that there is none; null on success.
 * `byHand`: the command to run while logged in.
 */
export type BootDone = { readonly unit: string; readonly why: string | null; readonly byHand: string };

/** Returns the service manager and the path of the unit, or null on a system with neither systemd nor launchd. */
export function bootPlace(
  env: NodeJS.ProcessEnv,
  platform = process.platform,
): { manager: BootStatus['manager']; unit: string } | null {
  const home = env['HOME'] || homedir();
  if (platform === 'darwin') return { manager: 'launchd', unit: join(home, 'Library/LaunchAgents', `${label}.plist`) };
  if (platform !== 'linux') return null;
  return { manager: 'systemd', unit: join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'systemd/user', unitName) };
}

/**
 * Returns the command of the daemon, as a direct child of the service manager. The environment of a login has a minimal
 * PATH, so the current one is included for agents.
 */
export function bootCommand(home: string, env: NodeJS.ProcessEnv): BootCommand {
  const kept = ['CLIP_HOME', 'XDG_STATE_HOME', 'XDG_CONFIG_HOME', 'PATH'].flatMap((name) =>
    env[name] ? [[name, env[name]] as const] : [],
  );
  return {
    argv: [...programCommand('clipd'), '--home', home, '--managed'],
    environment: {
      ...Object.fromEntries(kept),
      ...(env['CLIP_HOME'] ? { CLIP_HOME: home } : {}),
      [roleVariable]: 'daemon',
    },
  };
}

/** Writes the unit and enables it. `now`: also starts the daemon. Throws when no unit can be written here. */
export async function enableBoot(home: string, env: NodeJS.ProcessEnv, now: boolean): Promise<BootDone> {
  const place = placeOrThrow(env);
  const command = bootCommand(home, env);
  if (!canBeWritten(command)) throw new Error('A path with control characters cannot be written into a unit');
  put(
    place.unit,
    place.manager === 'systemd' ? systemdUnit(command) : launchdAgent(label, command, join(home, 'daemon.err')),
  );
  if (place.manager === 'launchd') {
    const argv = ['launchctl', 'bootstrap', `gui/${userInfo().uid}`, place.unit];
    // At the next login, launchd finds the unit in its folder.
    return { unit: place.unit, why: now ? await manager(argv, env) : null, byHand: argv.join(' ') };
  }
  const enable = ['systemctl', '--user', 'enable', ...(now ? ['--now'] : []), unitName];
  const why = (await manager(['systemctl', '--user', 'daemon-reload'], env)) ?? (await manager(enable, env));
  return { unit: place.unit, why, byHand: `systemctl --user daemon-reload && ${enable.join(' ')}` };
}

/** Removes the unit. A running daemon continues. Returns false when there was nothing to disable. */
export async function disableBoot(env: NodeJS.ProcessEnv): Promise<boolean> {
  const { manager: kind, unit } = placeOrThrow(env);
  const link = join(dirname(unit), 'default.target.wants', unitName);
  if (!existsSync(unit)) return false;
  if (kind === 'systemd') await manager(['systemctl', '--user', 'disable', unitName], env);
  rmSync(unit, { force: true });
  if (kind === 'systemd') {
    // Without a responding service manager, its link is removed here.
    rmSync(link, { force: true });
    await manager(['systemctl', '--user', 'daemon-reload'], env);
  }
  return true;
}

/** Returns the status, or null without a known service manager. */
export async function bootStatus(env: NodeJS.ProcessEnv): Promise<BootStatus | null> {
  const place = bootPlace(env);
  if (place === null) return null;
  const text = unitText(place.unit);
  const paths = text === null ? [] : pathsIn(text);
  const known =
    text === null || place.manager === 'launchd'
      ? null
      : await ask(['systemctl', '--user', 'is-enabled', unitName], env);
  const lives =
    text === null || place.manager === 'launchd'
      ? null
      : await ask(['systemctl', '--user', 'is-active', unitName], env);
  return {
    ...place,
    installed: text !== null,
    enabled: text === null ? false : place.manager === 'launchd' ? true : known === null ? null : known === 'enabled',
    active: lives === null ? null : lives === 'active',
    node: paths[0] ?? null,
    missing: missingIn(paths),
  };
}

/**
 * Returns a path that the unit names and that does not exist, so that the unit would start nothing. Returns null
 * without a unit, or when it is valid. Only reads files.
 */
export function missingForBoot(env: NodeJS.ProcessEnv): string | null {
  const place = bootPlace(env);
  const text = place === null ? null : unitText(place.unit);
  return text === null ? null : missingIn(pathsIn(text));
}

function missingIn(paths: readonly string[]): string | null {
  const [node, program] = paths;
  if (node !== undefined && !isThere(node, constants.X_OK)) return node;
  return program !== undefined && !isThere(program, constants.R_OK) ? program : null;
}

function isThere(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

function unitText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function placeOrThrow(env: NodeJS.ProcessEnv): NonNullable<ReturnType<typeof bootPlace>> {
  const place = bootPlace(env);
  if (place === null) throw new Error('There is no service manager here that clip knows');
  return place;
}

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, text, { mode: 0o644 });
  renameSync(temporary, path);
}

/** Runs a command of the service manager. Returns null on success, otherwise the first line of its output. */
async function manager(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<string | null> {
  const { failed, stdout, stderr } = await called(argv, env);
  return failed === null ? null : ((stderr || stdout).trim().split('\n')[0] || failed).slice(0, 300).toWellFormed();
}

/** Returns the answer in one word, for any exit code, or null when the manager cannot be asked. */
async function ask(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<string | null> {
  const { stdout } = await called(argv, env);
  return stdout.trim().split('\n')[0] || null;
}

function called(
  [program = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ failed: string | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(program, args, { env, timeout: managerMs, maxBuffer: 2 ** 16 }, (error, stdout, stderr) => {
      const { code, message = '' } = (error ?? {}) as { code?: unknown; message?: string };
      resolve({
        failed: error === null ? null : code === 'ENOENT' ? `there is no ${program}` : message,
        stdout,
        stderr,
      });
    });
  });
}
