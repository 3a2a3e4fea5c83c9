import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deep } from '../support/deep.ts';
import { createHome, program, resultOf, type TestHome } from '../support/home.ts';
import { onTerminal } from '../support/terminal.ts';

describe('the first run of a home', () => {
  it('prints three lines of explanation on a terminal, once', deep, async () => {
    const home = createHome();
    const first = await onTerminal(home, ['run', '--', 'true']);
    expect(first.split('\n').slice(0, 4)).toEqual([
      '1',
      expect.stringMatching(/^Run 1 is \w+\. It outlives this terminal/),
      expect.stringContaining('clip logs -f 1'),
      expect.stringContaining('clip cancel 1'),
    ]);
    expect(await onTerminal(home, ['run', '--', 'true'])).toMatch(/^2\nRun 2 is \w+\. Its output: clip logs -f 2\n$/);
  });

  it.each([
    ['with -q', ['-q'], /^1\n$/],
    ['with --json', ['--json'], /^\{.*\}\n$/],
  ])('prints no explanation %s', deep, async (_, options, all) => {
    const home = createHome();
    expect(await onTerminal(home, ['run', ...options, '--', 'true'])).toMatch(all);
  });

  it('prints its number alone where the output is no terminal', async () => {
    expect(await createHome().clip(['run', '--', 'true'])).toMatchObject({ stdout: '1\n', stderr: '' });
  });
});

describe('a mistyped verb, option or name', () => {
  it('is answered with a suggestion', deep, async () => {
    const home = createHome();
    await home.submit(['--name', 'build', '--', 'true']);
    await home.clip(['agent', 'add', 'coder', '--adapter', 'codex']);
    const slips: [args: string[], code: number, meant: string][] = [
      [['rnus'], 2, 'runs'],
      [['run', '--timout', '3s', '--', 'true'], 2, '--timeout'],
      [['task', 'lsit'], 2, 'list'],
      [['task', 'doc', 'gte', 'T1', 'plan'], 2, 'get'],
      [['agent', 'show', 'codr'], 3, 'coder'],
      [['run', '--agent', 'codr', 'x'], 3, 'coder'],
      [['task', 'add', 'x', '--assign', 'codr'], 3, 'coder'],
      [['show', 'buidl'], 3, 'build'],
      [['cancel', 'buidl'], 3, 'build'],
      [['run', '--after', 'buidl', '--', 'true'], 3, 'build'],
      [['help', 'cancle'], 2, 'cancel'],
      [['help', 'task', 'ad'], 2, 'add'],
    ];
    for (const [args, code, meant] of slips) {
      const result = await home.clip(args);
      expect([args, result.code, result.stdout, result.stderr]).toEqual([
        args,
        code,
        '',
        expect.stringMatching(new RegExp(`\\n +Did you mean ${meant}\\?\\n$`)),
      ]);
    }
  });
});

describe('an empty list', () => {
  it('names the next step, for every kind of list', deep, async () => {
    const home = createHome();
    const lists: [args: string[], next: string][] = [
      [['runs'], 'clip run -- COMMAND'],
      [['runs', '--failed'], 'clip runs --all'],
      [['task', 'list'], 'clip task add'],
      [['task', 'list', '--status', 'done'], 'clip task list --all'],
      [['agent', 'list'], 'clip agent add'],
      [['group', 'list'], 'clip group set'],
      [['ledger'], 'clip run --agent'],
      [['events'], 'clip run -- COMMAND'],
    ];
    for (const [args, next] of lists)
      expect([args, await home.clip(args)]).toEqual([
        args,
        { code: 0, signal: null, stdout: '', stderr: expect.stringContaining(next) },
      ]);
    await home.clip(['task', 'add', 'x']);
    expect((await home.clip(['task', 'doc', 'list', 'T1'])).stderr).toContain('clip task doc put');
    await home.clip(['daemon', 'stop']);
    expect(await home.clip(['status'])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('clip daemon start'),
    });
  });
});

/**
 * Starts a wait on a terminal of this width, whose results are redirected. Returns what it writes to standard error,
 * byte for byte.
 */
async function waitOn(home: TestHome, args: readonly string[], columns: number): Promise<string> {
  const line = ['node', program, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn(
    'script',
    ['-qec', `stty -opost cols ${columns}; ${line} > ${join(home.base, 'out')}`, '/dev/null'],
    {
      env: { ...home.env, TERM: 'xterm' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  return (await resultOf(child)).stdout;
}

const wipe = '\r\u001b[2K';

describe('a long wait on a terminal', () => {
  it('shows one line that fits the width and is gone at the end', deep, async () => {
    const home = createHome();
    const number = await home.submit(['--', 'sleep', '5']);
    const seen = await waitOn(home, ['wait', String(number)], 40);
    const lines = seen.split(wipe).filter((each) => each !== '');
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.every((each) => /^Waiting for run 1 to end, \d s$/.test(each))).toBe(true);
    expect(seen.endsWith(wipe)).toBe(true);
    const numbers = [await home.submit(['--', 'sleep', '5']), await home.submit(['--', 'sleep', '5'])].map(String);
    const narrow = (await waitOn(home, ['wait', ...numbers], 20)).split(wipe).filter((each) => each !== '');
    // On a busy machine the first run may already have ended.
    expect(narrow[0]).toMatch(/^Waiting for [12] of 2…$/);
  });

  it('shows no line when it is short, or with -q or --json', deep, async () => {
    const home = createHome();
    expect(await waitOn(home, ['run', '--wait', '-q', '--', 'sleep', '1.5'], 80)).not.toContain('Waiting');
    expect(await waitOn(home, ['wait', '--json', String(await home.submit(['--', 'sleep', '1.5']))], 80)).toBe('');
    expect(await waitOn(home, ['wait', '1'], 80)).toBe('');
  });

  it('names the processes that a stop waits for, and leaves no line', deep, async () => {
    const home = createHome();
    await home.submit(['--', 'sh', '-c', 'trap "" TERM; sleep 1000; sleep 1000']);
    await home.untilStatus(1, 'running');
    const seen = await waitOn(home, ['cancel', '1', '--grace', '2s'], 80);
    expect(seen).toContain(`${wipe}Stopping run 1, `);
    expect(seen.endsWith(wipe)).toBe(true);
  });
});
