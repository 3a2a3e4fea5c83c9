/** A shell in a home, with `clip` on the PATH and a folder with something to work on. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type OpenHome, program, type Result, resultOf } from './home.ts';

export type Shell = {
  readonly folder: string;
  readonly env: Record<string, string>;
  readonly paste: (line: string) => Promise<Result>;
};

/**
 * Creates the shell. `endless`: matches commands that never end by themselves and are complete after their first line.
 */
export function shellIn(home: Pick<OpenHome, 'base' | 'env'>, endless: RegExp = /$^/): Shell {
  const bin = join(home.base, '.local/bin');
  const folder = join(home.base, 'project');
  for (const each of [bin, folder]) mkdirSync(each, { recursive: true });
  writeFileSync(join(bin, 'clip'), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
  chmodSync(join(bin, 'clip'), 0o755);
  writeFileSync(join(folder, 'Makefile'), 'test lint build:\n\t@echo $@ is fine\n');
  const env = { ...home.env, PATH: `${bin}:${home.env['PATH'] ?? ''}` };
  return { folder, env, paste: (line) => paste(line, endless.test(line), { env, folder }) };
}

async function paste(
  line: string,
  endless: boolean,
  { env, folder }: { env: Record<string, string>; folder: string },
): Promise<Result> {
  const child = spawn('bash', ['-uo', 'pipefail', '-c', line], {
    env,
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let text = '';
  let cut = false;
  child.stdout.on('data', (chunk) => {
    text += chunk;
    if (cut || !endless || !text.includes('\n')) return;
    cut = true;
    process.kill(-(child.pid as number), 'SIGTERM');
  });
  const result = await resultOf(child);
  return cut ? { ...result, code: 0, stdout: text.slice(0, text.lastIndexOf('\n') + 1) } : result;
}
