/** The kinds of containment. Each comes with a home that uses it. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRunGroups, ownGroup } from '#process/cgroup.ts';
import { configure } from './config.ts';
import { createHome, program, resultOf, type TestHome } from './home.ts';
import { until } from './until.ts';

export const isRoot = process.getuid?.() === 0;

/** Whether control groups can be created where the tests run: as root, or in a delegated group. */
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
/** The kinds in which the kernel identifies the processes of a run. */
export const kernelModes = modes.filter((mode) => mode !== 'marks alone');

/** Creates a home with this kind of containment and starts its daemon. */
export async function createHomeWith(mode: Mode, config = ''): Promise<TestHome> {
  const home = createHome();
  configure(home, `${mode === 'control groups' ? '' : 'containment = "mark"\n'}${config}`);
  // Without a finite hard limit on file locks, the limit cannot hold a number.
  const limited = mode === 'marks alone' ? ['prlimit', '--locks=1000:1000', '--'] : [];
  const [command = '', ...args] = [...limited, process.execPath, program, 'daemon', 'start'];
  const started = await resultOf(
    spawn(command, args, { env: home.env, cwd: home.base, stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  if (started.code !== 0) throw new Error(started.stderr);
  return home;
}

/** Returns whether a program is installed. Tests that need a missing program are skipped. */
export function has(name: string): boolean {
  return spawnSync('which', [name], { stdio: 'ignore' }).status === 0;
}

/** Reads the pid that a program has recorded. */
export function pidIn(path: string): Promise<number> {
  return until(`a pid is in ${path}`, () => (existsSync(path) ? Number(readFileSync(path, 'utf8').trim()) : 0));
}
