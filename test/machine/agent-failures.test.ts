import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunView } from '#protocol/answers.ts';
import { addSpeaker, codexSays } from '../support/agents.ts';
import { deep } from '../support/deep.ts';
import { program as clip, createHome, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const { session, words, command, done } = codexSays;
const well = [words('All is done.'), done(1_000, 20), { exit: 0 }];
const loseKeepers = async (home: TestHome) => {
  for (const keeper of home.pidsOf('keeper')) await home.kill(keeper);
};

describe('a run with a faulty stream', () => {
  it('may report invalid numbers, and the daemon can start again', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    await addSpeaker(home, [[session('s1'), command('a', 'make', 1.5), { await: gate }, ...well]]);
    const number = await home.submit(['--agent', 'coder', 'x']);
    await until('the command was read', async () => (await home.show(number)).evidence?.commands === 1);
    await home.kill(home.daemonPid());
    writeFileSync(gate, '');
    expect(await home.untilStatus(number, 'succeeded')).toMatchObject({ evidence: { commands: 1 } });
    expect((await home.clip(['retry', String(number)])).code).toBe(0);
  });

  it('is no success if its log is unreadable, and delays no other run', async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    await addSpeaker(home, [[session('s1'), { await: gate }, ...well]]);
    const number = await home.submit(['--agent', 'coder', 'x']);
    const { stdoutPath } = await until('the session of the run is known', async () => {
      const run = await home.show(number);
      return run.sessionIdAfter === null ? null : run;
    });
    renameSync(stdoutPath, `${stdoutPath}.away`);
    mkdirSync(stdoutPath);
    await home.kill(home.daemonPid());
    writeFileSync(gate, '');
    expect((await home.clip(['run', '-w', '--', 'true'])).code).toBe(0);
    const unread = {
      exitCode: 0,
      errorCode: 'stream_unreadable',
      errorBy: 'clip',
      error: expect.stringContaining('its standard output'),
    };
    expect(await home.untilStatus(number, 'failed')).toMatchObject(unread);
    rmSync(stdoutPath, { recursive: true });
  });

  it.each([
    ['is gone', (path: string) => rmSync(path)],
    [
      'is a symbolic link to a good one',
      (path: string) => [renameSync(path, `${path}.good`), symlinkSync(`${path}.good`, path)],
    ],
    ['is a pipe', (path: string) => [rmSync(path), execFileSync('mkfifo', [path])]],
    ['was put in the place of another', (path: string) => [renameSync(path, `${path}.old`), writeFileSync(path, '')]],
    [
      'is a copy with a good end in the place of the one that it writes',
      (path: string) => {
        renameSync(path, `${path}.old`);
        const good = [words('Done.'), done(1, 1)].map(({ say }) => `${JSON.stringify(say)}\n`).join('');
        writeFileSync(path, `${readFileSync(`${path}.old`, 'utf8')}${good}`);
      },
    ],
    ['was emptied and has grown again', (path: string) => truncateSync(path)],
  ])('is never a success when its log %s', deep, async (_, spoil) => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    // The run fails although it exits with 0, and its status says so.
    const more = Array.from({ length: 20 }, (_, n) => ({ say: { type: 'x', n } }));
    await addSpeaker(home, [[session('s1'), { await: gate }, codexSays.failed('It broke.'), ...more, { exit: 0 }]]);
    const number = await home.submit(['--agent', 'coder', 'x']);
    const { stdoutPath } = await until('the session of the run is known', async () => {
      const run = await home.show(number);
      return run.sessionIdAfter === null ? null : run;
    });
    spoil(stdoutPath);
    writeFileSync(gate, '');
    expect(await home.untilStatus(number, 'failed')).toMatchObject({ exitCode: 0, errorCode: 'stream_unreadable' });
  });

  it('is not timed out although reading its long log takes longer', {
    ...deep,
    timeout: 180_000,
  }, async () => {
    const home = createHome();
    const noise = join(home.base, 'noise');
    writeFileSync(noise, `${'{"type":"x"}\n'.repeat(6_000_000)}`);
    await addSpeaker(home, [[session('s1'), words('x'), done(1, 1), { exit: 0 }]]);
    const spoken = readFileSync(join(home.base, 'coder'), 'utf8');
    writeFileSync(join(home.base, 'coder'), spoken.replace('AGENT_SCRIPT', `cat ${noise}; AGENT_SCRIPT`));
    const number = await home.submit(['--timeout', '4s', '--agent', 'coder', 'x']);
    const run = await until(
      'the process has ended',
      async () => ((await home.show(number)).endedAt === null ? null : home.show(number)),
      120_000,
    );
    expect(run).toMatchObject({ status: 'succeeded', timeoutFired: false });
  });
});

describe('a run due for a retry', () => {
  it('ends even if it cannot be retried, and its history says why', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    await addSpeaker(home, [[session('s1'), { await: gate }, { exit: 0 }]]);
    const number = await home.submit(['--agent', 'coder', 'x']);
    const { id } = await until('the session of the run is known', async () => {
      const run = await home.show(number);
      return run.sessionIdAfter === null ? null : run;
    });
    rmSync(join(home.folder, 'runs', id, 'prompt.txt'));
    await loseKeepers(home);
    await until('the run is detached', async () => (await home.show(number)).errorCode === 'process_detached');
    writeFileSync(gate, '');
    expect(await home.untilStatus(number, 'failed')).toMatchObject({ errorCode: 'process_lost' });
    expect((await home.history(number)).find(({ type }) => type === 'retry-failed')?.data['message']).toContain(
      'not kept',
    );
    expect(readdirSync(join(home.folder, 'runs'))).toEqual([id]);
  });

  it('may have a prompt of the maximum length', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    await addSpeaker(home, [
      [session('s1'), { await: gate }, { exit: 0 }],
      [session('s1'), ...well],
    ]);
    const prompt = 'x'.repeat(16 * 2 ** 20 - 50);
    const number = Number((await home.clip(['run', '-q', '--agent', 'coder', '-'], { input: prompt })).stdout);
    await until('the session of the run is known', async () => (await home.show(number)).sessionIdAfter === 's1');
    await loseKeepers(home);
    await until('the run is detached', async () => (await home.show(number)).errorCode === 'process_detached');
    writeFileSync(gate, '');
    expect(await home.untilStatus(number + 1, 'succeeded')).toMatchObject({
      retryReason: 'process_lost',
      sessionIdBefore: 's1',
    });
  });

  it('is retried with current settings, unless its agent was removed', deep, async () => {
    const home = createHome();
    const { seen } = await addSpeaker(home, [[session('s1'), ...well]]);
    await home.clip(['run', '-w', '--agent', 'coder', 'x']);
    await home.clip(['agent', 'edit', 'coder', '--permission', 'edit', '--model', 'm2']);
    await home.clip(['retry', '1']);
    expect(await home.untilStatus(2, 'succeeded')).toMatchObject({ permission: 'edit', sessionIdBefore: 's1' });
    expect(seen()[1]?.argv.join(' ')).toContain('--sandbox workspace-write --model m2');
    await home.clip(['agent', 'rm', 'coder']);
    expect(await home.clip(['retry', '1'])).toMatchObject({ code: 5, stderr: expect.stringContaining('removed') });
    expect((await home.json<{ runs: RunView[] }>(['runs', '--agent', 'coder', '--json'])).runs).toHaveLength(2);
  });
});

describe('agents', () => {
  it('are started in batches, with own or default folders and prompts', deep, async () => {
    const home = createHome();
    const { seen } = await addSpeaker(home, [[session('s1'), ...well]], ['--cwd', home.base, '--env', 'COLOUR=red']);
    const lines = [{ agent: 'coder', prompt: 'one' }, { prompt: 'two' }, { command: ['true'], agent: null }]
      .map((line) => JSON.stringify(line))
      .join('\n');
    const batch = await home.clip(
      ['run', '--batch', '-', '--agent', 'coder', '--prompt-secret', '--env', 'COLOUR=blue', '-w'],
      {
        input: lines,
        cwd: '/',
      },
    );
    expect(batch.stdout).not.toContain('"error":{');
    expect(batch.code).toBe(0);
    expect(seen().map(({ stdin, cwd, colour }) => [stdin, cwd, colour])).toEqual([
      ['one', home.base, 'blue'],
      ['two', home.base, 'blue'],
    ]);
    const settled = await until('all runs have settled', async () => {
      const { runs } = await home.json<{ runs: RunView[] }>(['runs', '--json']);
      return runs.every((run) => run.settled) ? runs : null;
    });
    for (const { id } of settled) expect(readdirSync(join(home.folder, 'runs', id))).not.toContain('prompt.txt');
  });

  it('that call each other inside a run and wait do not deadlock', deep, async () => {
    const home = createHome();
    const call = (name: string) =>
      `#!/bin/sh\n[ -n "$INNER" ] || INNER=1 exec '${process.execPath}' '${clip}' run --wait --agent ${name} x\n`;
    for (const [name, other] of [
      ['aa', 'bb'],
      ['bb', 'aa'],
    ] as const) {
      writeFileSync(join(home.base, name), call(other), { mode: 0o755 });
      await home.clip([
        'agent',
        'add',
        name,
        '--adapter',
        'plain',
        '--command',
        join(home.base, name),
        '--share-worktree',
      ]);
    }
    const outer = [await home.submit(['--agent', 'aa', 'x']), await home.submit(['--agent', 'bb', 'x'])];
    expect((await home.clip(['wait', ...outer.map(String), '--timeout', '30s'])).code).toBe(0);
  });

  it('with a secret prompt file cannot reuse the key of another prompt', deep, async () => {
    const home = createHome();
    const mapping = { command: 'cat', prompt: 'file', start: { args: ['{{promptFile}}'] }, rules: [] };
    writeFileSync(join(home.base, 'm.json'), JSON.stringify(mapping));
    await home.clip(['agent', 'add', 'cat', '--mapping', 'm.json']);
    const first = await home.submit(['--key', 'k', '--prompt-secret', '--agent', 'cat', 'do A']);
    expect((await home.clip(['run', '--key', 'k', '--prompt-secret', '--agent', 'cat', 'do B'])).code).toBe(5);
    await until('the run has settled', async () => (await home.show(first)).settled);
    expect((await home.clip(['retry', String(first)])).code).toBe(5);
  });

  it('with a damaged file of variables say so, and work once it is removed', deep, async () => {
    const home = createHome();
    await addSpeaker(home, [[session('s1'), ...well]], ['--env', 'A=1']);
    const [file = ''] = readdirSync(join(home.folder, 'agents'));
    writeFileSync(join(home.folder, 'agents', file), '');
    expect(await home.clip(['run', '--agent', 'coder', 'x'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining(file),
    });
    rmSync(join(home.folder, 'agents', file));
    expect((await home.clip(['agent', 'edit', 'coder', '--env', 'A=2'])).code).toBe(0);
    expect((await home.clip(['run', '-w', '--agent', 'coder', 'x'])).code).toBe(0);
  });
});
