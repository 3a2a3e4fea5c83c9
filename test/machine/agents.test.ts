import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AgentView } from '#protocol/agents.ts';
import type { RunView } from '#protocol/answers.ts';
import { addSpeaker, codexSays } from '../support/agents.ts';
import { deep } from '../support/deep.ts';
import { createHome, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const shown = async (home: TestHome, name: string): Promise<AgentView> =>
  (await home.json<{ agent: AgentView }>(['agent', 'show', name, '--json'])).agent;

describe('an agent', () => {
  it("is added with its settings, and shown without its variables' values", async () => {
    const home = createHome();
    writeFileSync(join(home.base, 'template'), 'You are {{agent.role}}. {{prompt}}');
    const options = [
      '--model',
      'big',
      '--role',
      'reviewer',
      '--cwd',
      home.base,
      '--arg',
      '--x',
      '--arg',
      'y z',
      '--env',
      'TOKEN=hush-hush',
      '--timeout',
      '2h',
    ];
    const more = [
      '--silence',
      '20m',
      '--grace',
      '30s',
      '--concurrency',
      '3',
      '--prompt-template',
      'template',
      '--leftovers',
      'leave',
      '--permission',
      'full',
    ];
    const added = await home.clip(['agent', 'add', 'rev', '--adapter', 'claude', ...options, ...more]);
    expect(added).toMatchObject({ code: 0, stdout: 'Agent rev (claude, permission full) is added.\n' });
    expect(await shown(home, 'rev')).toMatchObject({
      name: 'rev',
      adapter: 'claude',
      command: null,
      model: 'big',
      role: 'reviewer',
      cwd: home.base,
      args: ['--x', 'y z'],
      env: ['TOKEN'],
      timeoutSec: 7_200,
      silenceSec: 1_200,
      graceSec: 30,
      concurrency: 3,
      promptTemplate: join(home.base, 'template'),
      leftovers: 'leave',
      permission: 'full',
      paused: false,
    });
    for (const verb of [['agent', 'show', 'rev'], ['agent', 'list'], ['events']])
      expect((await home.clip(verb)).stdout).not.toContain('hush-hush');
    for (const file of ['clip.db', 'clip.db-wal', 'daemon.log'])
      expect(readFileSync(join(home.folder, file)).includes('hush-hush')).toBe(false);
    const [kept = ''] = readdirSync(join(home.folder, 'agents'));
    expect(statSync(join(home.folder, 'agents', kept)).mode & 0o777).toBe(0o600);
  });

  it('has the permission ask unless another one is chosen', deep, async () => {
    const home = createHome();
    await home.clip(['agent', 'add', 'c', '--adapter', 'codex']);
    expect((await shown(home, 'c')).permission).toBe('ask');
  });

  it('is changed in the given settings alone, and "none" clears a setting', deep, async () => {
    const home = createHome();
    await home.clip([
      'agent',
      'add',
      'c',
      '--adapter',
      'codex',
      '--model',
      'm1',
      '--role',
      'r',
      '--env',
      'A=1',
      '--env',
      'B=2',
    ]);
    expect(
      (
        await home.clip([
          'agent',
          'edit',
          'c',
          '--model',
          'none',
          '--permission',
          'edit',
          '--env',
          'C=3',
          '--unset-env',
          'A',
        ])
      ).code,
    ).toBe(0);
    expect(await shown(home, 'c')).toMatchObject({ model: null, role: 'r', permission: 'edit', env: ['B', 'C'] });
    const times = (value: string) => ['--timeout', value, '--silence', value, '--grace', value];
    await home.clip(['agent', 'edit', 'c', ...times('1h')]);
    expect(await shown(home, 'c')).toMatchObject({ timeoutSec: 3_600, silenceSec: 3_600, graceSec: 3_600 });
    expect((await home.clip(['agent', 'edit', 'c', ...times('none')])).code).toBe(0);
    expect(await shown(home, 'c')).toMatchObject({ timeoutSec: null, silenceSec: null, graceSec: null });
  });

  it.each([
    [['agent', 'add', 'x'], 2, 'needs an adapter'],
    [['agent', 'add', 'x', '--adapter', 'cobol'], 2, 'cobol'],
    [['agent', 'add', '7', '--adapter', 'codex'], 2, 'all digits'],
    [['agent', 'add', 'x', '--adapter', 'plain'], 2, 'needs a command'],
    [['agent', 'add', 'x', '--adapter', 'http', '--command', 'ftp://x/'], 2, 'URL'],
    [['agent', 'add', 'c', '--adapter', 'codex'], 5, 'already'],
    [['agent', 'edit', 'nobody', '--model', 'm'], 3, 'There are: c'],
    [['agent', 'show', 'nobody'], 3, 'no agent nobody'],
    [['run', '--agent', 'nobody', 'hello'], 3, 'no agent nobody'],
    [['run', '--agent', 'c'], 2, 'needs a prompt'],
    [['run', '--agent', 'c', '   '], 2, 'needs a prompt'],
    [['run', '--agent', 'c', 'fix it', '--wate'], 2, "Unknown option '--wate' after the beginning of the prompt"],
    [['run', '--merge-output', '--agent', 'c', 'x'], 2, '--merge-output'],
    [['agent', 'add', 'x', '--adapter', 'http', '--command', 'http://me:pw@h/'], 2, 'header'],
    [['run', '--agent', 'c', '--stdin', 'f', 'fix it'], 2, '--prompt-file'],
    [['run', '--agent', 'c', '--prompt-file', 'nothing-here'], 3, 'nothing-here'],
    [['runs', '--agent', 'nobody'], 3, 'no agent nobody'],
  ] as const)('%j is refused with %i and a sentence', deep, async (args, code, words) => {
    const home = createHome();
    await home.clip(['agent', 'add', 'c', '--adapter', 'codex']);
    const refused = await home.clip(args);
    expect(refused.stderr).toContain(words);
    expect(refused.code).toBe(code);
  });

  it('is removed once it has no live run; its runs stay, and its name is free again', deep, async () => {
    const home = createHome();
    await addSpeaker(home, [[codexSays.session('s1')]]);
    const number = await home.submit(['--agent', 'coder', 'work']);
    expect(await home.clip(['agent', 'rm', 'coder'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('clip cancel --agent coder'),
    });
    expect((await home.clip(['cancel', '--agent', 'coder'])).code).toBe(0);
    expect((await home.clip(['agent', 'rm', 'coder'])).code).toBe(0);
    expect(await home.show(number)).toMatchObject({ agentName: 'coder', status: 'cancelled' });
    expect((await home.clip(['agent', 'show', 'coder'])).code).toBe(3);
    expect((await home.clip(['agent', 'add', 'coder', '--adapter', 'gemini'])).code).toBe(0);
  });

  it('paused with --now stops its runs, and continues when resumed', deep, async () => {
    const home = createHome();
    await addSpeaker(home, [
      [codexSays.session('s1')],
      [codexSays.session('s2'), codexSays.words('Done.'), codexSays.done(1, 1), { exit: 0 }],
    ]);
    const first = await home.submit(['--agent', 'coder', 'work']);
    await home.untilStatus(first, 'running');
    expect((await home.clip(['agent', 'pause', '--now', 'coder'])).stdout).toContain(`run ${first} is being stopped`);
    expect(await home.untilStatus(first, 'cancelled')).toMatchObject({
      stopReason: 'paused',
      errorCode: 'cancelled',
    });
    const second = await home.submit(['--agent', 'coder', 'more work']);
    expect(await home.show(second)).toMatchObject({
      status: 'queued',
      waitingFor: expect.stringContaining('clip agent resume coder'),
    });
    await home.clip(['agent', 'resume', 'coder']);
    await home.untilStatus(second, 'succeeded');
  });

  it('that is paused finishes its current run', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    await addSpeaker(home, [[codexSays.session('s1'), { await: gate }, codexSays.done(1, 1), { exit: 0 }]]);
    const number = await home.submit(['--agent', 'coder', 'work']);
    await home.untilStatus(number, 'running');
    await home.clip(['agent', 'pause', 'coder']);
    writeFileSync(gate, '');
    await home.untilStatus(number, 'succeeded');
  });

  it('runs as many at a time as its concurrency allows, each in another worktree', deep, async () => {
    const home = createHome();
    await addSpeaker(home, [[codexSays.session('s1')]], ['--share-worktree']);
    const runs = [await home.submit(['--agent', 'coder', 'one']), await home.submit(['--agent', 'coder', 'two'])];
    await home.untilStatus(runs[0] as number, 'running');
    expect((await home.show(runs[1] as number)).waitingFor).toBe('agent coder runs 1 at a time');
    await home.clip(['agent', 'edit', 'coder', '--concurrency', '2']);
    await home.untilStatus(runs[1] as number, 'running');
    await home.clip(['cancel', '--now', '--agent', 'coder']);
  });

  it('has its worktree to itself, whichever subfolder it works in', deep, async () => {
    const home = createHome();
    await addSpeaker(home, [[codexSays.session('s1')]], ['--concurrency', '5']);
    await home.clip([
      'run',
      '--',
      'sh',
      '-c',
      `mkdir -p ${home.base}/repo/.git ${home.base}/repo/deep/er ${home.base}/other`,
    ]);
    await until('the folders exist', () => statSync(join(home.base, 'other')));
    const first = await home.submit(['--cwd', `${home.base}/repo`, '--agent', 'coder', 'one']);
    await home.untilStatus(first, 'running');
    const second = await home.submit(['--cwd', `${home.base}/repo/deep/er`, '--agent', 'coder', 'two']);
    expect((await home.show(second)).waitingFor).toBe(`lock worktree:${home.base}/repo is held by run ${first}`);
    const elsewhere = await home.submit(['--cwd', `${home.base}/other`, '--agent', 'coder', 'three']);
    await home.untilStatus(elsewhere, 'running');
    await home.clip(['cancel', '--now', '--all']);
  });
});

describe('clip agent check', () => {
  it('reports the program, its version, that it starts, and its answer', deep, async () => {
    const home = createHome();
    await addSpeaker(home, [[codexSays.session('s1'), codexSays.words('ready'), codexSays.done(1, 1), { exit: 0 }]]);
    const checked = await home.clip(['agent', 'check', 'coder']);
    expect(checked.stdout.split('\n').slice(3, 5)).toEqual(['✓ starts   run 1', '✓ answers  ready']);
    expect(checked.stdout).toContain(`✓ found    ${home.base}/coder`);
  });

  it('names what is missing, and exits with 1', deep, async () => {
    const home = createHome();
    await home.clip(['agent', 'add', 'gone', '--adapter', 'codex', '--command', '/nowhere/codex']);
    expect(await home.clip(['agent', 'check', 'gone'])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('✗ found'),
    });
    await addSpeaker(home, [
      [codexSays.session('s1'), codexSays.failed('unexpected status 401 Unauthorized: no'), { exit: 1 }],
    ]);
    const refused = await home.json<{
      ok: boolean;
      checks: { check: string; ok: boolean; detail: string }[];
      run: RunView;
    }>(['agent', 'check', 'coder', '--json']);
    expect(refused.ok).toBe(false);
    expect(refused.checks.find(({ check }) => check === 'answers')).toMatchObject({
      ok: false,
      detail: expect.stringContaining('401'),
    });
    expect(refused.run).toMatchObject({ errorCode: 'auth_required' });
  });
});
