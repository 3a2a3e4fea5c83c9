import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunView } from '#protocol/answers.ts';
import { addSpeaker, codexSays } from '../support/agents.ts';
import { deep } from '../support/deep.ts';
import { createHome, isAlive, marked } from '../support/home.ts';
import { until } from '../support/until.ts';

const { session, words, command, change, done, failed, retrying } = codexSays;
const well = [words('All is done.'), done(1_000, 20), { exit: 0 }];

describe('a run of an agent', () => {
  it('gets its prompt of any length on standard input, and nowhere else', async () => {
    const home = createHome();
    const { seen } = await addSpeaker(home, [[session('s1'), ...well]]);
    const prompt = `first line\n${'ünder cover '.repeat(40_000)}end`;
    const number = Number((await home.clip(['run', '-q', '--agent', 'coder', '-'], { input: prompt })).stdout);
    const run = await home.untilStatus(number, 'succeeded');
    expect(seen()[0]?.stdin).toBe(prompt);
    expect(JSON.stringify(run)).not.toContain('ünder cover');
    for (const file of ['clip.db', 'clip.db-wal', 'daemon.log'])
      expect(readFileSync(join(home.folder, file)).includes('nder cover')).toBe(false);
  });

  it('takes its prompt from the command line or a file, inside the template', deep, async () => {
    const home = createHome();
    writeFileSync(join(home.base, 'template'), 'You are {{ agent.role }} in {{cwd}}; {{unknown}}do this: {{prompt}}!');
    writeFileSync(join(home.base, 'task.md'), 'from a file');
    const { seen } = await addSpeaker(
      home,
      [[session('s1'), ...well]],
      ['--prompt-template', join(home.base, 'template'), '--role', 'a tester'],
    );
    await home.clip(['run', '-w', '--agent', 'coder', 'fix', 'the $& tests']);
    await home.clip(['run', '-w', '--agent', 'coder', '--prompt-file', 'task.md']);
    expect(seen().map(({ stdin }) => stdin)).toEqual([
      `You are a tester in ${home.base}; do this: fix the $& tests!`,
      `You are a tester in ${home.base}; do this: from a file!`,
    ]);
  });

  it("works in the agent's folder with its variables, unless given others", deep, async () => {
    const home = createHome();
    const { seen } = await addSpeaker(
      home,
      [[session('s1'), ...well]],
      ['--cwd', home.folder, '--env', 'COLOUR=red', '--env-from', join(home.base, 'vars')],
    );
    writeFileSync(join(home.base, 'vars'), 'COLOUR=green\nOTHER=1\n');
    await home.clip(['run', '-w', '--agent', 'coder', 'x'], { env: { COLOUR: 'black' } });
    await home.clip(['run', '-w', '--cwd', '.', '--env', 'COLOUR=blue', '--agent', 'coder', 'x']);
    expect(seen().map(({ cwd, colour }) => [cwd, colour])).toEqual([
      [home.folder, 'red'],
      [home.base, 'blue'],
    ]);
    await home.clip(['agent', 'edit', 'coder', '--env-from', join(home.base, 'not-there')]);
    expect(await home.clip(['run', '--agent', 'coder', 'x'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('not-there'),
    });
  });

  it('shows its session at once, and its work and usage at the end', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    const steps = [
      session('s1'),
      command('a', 'make test', 2),
      command('b', 'ls'),
      change('c', 'src/x.ts'),
      { await: gate },
      ...well,
    ];
    await addSpeaker(home, [steps], ['--model', 'big', '--permission', 'edit']);
    const number = await home.submit(['--agent', 'coder', 'x']);
    const live = await until('the session of the run is known', async () => {
      const run = await home.show(number);
      return run.sessionIdAfter === null ? null : run;
    });
    expect(live).toMatchObject({ status: 'running', sessionIdBefore: null, sessionIdAfter: 's1' });
    writeFileSync(gate, '');
    expect(await home.untilStatus(number, 'succeeded')).toMatchObject({
      adapter: 'codex',
      agentName: 'coder',
      permission: 'edit',
      stopReason: 'completed',
      errorCode: null,
      evidence: { toolCalls: 3, commands: 2, commandsFailed: 1, filesChanged: 1, messages: 1, commits: null },
      usage: { inputTokens: 1_000, cachedInputTokens: 0, outputTokens: 20, costUsd: null, model: 'big' },
      lastMessage: 'All is done.',
      retrying: null,
    });
    const types = (await home.history(number)).map(({ type }) => type);
    expect(types.filter((type) => type === 'session' || type === 'result')).toEqual(['session', 'result']);
    const { stdout } = await home.clip(['show', String(number)]);
    expect(stdout).toMatch(/agent +coder \(codex, permission edit\)/);
    expect(stdout).toMatch(/did +3 tool calls, 2 commands \(1 failed\), 1 file changed/);
  });

  it('fails when the agent reports a failure, whatever its exit code', async () => {
    const home = createHome();
    await addSpeaker(home, [
      [session('s1'), failed("You've hit your usage limit. Try again at 1:21 PM."), { exit: 0 }],
    ]);
    const waited = await home.clip(['run', '-w', '--agent', 'coder', 'x']);
    expect(waited.code).toBe(1);
    expect(waited.stderr).toContain('rate_limited');
    const run = await home.show('@last');
    expect(run).toMatchObject({
      status: 'failed',
      stopReason: 'rate_limited',
      errorCode: 'rate_limited',
      exitCode: 0,
      exitKnown: true,
    });
    expect(Date.parse(run.resetsAt ?? '')).toBeGreaterThan(Date.now());
  });

  it('fails when it exits with 0 without having reported a result', deep, async () => {
    const home = createHome();
    await addSpeaker(home, [[session('s1'), words('I will begin'), { exit: 0 }]]);
    await home.clip(['run', '-w', '--agent', 'coder', 'x']);
    expect(await home.show('@last')).toMatchObject({
      status: 'failed',
      errorCode: 'adapter_failed',
      error: expect.stringContaining('never said'),
    });
  });

  it('whose agent retries a request is shown as retrying, and continues', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    await addSpeaker(home, [[session('s1'), retrying(1, 5), retrying(3, 5), { await: gate }, ...well]]);
    const number = await home.submit(['--agent', 'coder', 'x']);
    await until('the run is retrying', async () => (await home.show(number)).retrying?.attempt === 3);
    expect((await home.clip(['runs'])).stdout).toContain('retrying, attempt 3 of 5');
    writeFileSync(gate, '');
    expect(await home.untilStatus(number, 'succeeded')).toMatchObject({ retrying: null });
  });

  it('is interrupted by its polite signal, then ended with all processes', deep, async () => {
    const home = createHome();
    await addSpeaker(home, [[session('s1'), { leave: true }, { child: true }, { stubborn: true }, words('Busy.')]]);
    const number = await home.submit(['--grace', '1s', '--agent', 'coder', 'x']);
    await until('the agent is busy', async () => (await home.show(number)).lastMessage === 'Busy.');
    const { id } = await home.show(number);
    expect((await home.clip(['cancel', String(number)])).code).toBe(0);
    expect(await home.show(number)).toMatchObject({ status: 'cancelled', stopReason: 'cancelled' });
    expect(marked(id)).toEqual([]);
    const signals = (await home.history(number))
      .filter(({ type }) => type === 'signalled')
      .map(({ data }) => data['targets'] as { signal: string; proof: string }[]);
    expect(signals[0]?.map(({ signal, proof }) => `${signal} ${proof}`)).toEqual(['SIGINT leader']);
    expect(signals[1]?.every(({ signal }) => signal === 'SIGTERM')).toBe(true);
    expect(signals[1]?.length).toBe(3);
  });

  it('with a secret prompt deletes it at its end and cannot be retried', deep, async () => {
    const home = createHome();
    await addSpeaker(home, [[session('s1'), ...well]]);
    await home.clip(['run', '-w', '--prompt-secret', '--agent', 'coder', 'hush']);
    const run = await until('the run has settled', async () => {
      const seen = await home.show('@last');
      return seen.settled ? seen : null;
    });
    expect(readdirSync(join(home.folder, 'runs', run.id))).not.toContain('prompt.txt');
    expect(await home.clip(['retry', '@last'])).toMatchObject({ code: 5, stderr: expect.stringContaining('not kept') });
  });

  it('has one key, which is refused with another prompt', deep, async () => {
    const home = createHome();
    await addSpeaker(home, [[session('s1'), ...well]]);
    const first = await home.submit(['--key', 'k', '--agent', 'coder', 'x']);
    expect(await home.submit(['--key', 'k', '--agent', 'coder', 'x'])).toBe(first);
    expect((await home.clip(['run', '--key', 'k', '--agent', 'coder', 'y'])).code).toBe(5);
  });

  it('that has a result but no exit is ended with it, unless in a tool', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    await addSpeaker(
      home,
      [[session('s1'), { child: true }, words('All is done.'), done(10, 1)]],
      ['--share-worktree'],
      'idle',
    );
    await addSpeaker(
      home,
      [[session('s2'), { leave: true }, words('All is done.'), done(10, 1), { await: gate }, { exit: 0 }]],
      ['--share-worktree'],
      'busy',
    );
    const busy = await home.submit(['--agent', 'busy', 'x']);
    await home.untilStatus(busy, 'running');
    const idle = await home.submit(['--agent', 'idle', 'x']);
    expect((await home.clip(['wait', String(idle)])).code).toBe(0);
    const run: RunView = await home.show(idle);
    expect(run).toMatchObject({ status: 'succeeded', stopReason: 'completed', errorCode: null, timeoutFired: false });
    expect((await home.history(idle)).find(({ type }) => type === 'stop-requested')?.data).toMatchObject({
      order: 'lingering',
    });
    expect(isAlive(run.processPid ?? 0)).toBe(false);
    expect(await home.show(busy)).toMatchObject({ status: 'running', lastMessage: 'All is done.' });
    writeFileSync(gate, '');
    await home.untilStatus(busy, 'succeeded');
  });
});
