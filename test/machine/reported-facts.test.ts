/**
 * Facts that are reported about a run: why it ended, when a limit resets, what it used. All characters in them are
 * valid.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunView } from '#protocol/answers.ts';
import type { LedgerAnswer } from '#protocol/tasks.ts';
import { type AgentStep, addSpeaker, codexSays } from '../support/agents.ts';
import { deep } from '../support/deep.ts';
import { createHome, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const { session, words, command, done, failed } = codexSays;
const threadId = '019c0000-0000-7000-8000-000000000001';

/** Returns the line that codex writes to its session file after a model call. */
const counted = (input: number, output: number, at: Date) =>
  JSON.stringify({
    timestamp: at.toISOString(),
    type: 'event_msg',
    payload: {
      type: 'token_count',
      info: { total_token_usage: { input_tokens: input, cached_input_tokens: 0, output_tokens: output } },
    },
  });

/** Writes the file of that session with these lines. The id of the thread determines its date. */
function writeSession(folder: string, lines: readonly string[]): string {
  const day = new Date(Number.parseInt(threadId.replaceAll('-', '').slice(0, 12), 16))
    .toISOString()
    .slice(0, 10)
    .split('-');
  const place = join(folder, 'sessions', ...day);
  mkdirSync(place, { recursive: true });
  const path = join(place, `rollout-2026-01-01T00-00-00-${threadId}.jsonl`);
  const first = JSON.stringify({
    timestamp: new Date(0).toISOString(),
    type: 'session_meta',
    payload: { id: threadId },
  });
  writeFileSync(path, `${[first, ...lines].join('\n')}\n`);
  return path;
}

const used = ({ usage }: RunView) => (usage === null ? null : [usage.inputTokens, usage.outputTokens, usage.partial]);
const ledger = (home: TestHome) => home.json<LedgerAnswer>(['ledger', '--json']);

describe('the reason of an end', () => {
  it('is, if unknown, the last meaningful line on stderr without secrets', async () => {
    const home = createHome({ env: { MY_TOKEN: 'very-secret-value' } });
    const script =
      'echo warming up; echo "boom: $MY_TOKEN is not accepted" >&2; echo "note: run with -v for more" >&2; exit 3';
    const number = await home.submit(['--', 'sh', '-c', script]);
    const run = await home.untilStatus(number, 'failed');
    expect(run).toMatchObject({ exitCode: 3, errorCode: 'exit_nonzero', errorBy: 'agent' });
    expect(run.error).toMatch(/^Exited with code 3: boom: (?:\*\*\*|\[redacted\]) is not accepted$/);
    const merged = await home.submit([
      '--merge-output',
      '--',
      'sh',
      '-c',
      'echo first; echo "Error: it is merged" >&2; exit 4',
    ]);
    expect(await home.untilStatus(merged, 'failed')).toMatchObject({
      error: 'Exited with code 4: Error: it is merged',
    });
    const silent = await home.submit(['--', 'sh', '-c', 'exit 5']);
    expect(await home.untilStatus(silent, 'failed')).toMatchObject({ error: 'Exited with code 5.', errorBy: 'clip' });
  });

  it('is shown for an agent without an event, and after a crash', deep, async () => {
    const home = createHome();
    const bad = [{ complain: 'Error loading config.toml: unknown variant `xhigh`' }, { exit: 1 }];
    const panics = [
      session('s'),
      words('On it.'),
      { complain: "thread 'main' panicked at a.rs:1:2:\nthe sky fell" },
      { exit: 101 },
    ];
    await addSpeaker(home, [bad, panics]);
    const [first, second] = [
      await home.submit(['--agent', 'coder', 'x']),
      await home.submit(['--agent', 'coder', 'y']),
    ];
    expect(await home.untilStatus(first, 'failed')).toMatchObject({
      errorCode: 'adapter_failed',
      error: expect.stringContaining('unknown variant `xhigh`'),
    });
    expect(await home.untilStatus(second, 'failed')).toMatchObject({
      error: expect.stringMatching(/^Exited with code 101: .*the sky fell$/),
    });
  });

  it('is never read from lines of another stream on standard error', async () => {
    const home = createHome();
    const foreign = [session('other'), done(7, 7), failed('usage limit reached')].map(({ say }) => ({
      complain: JSON.stringify(say),
    }));
    const good = [session('mine'), words('Done.'), ...foreign, done(10, 1), { exit: 0 }];
    const unfinished = [session('mine'), ...foreign, { exit: 0 }];
    await addSpeaker(home, [good, unfinished]);
    const [first, second] = [
      await home.submit(['--agent', 'coder', 'x']),
      await home.submit(['--agent', 'coder', 'y']),
    ];
    expect(await home.untilStatus(first, 'succeeded')).toMatchObject({
      sessionIdAfter: 'mine',
      lastMessage: 'Done.',
      usage: { inputTokens: 10 },
    });
    expect(await home.untilStatus(second, 'failed')).toMatchObject({
      sessionIdAfter: 'mine',
      usage: null,
      errorCode: 'adapter_failed',
      errorBy: 'clip',
    });
  });

  it('is a reported fatal error, also while its agent lives on', deep, async () => {
    const home = createHome();
    const message = 'Your access token could not be refreshed. Please sign in again.';
    await addSpeaker(home, [[session('s'), { say: { type: 'error', message } }]]);
    const number = await home.submit(['--agent', 'coder', 'x']);
    const live = await until('the last error is shown', async () => {
      const run = await home.show(number);
      return run.lastError === null ? null : run;
    });
    expect(live).toMatchObject({
      status: 'running',
      lastError: { class: 'auth_required', message, fatal: true, at: expect.stringMatching(/Z$/) },
    });
    expect((await home.clip(['show', String(number)])).stdout).toContain(`last error  auth_required: ${message}`);
    // The run may live for half a minute before it is ended.
    const ended = await until(
      'the run has failed',
      async () => ((await home.show(number)).status === 'failed' ? home.show(number) : null),
      55_000,
    );
    expect(ended).toMatchObject({ errorCode: 'auth_required', error: message, errorBy: 'agent', lastError: null });
    expect((await home.history(number)).find(({ type }) => type === 'stop-requested')?.data).toMatchObject({
      order: 'lingering',
    });
  });
});

describe('the reset time of a limit', () => {
  it('is read in the zone of the run, not of the daemon', async () => {
    const home = createHome({ env: { TZ: 'UTC' } });
    const limit = [session('s'), failed("You've hit your usage limit. Try again at 1:21 PM."), { exit: 1 }];
    await addSpeaker(home, [limit]);
    const clockIn = (zone: string, at: string) =>
      new Intl.DateTimeFormat('en-US', { timeZone: zone, timeStyle: 'short', hourCycle: 'h23' }).format(new Date(at));
    for (const [env, zone] of [
      [['--env', 'TZ=America/Los_Angeles'], 'America/Los_Angeles'],
      [['--env', 'TZ=Asia/Tokyo'], 'Asia/Tokyo'],
      [[], 'UTC'],
    ] as const) {
      const run = await home.untilStatus(await home.submit(['--agent', 'coder', ...env, 'x']), 'failed');
      expect(run).toMatchObject({ errorCode: 'rate_limited' });
      expect([zone, clockIn(zone, run.resetsAt ?? '')]).toEqual([zone, '13:22']);
    }
  });
});

describe('the usage of codex', () => {
  const at = (seconds: number) => new Date(Date.now() + seconds * 1_000);
  const home_ = (home: TestHome) => join(home.base, 'codex-home');
  const add = (home: TestHome, scripts: readonly (readonly AgentStep[])[], more: readonly string[] = []) =>
    addSpeaker(home, scripts, ['--env', `CODEX_HOME=${home_(home)}`, ...more]);

  it('is read from its session file, bounds it, and outlives a kill', async () => {
    const home = createHome();
    await add(home, [[session(threadId), command('a', 'ls', null)]], ['--budget-run', '1000 tokens']);
    writeSession(home_(home), [counted(400, 10, at(0))]);
    const number = await home.submit(['--agent', 'coder', 'x']);
    expect(await home.untilStatus(number, 'running')).toBeTruthy();
    writeSession(home_(home), [counted(400, 10, at(1))]);
    await until('the usage is counted', async () => (await home.show(number)).usage?.inputTokens === 400 || null);
    writeSession(home_(home), [counted(400, 10, at(1)), counted(1_200, 30, at(1))]);
    expect(await home.untilStatus(number, 'cancelled')).toMatchObject({
      stopReason: 'budget_paused',
      usage: { partial: true },
    });
    expect(used(await home.show(number))).toEqual([1_200, 30, true]);
  });

  it('is never booked on another run of its session', deep, async () => {
    const home = createHome();
    await add(home, [
      [session(threadId), command('a', 'ls', null)],
      [session(threadId), words('Done.'), done(1_700, 70), { exit: 0 }],
    ]);
    // Nothing of the first run is counted before it is killed. Only the next run finds its calls.
    const first = await home.submit(['--agent', 'coder', 'x']);
    await until('the session of the run is known', async () =>
      (await home.show(first)).sessionIdAfter === null ? null : true,
    );
    process.kill((await home.show(first)).processPid ?? Number.NaN, 'SIGKILL');
    expect(used(await home.untilStatus(first, 'failed'))).toBeNull();
    writeSession(home_(home), [counted(1_500, 60, at(-1))]);
    const { runs } = await home.json<{ runs: RunView[] }>(['retry', String(first), '--json']);
    expect(used(await home.untilStatus(runs[0]?.number ?? 0, 'succeeded'))).toEqual([200, 10, false]);
  });

  it.each<[string, (path: string, home: TestHome) => void]>([
    [
      'is a symbolic link',
      (path, home) => [renameSync(path, join(home.base, 'elsewhere')), symlinkSync(join(home.base, 'elsewhere'), path)],
    ],
    ['is a pipe', (path) => [rmSync(path), execFileSync('mkfifo', [path])]],
    [
      'is that of another session',
      (path) => writeFileSync(path, readFileSync(path, 'utf8').replace(threadId, 'another')),
    ],
    [
      'has absurd counts',
      (path) => appendFileSync(path, `${counted(-5, 1e21, at(60))}\n${counted(1e300, 2, at(60))}\n`),
    ],
  ])('is not taken from a file that %s, and the run is not affected', deep, async (what, spoil) => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    await add(home, [
      [
        session(threadId),
        words('One.'),
        { await: gate },
        words('Two.'),
        { await: `${gate}2` },
        done(10, 1),
        { exit: 0 },
      ],
    ]);
    const path = writeSession(home_(home), what === 'has absurd counts' ? [] : [counted(400, 10, at(60))]);
    spoil(path, home);
    const number = await home.submit(['--agent', 'coder', 'x']);
    const said = (count: number) =>
      until(`the run printed ${count}`, async () => (await home.show(number)).evidence?.messages === count || null);
    await said(1);
    writeFileSync(gate, '');
    // The file was searched for at the first message, and again at the second.
    await said(2);
    expect((await home.show(number)).usage?.inputTokens ?? null).toBeNull();
    writeFileSync(`${gate}2`, '');
    expect(await home.untilStatus(number, 'succeeded')).toMatchObject({
      usage: { inputTokens: 10, outputTokens: what === 'has absurd counts' ? 2 : 1 },
    });
  });
});

describe('a total', () => {
  it('shows for how many runs the tokens are unknown, or only partly known', deep, async () => {
    const home = createHome();
    const killed = [session('s'), command('a', 'ls', null)];
    await addSpeaker(home, [killed, [session('t'), words('Done.'), done(100, 10), { exit: 0 }]]);
    const first = await home.submit(['--agent', 'coder', 'x']);
    await until('the session of the run is known', async () =>
      (await home.show(first)).sessionIdAfter === null ? null : true,
    );
    await home.clip(['cancel', String(first)]);
    await home.untilStatus(await home.submit(['--agent', 'coder', 'y']), 'succeeded');
    expect((await ledger(home)).totals).toMatchObject({
      inputTokens: 100,
      outputTokens: 10,
      tokensUnknown: 1,
      tokensPartial: 0,
      costUnknown: 2,
    });
    expect((await home.clip(['ledger'])).stdout).toMatch(/100 in, 10 out and 1 run unknown, cost unknown/);
    expect((await home.clip(['show', String(first)])).stdout).toContain(
      'used        unknown: it told no tokens and no cost',
    );
    const { agent } = await home.json<{ agent: { today: object } }>(['agent', 'show', 'coder', '--json']);
    expect(agent.today).toMatchObject({ tokens: null, tokensKnown: 110, tokensUnknownRuns: 1, runs: 2 });
    expect((await home.clip(['agent', 'show', 'coder'])).stdout).toContain(
      '110 tokens (1 run not fully known), 2 runs',
    );
    // The tombstone of a removed run keeps these facts.
    await until('the run has settled', async () => (await home.show(first)).settled || null);
    await home.clip(['rm', String(first)]);
    expect((await ledger(home)).totals).toMatchObject({ inputTokens: 100, tokensUnknown: 1 });
  });

  it('counts no run as unknown that never started', deep, async () => {
    const home = createHome();
    await addSpeaker(home, [[session('s')]]);
    await home.clip(['queue', 'hold']);
    const number = await home.submit(['--agent', 'coder', 'x']);
    await home.clip(['cancel', String(number)]);
    expect((await ledger(home)).totals).toMatchObject({ runs: 1, tokensUnknown: 0, costUnknown: 0 });
  });
});

describe('a budget that cannot be enforced for its agent', () => {
  it('is reported when it is set and when shown', deep, async () => {
    const home = createHome();
    const never = 'it tells no tokens, so that this limit never holds: limit its time or runs';
    const added = await home.clip([
      'agent',
      'add',
      'a',
      '--preset',
      'aider',
      '--command',
      '/bin/true',
      '--budget-run',
      '5k tokens',
    ]);
    expect([added.code, added.stderr]).toEqual([0, expect.stringContaining(never)]);
    expect((await home.clip(['agent', 'show', 'a'])).stdout).toContain(never);
    expect(
      (await home.json<{ agent: { tells: object; budgetDoubt: string } }>(['agent', 'show', 'a', '--json'])).agent,
    ).toMatchObject({
      tells: { tokens: 'never', cost: 'never' },
      budgetDoubt: expect.stringContaining(never),
    });
    const edited = await home.clip(['agent', 'edit', 'a', '--budget-run', 'none', '--budget-day', '2usd']);
    expect(edited.stderr).toContain('it tells no cost, so that this limit never holds');
    expect((await home.clip(['agent', 'edit', 'a', '--budget-day', '2h'])).stderr).not.toContain('limit');
    const task = await home.clip(['task', 'add', 'A title', '--assign', 'a', '--budget', '5k tokens']);
    expect([task.code, task.stderr]).toEqual([0, expect.stringContaining(`Agent a: ${never}.`)]);
    expect((await home.clip(['task', 'edit', 'T1', '--budget', '7k tokens'])).stderr).toContain(`Agent a: ${never}.`);
    expect((await home.clip(['task', 'edit', 'T1', '--budget', '7h'])).stderr).toBe('');
    const codex = await home.clip(['agent', 'add', 'c', '--adapter', 'codex', '--budget-run', '5usd, 5k tokens']);
    expect(codex.stderr).toContain('it tells no cost, so that this limit never holds: limit its tokens, time or runs');
    const claude = await home.clip(['agent', 'add', 'd', '--adapter', 'claude', '--budget-run', '5k tokens']);
    expect(claude.stderr).not.toContain('limit');
  });
});

describe('JSON that clip prints', () => {
  it('is accepted by strict parsers, whatever its texts contain', async () => {
    const home = createHome();
    // A cut at 500 units would halve the emoji. An agent may also print half a character itself.
    await addSpeaker(home, [
      [
        session('s'),
        words(`${'x'.repeat(499)}🎉 done`),
        { raw: '{"type":"item.completed","item":{"id":"2","type":"agent_message","text":"half \\ud83c of it"}}\n' },
        done(1, 1),
        { exit: 0 },
      ],
    ]);
    const number = await home.submit(['--agent', 'coder', 'x']);
    await home.untilStatus(number, 'succeeded');
    await home.clip(['task', 'add', 'An emoji 🎉 in a title']);
    for (const verb of [['runs'], ['show', String(number)], ['ledger'], ['status'], ['task', 'list'], ['events']]) {
      const { stdout } = await home.clip([...verb, '--json']);
      expect([verb, /(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(stdout), stdout.isWellFormed()]).toEqual([verb, false, true]);
    }
    expect((await home.show(number)).lastMessage).toBe('half \ufffd of it');
  });
});
