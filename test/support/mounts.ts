/** A mount that answers until it is suspended, like one whose server becomes unreachable. */
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { readStat } from '#process/process-birth.ts';
import { isRoot } from './containment.ts';
import { root } from './home.ts';
import { until } from './until.ts';

export type Mount = { readonly at: string; readonly stop: () => Promise<void>; readonly go: () => void };

/** Only root may mount, and not in every container. */
export const canMount = isRoot && mayOpen('/dev/fuse') && tryMount();

function mayOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function tryMount(): boolean {
  const at = mkdtempSync(join(tmpdir(), 'clip-mount-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', 'none', at], { stdio: 'ignore' }).status === 0;
  if (mounted) spawnSync('umount', [at]);
  rmSync(at, { recursive: true, force: true });
  return mounted;
}

/**
 * Mounts it in this folder and unmounts it at the end of the test. It contains a folder `work` and `input.txt` with
 * "hello".
 */
export async function createMount(base: string): Promise<Mount> {
  const at = join(base, 'mount');
  mkdirSync(at);
  const server = spawn(process.execPath, [join(root, 'test/fixtures/mounts/answers-until-stopped.mjs'), at], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    // Killing the server ends all pending requests.
    server.kill('SIGKILL');
    spawnSync('umount', ['-l', at]);
  });
  let said = '';
  server.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await until('the file system is mounted', () => said.includes('ready'));
  return {
    at,
    async stop() {
      server.kill('SIGSTOP');
      await until('the server is suspended', () => readStat(server.pid ?? 0)?.state === 'T');
    },
    go: () => void server.kill('SIGCONT'),
  };
}
