/** clip as npm installs it: packed, and installed into an empty prefix. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { root } from './home.ts';

const run = promisify(execFile);
const folders = ['bin', 'migrations', 'skills', 'scripts', 'src', 'docs'];
const files = ['README.md', 'CHANGELOG.md', 'LICENSE', 'tsconfig.json'];

export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'clip-package-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs npm with this Node. Returns its standard output and its warnings. */
export async function npm(
  args: readonly string[],
  options: { node: string; cwd: string; env?: Record<string, string> },
): Promise<{ stdout: string; stderr: string }> {
  const env = {
    ...process.env,
    ...options.env,
    PATH: `${dirname(options.node)}:${process.env['PATH'] ?? ''}`,
    npm_config_fund: 'false',
    npm_config_audit: 'false',
    npm_config_update_notifier: 'false',
  };
  return run('npm', [...args, '--prefer-offline'], { cwd: options.cwd, env, maxBuffer: 2 ** 24 });
}

/** Returns the tarball of this tree, with another version if one is given. */
export async function packed(into: string, version: string | null): Promise<string> {
  let tree = root;
  if (version !== null) {
    tree = join(into, `tree-${version}`);
    mkdirSync(tree);
    for (const name of [...folders, ...files]) cpSync(join(root, name), join(tree, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
    writeFileSync(
      join(tree, 'package.json'),
      readFileSync(join(root, 'package.json'), 'utf8').replace(/"version": "[^"]*"/, `"version": "${version}"`),
    );
    await run(process.execPath, ['scripts/build.mjs'], { cwd: tree });
  }
  const { stdout } = await npm(['pack', '--ignore-scripts', '--pack-destination', into], {
    node: process.execPath,
    cwd: tree,
  });
  return join(into, stdout.trim().split('\n').at(-1) ?? '');
}
