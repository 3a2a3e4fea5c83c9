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

export type Stage = ReturnType<typeof createStage>;

/** The demo ends much earlier. The limit is for a very busy machine. */
const patienceMs = 60_000;
const lookMs = 100;
const readMs = 1_500;

export function createStage({ look, print, env }: Context) {
  // The path is short, because a socket path is limited to 108 bytes.
  const folder = mkdtempSync(join(tmpdir(), 'clip-demo-'));
  const [home, project, bin] = [join(folder, 'home'), join(folder, 'project'), join(folder, 'bin')];
  const program = process.argv[1] ?? '';
  for (const each of [project, bin]) mkdirSync(each);
  writeFileSync(join(project, 'add.js'), 'module.exports = (a, b) => a - b;\n');
  writeFileSync(join(project, 'test.js'), "require('node:assert').equal(require('./add.js')(2, 2), 4);\n");
  writeScript('clip', `exec '${process.execPath}' '${program}' "$@"`);
  writeScript(
    'demo-agent',
    `exec '${process.execPath}' '${join(dirname(fileURLToPath(import.meta.url)), 'demo-agent.cjs')}' "$@"`,
  );
  const mapping = join(folder, 'scripted.json');
  writeFileSync(mapping, JSON.stringify(demoMapping, null, 2));
  const own: NodeJS.ProcessEnv = {
    ...withoutOurs(env),
    CLIP_HOME: home,
    XDG_CONFIG_HOME: join(folder, 'config'),
    PATH: `${bin}:${dirname(process.execPath)}:${env['PATH'] ?? ''}`,
  };
  let cleared: Promise<void> | null = null;

  function writeScript(name: string, line: string): void {
    const path = join(bin, name);
    writeFileSync(path, `#!/bin/sh\n${line}\n`);
    chmodSync(path, 0o755);
  }

  /** Runs a command as a person would type it, and prints its output. */
  async function type(...args: string[]): Promise<void> {
    print(paint(`$ clip ${formatCommand(args.map((arg) => arg.replace(`${folder}/`, '')))}`, 'cyan', look));
    const said = await clip('--color', look.colour ? 'always' : 'never', ...args);
    const text = `${said.stdout}${said.stderr}`.trimEnd();
    print(text.replace(/^(?=.)/gm, '  '));
  }

  async function clip(...args: string[]) {
    const said = await runOwnCommand(args, { env: own, cwd: project });
    if (said.code !== 0 && said.code !== 4)
      throw new ClipError(
        'failed',
        `clip ${args.join(' ')} ended with ${said.code}: ${said.stderr.trim()}`,
        'This is a bug in the demo, or in clip.',
      );
    return said;
  }

  async function json<T>(...args: string[]): Promise<T | null> {
    const { stdout } = await clip(...args, '--json');
    return stdout === '' ? null : (JSON.parse(stdout) as T);
  }

  return {
    mapping,
    type,
    /** Prints what happens. On a terminal it pauses to let the text be read. */
    async tell(...lines: string[]): Promise<void> {
      print(`\n${lines.map((line) => paint(line, 'bold', look)).join('\n')}`);
      if (look.width !== null) await sleep(readMs * lines.length);
    },
    kill(pid: number): void {
      print(paint(`$ kill -9 ${pid}`, 'cyan', look));
      process.kill(pid, 'SIGKILL');
    },
    runs: async (): Promise<readonly RunView[]> => (await json<{ runs: RunView[] }>('runs'))?.runs ?? [],
    async daemon(): Promise<DaemonAnswer & { running: boolean }> {
      return (
        (await json<DaemonAnswer>('daemon', 'status')) ??
        ({ running: false, pid: 0, keepers: [] as DaemonAnswer['keepers'] } as never)
      );
    },
    /** Waits until `find` returns a value. Throws when that takes too long. */
    async until<T>(what: string, find: () => Promise<T | null | undefined>): Promise<T> {
      for (const end = Date.now() + patienceMs; Date.now() < end; ) {
        const found = await find();
        if (found) return found;
        await sleep(lookMs);
      }
      throw new ClipError('failed', `The demo waited in vain until ${what}.`, 'This is a bug in the demo, or in clip.');
    },
    /** Removes all processes and files of the demo. */
    clear(): Promise<void> {
      cleared ??= runOwnCommand(['daemon', 'stop', '--cancel-runs'], {
        env: { ...own, CLIP_NO_SPAWN: '1' },
        cwd: folder,
      })
        .catch(() => null)
        .then(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
      return cleared;
    },
  };
}

/** Returns the environment without clip's variables, because the demo may itself be part of a run. */
function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('CLIP_')));
}
