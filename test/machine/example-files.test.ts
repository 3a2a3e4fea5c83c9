import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunView } from '#protocol/answers.ts';
import { configure } from '../support/config.ts';
import { deep } from '../support/deep.ts';
import { createHome, root } from '../support/home.ts';
import { shellIn } from '../support/shell.ts';
import { until } from '../support/until.ts';

const folder = join(root, 'examples');
const example = (name: string) => join(folder, name);

describe('in examples/,', () => {
  it('all files are listed in the README', () => {
    const readme = readFileSync(example('README.md'), 'utf8');
    const listed = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, name]) => name);
    expect(
      readdirSync(folder)
        .filter((name) => name !== 'README.md')
        .sort(),
    ).toEqual(listed.sort());
  });

  it('hook.sh appends a line for a failed run', deep, async () => {
    const home = createHome();
    configure(home, `[hooks]\nfailed = [${JSON.stringify(example('hook.sh'))}]\n`);
    const failures = join(home.base, 'failures.txt');
    await home.clip(['run', '--wait', '--', 'sh', '-c', 'exit 3'], { env: { FAILURES: failures } });
    await until('the hook has written its file', () => existsSync(failures) && readFileSync(failures, 'utf8') !== '');
    expect(readFileSync(failures, 'utf8')).toMatch(/^\S+ run 1 failed: Exited with code 3\.\n$/);
  });

  it('batch.jsonl runs as a batch, and its keys allow a second submission', deep, async () => {
    const home = createHome();
    expect((await home.clip(['run', '--batch', example('batch.jsonl'), '--wait'])).code).toBe(0);
    const { runs } = await home.json<{ runs: RunView[] }>(['runs', '--json']);
    expect(runs.map(({ name, status }) => [name, status]).reverse()).toEqual(
      ['fetch', 'lint', 'test', 'migrate'].map((name) => [name, 'succeeded']),
    );
    expect((await home.json<{ runs: RunView[] }>(['runs', '--json', '--name', 'migrate'])).runs).toHaveLength(1);
  });

  it('pipeline.sh stops the other command on a failure, with its code', deep, async () => {
    const home = createHome();
    const { code } = await shellIn(home).paste(`${example('pipeline.sh')} 'exit 7' 'sleep 1000'`);
    expect(code).not.toBe(0);
    const { runs } = await home.json<{ runs: RunView[] }>(['runs', '--json']);
    expect(runs.map(({ status }) => status)).toEqual(['cancelled', 'failed']);
  });

  it('smith.json describes the agent smith with session, tools and tokens', deep, async () => {
    const home = createHome();
    const bin = join(home.base, 'bin-smith');
    spawnSync('mkdir', ['-p', bin]);
    copyFileSync(example('smith'), join(bin, 'smith'));
    const env = { PATH: `${bin}:${home.env['PATH']}` };
    expect((await home.clip(['agent', 'add', 'smith', '--mapping', example('smith.json')], { env })).code).toBe(0);
    expect((await home.clip(['run', '--agent', 'smith', '--wait', 'fix', 'it'], { env })).code).toBe(0);
    expect(await home.show(1)).toMatchObject({
      sessionIdAfter: 's-1',
      lastMessage: 'I was asked: fix it',
      evidence: { commands: 1 },
      usage: { inputTokens: 1_000, outputTokens: 50, costUsd: 0.01 },
    });
  });

  it('prompt-template.md surrounds the prompt of a run', deep, async () => {
    const home = createHome();
    const agent = ['--adapter', 'plain', '--command', 'cat', '--prompt-template', example('prompt-template.md')];
    expect(await home.clip(['agent', 'add', 'echo', ...agent])).toMatchObject({ code: 0 });
    await home.clip(['run', '--agent', 'echo', '--wait', 'Sort the list.']);
    const { stdout } = await home.clip(['logs', '1', '--raw']);
    expect(stdout).toMatch(/^You are echo, and you work in \//);
    expect(stdout.trimEnd()).toMatch(/The task:\n\nSort the list\.$/);
  });

  it.skipIf(spawnSync('systemd-analyze', ['--version']).status !== 0)('the units are valid for systemd', deep, () => {
    for (const unit of ['clip-nightly.service', 'clip-nightly.timer']) {
      const { stderr } = spawnSync('systemd-analyze', ['verify', '--user', example(unit)], { encoding: 'utf8' });
      expect(stderr).not.toMatch(/clip-nightly/);
    }
  });
});
