import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunView } from '#protocol/answers.ts';
import { addSpeaker } from '../support/agents.ts';
import { deep } from '../support/deep.ts';
import { createHome, type Result, resultOf, root, type TestHome } from '../support/home.ts';
import { shellIn } from '../support/shell.ts';

/** Returns the blocks of docs/recipes.md that show the API, as a person would paste them. */
function blocks(): string[] {
  return blocksOf(guide.replace(section('Recipes'), ''), 'sh').filter(
    (text) => text.includes('curl') && text.includes('--unix-socket'),
  );
}

const guide = readFileSync(join(root, 'docs/recipes.md'), 'utf8');
const operation = readFileSync(join(root, 'docs/operation.md'), 'utf8');

/** Returns the text from a heading to the next one of the same depth. */
function section(heading: string, text = guide): string {
  const [, depth = '##'] = new RegExp(`^(#+) ${heading}$`, 'm').exec(text) ?? [];
  return new RegExp(`^#+ ${heading}$.*?(?=^#{2,${depth.length}} |(?![\\s\\S]))`, 'ms').exec(text)?.[0] ?? '';
}

function blocksOf(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].flatMap(([, block]) =>
    block === undefined ? [] : [block],
  );
}

/** Runs a block with the home at its default path. An endless stream is cut after its first complete answer. */
async function paste(block: string, env: Record<string, string>, cwd: string): Promise<Result> {
  const endless = block.includes('follow=true');
  const child = spawn('bash', ['-euo', 'pipefail', '-c', block], {
    env,
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
    if (endless && text.includes('\n')) process.kill(-(child.pid as number), 'SIGTERM');
  });
  const result = await resultOf(child);
  return endless && result.signal === 'SIGTERM'
    ? { ...result, code: 0, stdout: text.slice(0, text.lastIndexOf('\n') + 1) }
    : result;
}

/** Parses one JSON document, or one document on each line. */
function parse(text: string): unknown[] {
  try {
    return [JSON.parse(text)];
  } catch {
    return text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [JSON.parse(line)]));
  }
}

describe('the page of recipes', () => {
  it('shows at least three requests to the API', () => {
    const requests =
      blocks()
        .join('\n')
        .match(/\bcurl\b[^\n]*--unix-socket/g) ?? [];
    expect(requests.length).toBeGreaterThanOrEqual(3);
  });

  it.each(blocks().map((block) => [block.trim().split('\n')[0], block]))(
    'describes the program: %s',
    deep,
    async (_, block) => {
      const home = createHome({ folder: '.local/state/clip' });
      await home.clip(['run', '--wait', '--', 'echo', 'hello']);
      const { CLIP_HOME: __, ...env } = home.env;
      const result = await paste(block as string, env, home.base);
      expect([result.code, result.stderr]).toEqual([0, '']);
      const answers = parse(result.stdout);
      expect(answers.length).toBeGreaterThan(0);
      for (const answer of answers) expect(answer).not.toHaveProperty('error');
    },
  );
});

const recipes = blocksOf(section('Recipes'), 'sh');

/** Creates a home at its default path, with an agent and some runs. */
async function livedIn(): Promise<{ home: TestHome; shell: ReturnType<typeof shellIn> }> {
  const home = createHome({ folder: '.local/state/clip' });
  const { CLIP_HOME: _, XDG_CONFIG_HOME: __, ...env } = home.env;
  await addSpeaker(home, [[{ exit: 0 }]]);
  await home.clip(['run', '--batch', '-', '--wait'], { input: '{"command":["true"]}\n{"command":["false"]}\n' });
  return { home, shell: shellIn({ base: home.base, env }) };
}

/** The output of each recipe, in the order of the page. */
const says = [
  /^$/,
  /^ready to push\n$/m,
  /^(Run \d+ cancelled .*\n){2}$/m,
  /^2\texit_nonzero\tfalse\n\{/m,
  /^2 failed\n1 succeeded\n$/,
  /.run 3 has ended with 0\n/,
  /all four are fine\n$/,
  /is changed/,
];

describe('a recipe', () => {
  it('is there for each case in the test', () => {
    expect(recipes).toHaveLength(says.length);
  });

  it.each(recipes.map((recipe, n) => ({ recipe, says: says[n] ?? /$^/, first: recipe.trim().split('\n')[0] })))(
    'works: $first',
    deep,
    async ({ recipe, says: wanted }) => {
      const { shell } = await livedIn();
      const { code, stdout, stderr } = await shell.paste(recipe);
      expect([code, stdout, stderr]).toEqual([0, expect.stringMatching(wanted), expect.not.stringContaining('clip: ')]);
    },
  );

  it('that stops at the first failure stops the other runs, and shows why', deep, async () => {
    const { home, shell } = await livedIn();
    writeFileSync(join(shell.folder, 'Makefile'), 'lint:\n\tsleep 1000\ntest:\n\t@echo broken; exit 1\n');
    expect((await shell.paste(recipes[0] ?? '')).stdout).toMatch(/^Run 3 cancelled .* 4 +✗ failed/s);
    expect(await home.show(3)).toMatchObject({ status: 'cancelled' });
  });

  it('for make runs its command, and exits with the code of the run', deep, async () => {
    const { home, shell } = await livedIn();
    writeFileSync(
      join(shell.folder, 'Makefile'),
      `lint test:\n\t@echo $@ is fine\n${blocksOf(section('Recipes'), 'makefile').join('')}`,
    );
    expect((await shell.paste('make check')).code).toBe(0);
    expect(await home.show(3)).toMatchObject({ status: 'succeeded', locks: [shell.folder] });
  });

  it('for cron submits one run, however often it is called', deep, async () => {
    const { home, shell } = await livedIn();
    const line = /^(?:\S+ ){5} *(.*)$/m.exec(blocksOf(section('Recipes'), 'crontab').join(''))?.[1] ?? '';
    // This is how cron changes a line before the shell gets it.
    const command = line.replaceAll('\\%', '%');
    for (const _ of [1, 2]) expect(await shell.paste(command)).toMatchObject({ code: 0, stdout: '3\n' });
    const { runs } = await home.json<{ runs: RunView[] }>(['runs', '--json']);
    expect(runs[0]).toMatchObject({ number: 3, cwd: shell.folder, effectiveTimeoutSec: 7_200 });
  });
});

describe('the removal of everything', () => {
  it('leaves no process and no file', deep, async () => {
    const { home, shell } = await livedIn();
    await home.submit(['--', 'sleep', '1000']);
    const [lines = ''] = blocksOf(section('Removing everything', operation), 'sh');
    expect((await shell.paste(lines)).code).toBe(0);
    expect([existsSync(home.folder), home.pidsOf('daemon'), home.pidsOf('keeper')]).toEqual([false, [], []]);
  });
});
