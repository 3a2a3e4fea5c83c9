/** A home with one agent: a real CLI that uses the model on loopback, in a repository of its own. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { inject } from 'vitest';
import type { RunView } from '#protocol/answers.ts';
import type { Permission } from '#run/agent.ts';
import { type CliName, clis, isPreset } from './agent-clis.ts';
import { createHome, isAlive, marked, program, type TestHome } from './home.ts';
import { until } from './until.ts';

/** A request that the model received. */
export type ModelRequest = {
  readonly event: string;
  readonly runKey?: string;
  /** True for a request of the CLI itself, for example for the title of the session. */
  readonly side: boolean;
  readonly bytes: number;
  readonly action: string;
  /** The usage that the model reported for the request, or null when it refused the request. */
  readonly usage: { readonly in: number; readonly out: number } | null;
  /** The beginning of each prompt of the session. */
  readonly typed: readonly string[];
  /** The newest prompt, which is cut only if it is very long. */
  readonly prompt: string;
};

/** An upper bound. The first start takes long on a busy machine. */
const waitMsMax = 90_000;

export async function createAgentHome(
  name: CliName,
  scenario: string,
  given: { model?: string; permission?: Permission; options?: readonly string[] } = {},
) {
  const { model, permission, options: more } = { model: clis[name].model, permission: 'full', options: [], ...given };
  const { path } = inject('programs')[name];
  if (path === null) throw new Error(`${name} is not installed.`);
  const home: TestHome = createHome();
  const work = join(home.base, 'work');
  const agentHome = join(home.base, 'agent');
  const temporary = join(home.base, 'tmp');
  const bin = join(home.base, 'bin');
  const elsewhere = join(home.base, 'elsewhere');
  for (const folder of [work, agentHome, temporary, bin, elsewhere]) mkdirSync(folder);
  // The caller's shell is in another folder than the agent: opencode prefers PWD to its work folder.
  Object.assign(home.env, { PWD: elsewhere, OLDPWD: temporary });
  symlinkSync(program, join(bin, 'clip'));
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.invalid', ...args], {
      cwd: work,
      stdio: 'pipe',
    });
  git('init', '-q');
  git('commit', '-q', '--allow-empty', '-m', 'Begin');

  const key = basename(home.base);
  const PATH = `${bin}:${home.env['PATH']}`;
  // Codex runs its tools in login shells, which make their own PATH.
  writeFileSync(join(agentHome, '.profile'), `PATH='${PATH}'\n`);
  const variables = {
    HOME: agentHome,
    TMPDIR: temporary,
    PATH,
    ...clis[name].environment(`${inject('model')}/s/${scenario}@${key}`, agentHome),
  };
  const settings = [
    isPreset(name) ? '--preset' : '--adapter',
    name,
    '--command',
    path,
    '--model',
    model,
    '--permission',
    permission,
    '--cwd',
    work,
    ...more,
  ];
  const added = await home.clip([
    'agent',
    'add',
    name,
    ...settings,
    ...Object.entries(variables).flatMap(([variable, value]) => ['--env', `${variable}=${value}`]),
  ]);
  if (added.code !== 0) throw new Error(`clip agent add failed (exit ${added.code}): ${added.stderr}`);

  /** Starts a run, waits for its end and returns it. */
  async function run(...options: string[]): Promise<RunView> {
    const result = await home.clip(['run', '--agent', name, '--json', '--wait', ...options, 'Please do the task']);
    if (result.stdout === '') throw new Error(`clip run printed nothing (exit ${result.code}): ${result.stderr}`);
    return (JSON.parse(result.stdout) as { run: RunView }).run;
  }

  /** Starts a run and returns its number. */
  const begin = (...options: string[]): Promise<number> =>
    home.submit(['--agent', name, ...options, 'Please do the task']);

  const ended = async (ref: number): Promise<RunView> => {
    await home.clip(['wait', String(ref)]);
    return home.show(ref);
  };

  /** Repeats a run in its session. */
  const again = async ({ number }: RunView): Promise<RunView> => {
    const { runs } = await home.json<{ runs: RunView[] }>(['retry', String(number), '--json']);
    return ended(runs[0]?.number ?? Number.NaN);
  };

  const untilSettled = (ref: number): Promise<RunView> =>
    until(
      'the run has settled',
      async () => {
        const run = await home.show(ref);
        return run.settled ? run : null;
      },
      waitMsMax,
    );

  const file = (relative: string): string => join(work, relative);
  const untilFile = (relative: string): Promise<true> =>
    until(`there is a file ${relative}`, () => existsSync(file(relative)) || null, waitMsMax);

  /** Returns the requests for this agent's own work so far. */
  const requests = (): ModelRequest[] =>
    readFileSync(inject('requests'), 'utf8')
      .split('\n')
      .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as ModelRequest]))
      .filter(({ event, runKey, side }) => event === 'model' && runKey === key && !side);
  const untilAsked = (): Promise<true> =>
    until('the model received a request', () => requests().length > 0 || null, waitMsMax);

  /** Returns the living pids of a tool and of the run's processes. */
  const leftOf = (id: string, pidFile: string | null): number[] => {
    const tool = pidFile !== null && existsSync(file(pidFile)) ? [Number(readFileSync(file(pidFile), 'utf8'))] : [];
    return [...new Set([...marked(id), ...tool.filter(isAlive)])];
  };

  return { ...home, agentHome, run, begin, ended, again, untilSettled, file, untilFile, untilAsked, requests, leftOf };
}

/** Returns the usage that the model reported for these requests. */
export function tokensOf(requests: readonly ModelRequest[]): { inputTokens: number; outputTokens: number } {
  const outputOf = (action: string) => {
    const said = /^text (\d+)/.exec(action)?.[1];
    return said === undefined ? 20 : Math.max(1, Math.ceil(Number(said) / 4));
  };
  return {
    inputTokens: requests.reduce((sum, { bytes }) => sum + Math.ceil(bytes / 4), 0),
    outputTokens: requests.reduce((sum, { action }) => sum + outputOf(action), 0),
  };
}
