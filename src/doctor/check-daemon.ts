/** Checks the daemon and its keepers, from what the daemon reports about itself. */
import { existsSync } from 'node:fs';
import type { Home } from '#config/home.ts';
import type { Containment } from '#run/leader.ts';
import { type Check, ok } from './check.ts';

/** What the daemon reports about itself. Null when it does not answer. */
export type DaemonSays = {
  readonly pid: number;
  readonly version: string;
  readonly keepers: readonly KeeperSays[];
  readonly trouble?: { readonly code: string; readonly message: string; readonly hint: string | null } | null;
} | null;

type KeeperSays = {
  readonly pid: number;
  readonly runs: number;
  readonly answers?: boolean;
  readonly containment?: Containment;
  readonly kernelMark?: boolean;
};

/** Checks the socket of a daemon that does not answer. */
export function checkSocket(home: Home): Check {
  if (!existsSync(home.socket)) return ok('daemon', 'does not run; the next run starts it');
  return {
    name: 'daemon',
    state: 'warning',
    says: `does not answer, but its socket ${home.socket} is there`,
    todo: 'The next run starts it and replaces the socket.',
  };
}

/** Checks whether a keeper is there for the next run, and whether all of them answer. */
export function checkKeepers({ keepers }: NonNullable<DaemonSays>): Check {
  if (keepers.length === 0)
    return {
      name: 'keeper',
      state: 'warning',
      says: 'none is there',
      todo: 'One is started for the next run; if not, see clip daemon logs.',
    };
  const silent = keepers.filter(({ answers }) => answers === false);
  if (silent.length > 0)
    return {
      name: 'keeper',
      state: 'warning',
      says: `pid ${silent.map(({ pid }) => pid).join(', ')} does not answer; its runs go on, new ones go to another`,
      todo: `If it was stopped, continue it: kill -CONT ${silent.map(({ pid }) => pid).join(' ')}`,
    };
  return ok('keeper', keepers.map(({ pid, runs }) => `pid ${pid} with ${runs} runs`).join(', '));
}

/** Reports how the processes of new runs are identified, from the keepers that accept new runs. */
export function checkContainment({ keepers }: NonNullable<DaemonSays>): Check[] {
  const [keeper] = keepers.filter(({ containment }) => containment !== undefined).slice(-1);
  if (keeper === undefined) return [];
  if (keeper.containment === 'cgroup') return [ok('containment', 'each run is in a control group of its own')];
  if (keeper.kernelMark)
    return [
      ok('containment', 'by marks, one of which the kernel keeps; docs/RELIABILITY.md says what can hide from them'),
    ];
  if (process.platform !== 'linux')
    return [ok('containment', 'by marks; docs/RELIABILITY.md says what can hide from them')];
  return [
    {
      name: 'containment',
      state: 'warning',
      says: 'by marks that a process can take off: a program that writes over its environment as a daemon is not found',
      todo:
        'Install prlimit (util-linux), or start the daemon where it may make control groups: ' +
        'in a session with lingering (loginctl enable-linger).',
    },
  ];
}
