/** The stage of the demo: a home and a project of its own, the real command line, and a narrator. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { demoMapping } from '#demo/mapping.ts';
import { runOwnCommand } from '#launch/run-cli.ts';
import type { DaemonAnswer, RunView } from '#protocol/answers.ts';
import { ClipError } from '#run/errors.ts';
import type { Context } from '../context.ts';
import { formatCommand } from '../format/format.ts';
import { paint } from '../terminal/style.ts';

/** The demo ends much earlier. The limit is for a very busy machine. */
const patienceMs = 60_000;
const lookMs = 100;
const readMs = 1_500;

/** A home and a project for one demo, in a temporary folder. */
export class Stage {
  readonly #context: Context;
  readonly #folder: string;
  readonly #project: string;
  readonly #env: NodeJS.ProcessEnv;
  #cleared: Promise<void> | null = null;

  /** Creates the folder with a project, a mapping, and the programs `clip` and `demo-agent`. */
  constructor(context: Context) {
    this.#context = context;
    // The path is short, because a socket path is limited to 108 bytes.
    this.#folder = mkdtempSync(join(tmpdir(), 'clip-demo-'));
    this.#project = join(this.#folder, 'project');
    const bin = join(this.#folder, 'bin');
    writeProject(this.#project);
    writePrograms(bin);
    writeFileSync(this.mapping, JSON.stringify(demoMapping, null, 2));
    this.#env = {
      ...withoutOurs(context.env),
      CLIP_HOME: join(this.#folder, 'home'),
      XDG_CONFIG_HOME: join(this.#folder, 'config'),
      PATH: `${bin}:${dirname(process.execPath)}:${context.env['PATH'] ?? ''}`,
    };
  }

  /** The file with the mapping of the scripted agent. */
  get mapping(): string {
    return join(this.#folder, 'scripted.json');
  }

  /** Runs a command as a person would type it, and prints its output. */
  async type(...args: string[]): Promise<void> {
    const { print, look } = this.#context;
    const typed = formatCommand(args.map((arg) => arg.replace(`${this.#folder}/`, '')));
    print(paint(`$ clip ${typed}`, 'cyan', look));
    const said = await this.#clip('--color', look.colour ? 'always' : 'never', ...args);
    const text = `${said.stdout}${said.stderr}`.trimEnd();
    print(text.replace(/^(?=.)/gm, '  '));
  }

  /** Prints what happens. On a terminal it pauses to let the text be read. */
  async tell(...lines: string[]): Promise<void> {
    const { print, look } = this.#context;
    print(`\n${lines.map((line) => paint(line, 'bold', look)).join('\n')}`);
    if (look.width !== null) await sleep(readMs * lines.length);
  }

  /** Kills a process, and prints the command that would do it. */
  kill(pid: number): void {
    const { print, look } = this.#context;
    print(paint(`$ kill -9 ${pid}`, 'cyan', look));
    process.kill(pid, 'SIGKILL');
  }

  /** Returns all runs, newest first. */
  async runs(): Promise<readonly RunView[]> {
    return (await this.#json<{ runs: RunView[] }>('runs'))?.runs ?? [];
  }

  /** Returns the daemon, also while none is running. */
  async daemon(): Promise<DaemonAnswer & { running: boolean }> {
    return (
      (await this.#json<DaemonAnswer>('daemon', 'status')) ??
      ({ running: false, pid: 0, keepers: [] as DaemonAnswer['keepers'] } as never)
    );
  }

  /** Waits until `find` returns a value. Throws when that takes too long. */
  async until<T>(what: string, find: () => Promise<T | null | undefined>): Promise<T> {
    for (const end = Date.now() + patienceMs; Date.now() < end; ) {
      const found = await find();
      if (found) return found;
      await sleep(lookMs);
    }
    throw new ClipError('failed', `The demo waited in vain until ${what}.`, 'This is a bug in the demo, or in clip.');
  }

  /** Removes all processes and files of the demo. */
  clear(): Promise<void> {
    this.#cleared ??= runOwnCommand(['daemon', 'stop', '--cancel-runs'], {
      env: { ...this.#env, CLIP_NO_SPAWN: '1' },
      cwd: this.#folder,
    })
      .catch(() => null)
      .then(() => rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
    return this.#cleared;
  }

  async #clip(...args: string[]) {
    const said = await runOwnCommand(args, { env: this.#env, cwd: this.#project });
    if (said.code !== 0 && said.code !== 4)
      throw new ClipError(
        'failed',
        `clip ${args.join(' ')} ended with ${said.code}: ${said.stderr.trim()}`,
        'This is a bug in the demo, or in clip.',
      );
    return said;
  }

  async #json<T>(...args: string[]): Promise<T | null> {
    const { stdout } = await this.#clip(...args, '--json');
    return stdout === '' ? null : (JSON.parse(stdout) as T);
  }
}

/** Writes a project with a wrong function and a test that fails. */
function writeProject(folder: string): void {
  mkdirSync(folder);
  writeFileSync(join(folder, 'add.js'), 'module.exports = (a, b) => a - b;\n');
  writeFileSync(join(folder, 'test.js'), "require('node:assert').equal(require('./add.js')(2, 2), 4);\n");
}

function writePrograms(folder: string): void {
  mkdirSync(folder);
  const agent = join(dirname(fileURLToPath(import.meta.url)), 'demo-agent.cjs');
  for (const [name, program] of [
    ['clip', process.argv[1] ?? ''],
    ['demo-agent', agent],
  ] as const) {
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
    chmodSync(path, 0o755);
  }
}

/** Returns the environment without clip's variables, because the demo may itself be part of a run. */
function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('CLIP_')));
}
