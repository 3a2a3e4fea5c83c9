/**
 * Installs the real agent CLIs, each in a folder outside of the repository. They are large and equal for every
 * checkout. An existing folder is complete: it is filled under a temporary name and then renamed.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type CliName, clis } from './agent-clis.ts';

/** The path of the program, or the reason why it is missing. */
export type Installed = { readonly path: string; readonly why: null } | { readonly path: null; readonly why: string };

const run = promisify(execFile);
const installMs = 600_000;
/** The first start after a boot reads several hundred megabytes from the disk. */
const firstStartMs = 120_000;

export async function install(name: CliName): Promise<Installed> {
  const { package: packageName, version } = clis[name];
  const cache = cacheFolder();
  const folder = join(cache, `${name}-${version}`);
  try {
    if (!existsSync(folder)) await fill(cache, folder, `${packageName}@${version}`);
    const path = programIn(folder, name);
    const { stdout } = await run(path, ['--version'], { timeout: firstStartMs, env: cleanEnvironment(), cwd: folder });
    if (!stdout.includes(version)) throw new Error(`it says it is ${stdout.trim()}, not ${version}`);
    return { path, why: null };
  } catch (error) {
    return { path: null, why: `${packageName}@${version}: ${firstLine(error)}` };
  }
}

function cacheFolder(): string {
  const { CLIP_AGENTS_CACHE: own, XDG_CACHE_HOME: caches } = process.env;
  return own || join(caches || join(homedir(), '.cache'), 'clip-test-agents');
}

const programIn = (folder: string, name: CliName) => join(folder, 'node_modules', '.bin', name);

async function fill(cache: string, folder: string, what: string): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const making = mkdtempSync(`${folder}.making-`);
  try {
    writeFileSync(join(making, 'package.json'), JSON.stringify({ private: true }));
    await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', what], {
      cwd: making,
      timeout: installMs,
      env: cleanEnvironment(),
    });
    renameSync(making, folder);
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    // Another process was faster. Its copy is equal.
    if (!existsSync(folder)) throw error;
  }
}

/** Returns the environment without the variables in which npm describes the current package to its scripts. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^npm_(package|lifecycle|config_local_prefix)/.test(key)),
  );
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n').slice(0, 3).join(' ').slice(0, 300);
}
