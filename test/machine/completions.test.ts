import { spawnSync } from 'node:child_process';
import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deep } from '../support/deep.ts';
import { createHome, program, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const has = (shell: string) => spawnSync(shell, ['--version']).status === 0;

/** The completions that each shell offers for `clip …`. The last word is the one under the cursor. */
const offers: Readonly<Record<string, (script: string, words: readonly string[]) => string[]>> = {
  bash: (script, words) => [
    '--norc',
    '-c',
    `source "$1"; shift; COMP_WORDS=(clip "$@"); COMP_CWORD=$#; _clip; printf '%s\\n' "\${COMPREPLY[@]}"`,
    'bash',
    script,
    ...words,
  ],
  zsh: (script, words) => [
    '-f',
    '-c',
    'compdef() {}; compadd() { print -l -- $says }; _files() { print files }; source $1; shift; words=(clip "$@"); CURRENT=$#words; _clip',
    'zsh',
    script,
    ...words,
  ],
  fish: (script, words) => ['--no-config', '-c', 'source $argv[1]; complete -C "clip $argv[2..-1]"', script, ...words],
};

async function offered(home: TestHome, shell: string, ...words: string[]): Promise<string> {
  const script = join(home.base, `clip.${shell}`);
  writeFileSync(script, (await home.clip(['completions', shell])).stdout);
  const { stdout, stderr } = spawnSync(shell, offers[shell]?.(script, words) ?? [], {
    encoding: 'utf8',
    cwd: home.base,
    env: { ...home.env, PATH: `${home.base}:${home.env['PATH']}` },
  });
  expect(stderr).toBe('');
  return stdout;
}

describe.each(Object.keys(offers).filter(has))('completion in %s', (shell) => {
  it('offers verbs, options and things of the home, and starts no daemon', {
    ...deep,
    timeout: 120_000,
  }, async () => {
    const home = createHome();
    symlinkSync(program, join(home.base, 'clip'));
    expect(await offered(home, shell, 'conf')).toMatch(/^config\b.*\n$/);
    expect(await offered(home, shell, 'task', 'bl')).toMatch(/^block\b.*\n$/);
    expect((await offered(home, shell, 'logs', '--stream', 'std')).trim().split(/\s+/).sort()).toEqual([
      'stderr',
      'stdout',
    ]);
    expect((await offered(home, shell, 'cancel', '')).trim()).toBe('');
    expect(home.pidsOf('daemon')).toEqual([]);
    await home.submit(['--name', 'server', '--', 'sleep', '1000']);
    await home.untilStatus('server', 'running');
    await home.clip(['task', 'add', 'Make it fast']);
    await home.clip(['agent', 'add', 'coder', '--adapter', 'plain', '--command', '/bin/true']);
    const runs = await offered(home, shell, 'cancel', '');
    for (const word of [/^1\b/m, /^server\b/m, /^@last\b/m]) expect(runs).toMatch(word);
    if (shell !== 'bash') expect(runs).toMatch(/^1\s+running: server/m);
    expect(await offered(home, shell, 'task', 'show', '')).toMatch(
      shell === 'bash' ? /^T1\n$/ : /^T1\s+todo: Make it fast\n$/,
    );
    expect(await offered(home, shell, 'run', '--agent', 'co')).toMatch(/^coder\b/);
    expect(await offered(home, shell, 'run', '--cwd', '')).toMatch(shell === 'zsh' ? /^files$/m : /^clip\.\w+$/m);
    await home.clip(['cancel', '--all']);
    await home.clip(['daemon', 'stop']);
    await until('the daemon has exited', () => home.pidsOf('daemon').length === 0);
    expect((await offered(home, shell, 'cancel', '')).trim()).toBe('');
  });
});

describe('a completion for a shell', () => {
  it('prints no error, whatever the home or the given words are', async () => {
    const home = createHome({ env: { CLIP_HOME: '/proc/nowhere' } });
    for (const words of [['cancel', ''], ['no', 'such', ''], ['run', '--nope', ''], []]) {
      expect(await home.clip(['completions', '--complete', ...words])).toMatchObject({ code: 0, stderr: '' });
    }
    expect((await home.clip(['completions', 'tcsh'])).code).toBe(2);
  });
});

describe.runIf(has('bash'))('completion in bash', () => {
  it('quotes names, so that nothing in them is run or falls apart', async () => {
    const home = createHome();
    symlinkSync(program, join(home.base, 'clip'));
    await home.submit(['--name', 'x y`touch pwned`$(touch pwned)*', '--', 'sleep', '1000']);
    const offer = (await offered(home, 'bash', 'logs', 'x')).trim();
    // This is what the shell runs after Tab and Enter.
    const { stdout } = spawnSync('bash', ['--norc', '-c', `printf '%s|' ${offer}`], {
      encoding: 'utf8',
      cwd: home.base,
    });
    expect([stdout, existsSync(join(home.base, 'pwned'))]).toEqual(['x y`touch pwned`$(touch pwned)*|', false]);
  });
});
