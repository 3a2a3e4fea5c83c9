/**
 * A systemd scope for a keeper: a control group delegated to it, in which it may create one for each run. It is
 * requested once per keeper, so that no run waits for D-Bus. Without a scope, the keeper uses its current group, if it
 * may.
 */
import { existsSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { findHelper } from './helper-program.ts';

export type ScopeCommand = { readonly argv: readonly string[]; readonly env: NodeJS.ProcessEnv };

/** The facts that the decision depends on. */
type Machine = {
  readonly platform: NodeJS.Platform;
  readonly uid: number;
  readonly user: string;
  readonly env: NodeJS.ProcessEnv;
  /** The text of /proc/self/cgroup. */
  readonly cgroup: string;
  readonly exists: (path: string) => boolean;
  readonly findHelper: (name: string) => string | null;
};

/**
 * Returns the command that creates a scope of this name and execs the command after it. Returns null when no scope is
 * available, or when one would do harm.
 */
export function scopeCommand(name: string, machine: Machine | null = thisMachine()): ScopeCommand | null {
  const program = machine?.findHelper('systemd-run') ?? null;
  if (machine === null || program === null || machine.platform !== 'linux') return null;
  const options = ['--scope', '--quiet', '--collect', '--property=Delegate=yes', `--unit=${name}`, '--'];
  if (machine.uid === 0) {
    if (!machine.exists('/run/systemd/system') || !machine.exists('/run/systemd/private')) return null;
    return { argv: [program, ...options], env: {} };
  }
  const runtime = machine.env['XDG_RUNTIME_DIR'] || `/run/user/${machine.uid}`;
  if (!machine.exists(join(runtime, 'systemd/private')) || !outlivesLogin(machine)) return null;
  return { argv: [program, '--user', ...options], env: { XDG_RUNTIME_DIR: runtime } };
}

/**
 * Returns whether a scope outlives the login. The user's manager ends with the last session unless the user lingers,
 * and takes its scopes along. A run that was started over ssh must survive the logout, so it must not be put there. A
 * process that is already below the manager loses nothing.
 */
function outlivesLogin({ uid, user, cgroup, exists }: Machine): boolean {
  return cgroup.includes(`/user@${uid}.service/`) || exists(`/var/lib/systemd/linger/${user}`);
}

function thisMachine(): Machine | null {
  try {
    const { uid, username: user } = userInfo();
    const cgroup = readFileSync('/proc/self/cgroup', 'utf8');
    const find = (name: string) => findHelper(name, process.env['PATH'] ?? '');
    return { platform: process.platform, uid, user, env: process.env, cgroup, exists: existsSync, findHelper: find };
  } catch {
    return null;
  }
}
