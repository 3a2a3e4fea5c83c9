/**
 * The real agent CLIs, each in a folder of its own outside the tree: they are large, and the same for
 * every checkout. A folder that is there is whole: it was filled under another name and then renamed.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type CliName, clis } from './agent-clis.ts';

/** Where its program is, or in words why it is not there. */
export type Installed = { readonly path: string; readonly why: null } | { readonly path: null; readonly why: string };

const run = promisify(execFile);
const installMs = 600_000;
/** The first start after a boot reads some hundred megabytes from a cold disk. */
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
    // Somebody else was faster: theirs is as good.
    if (!existsSync(folder)) throw error;
  }
}

/** Without what npm tells its scripts about the package they belong to: this is another one. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^npm_(package|lifecycle|config_local_prefix)/.test(key)),
  );
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n').slice(0, 3).join(' ').slice(0, 300);
}
