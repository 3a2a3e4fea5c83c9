/** The ways in which runs are held together, each as a home in which it holds. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRunGroups, ownGroup } from '#process/cgroup.ts';
import { configure } from './config.ts';
import { createHome, program, resultOf, type TestHome } from './home.ts';
import { until } from './until.ts';

export const isRoot = process.getuid?.() === 0;

/** Whether control groups can be made where the tests run: as root, or in a group that was delegated. */
export const canGroup = ownGroup() !== null && tryGroups();

function tryGroups(): boolean {
  const groups = createRunGroups('0000abcd');
  groups?.close();
  return groups !== null;
}

export type Mode = 'control groups' | 'marks and numbers of the kernel' | 'marks alone';
export const modes: readonly Mode[] = [
  ...(canGroup ? (['control groups'] as const) : []),
  'marks and numbers of the kernel',
  'marks alone',
];
/** Those in which the kernel itself tells who belongs to a run. */
export const kernelModes = modes.filter((mode) => mode !== 'marks alone');

/** A home in which runs are held together this way; its daemon runs. */
export async function createHomeWith(mode: Mode, config = ''): Promise<TestHome> {
  const home = createHome();
  configure(home, `${mode === 'control groups' ? '' : 'containment = "mark"\n'}${config}`);
  // Without a hard limit on file locks that is none, no number can be kept there.
  const limited = mode === 'marks alone' ? ['prlimit', '--locks=1000:1000', '--'] : [];
  const [command = '', ...args] = [...limited, process.execPath, program, 'daemon', 'start'];
  const started = await resultOf(
    spawn(command, args, { env: home.env, cwd: home.base, stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  if (started.code !== 0) throw new Error(started.stderr);
  return home;
}

/** Whether a program of the system is there; tests of real programs are skipped where it is not. */
export function has(name: string): boolean {
  return spawnSync('which', [name], { stdio: 'ignore' }).status === 0;
}

/** The pid that a program has written down. */
export function pidIn(path: string): Promise<number> {
  return until(`a pid is in ${path}`, () => (existsSync(path) ? Number(readFileSync(path, 'utf8').trim()) : 0));
}
