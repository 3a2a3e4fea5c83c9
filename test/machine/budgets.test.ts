import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AgentView } from '#protocol/agents.ts';
import type { RunView, StatusAnswer } from '#protocol/answers.ts';
import { type AgentStep, addSpeaker, codexSays, opencodeSays } from '../support/agents.ts';
import { configure } from '../support/config.ts';
import { deep } from '../support/deep.ts';
import { createHome, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const shown = async (home: TestHome, name = 'coder'): Promise<AgentView> =>
  (await home.asked<{ agent: AgentView }>(`/v1/agents/${name}`, ['agent', 'show', name, '--json'])).agent;
const needsYou = async (home: TestHome) => (await home.json<StatusAnswer>(['status', '--json'])).needsYou;
const waits = (home: TestHome, run: number, words: string): Promise<RunView> =>
  until(`run ${run} waits: ${words}`, async () => {
    const view = await home.show(run);
    return view.status === 'queued' && view.waitingFor?.includes(words) ? view : null;
  });

/** Adds an agent that reports the cost of each of its steps. */
const addPaid = (
  home: TestHome,
  scripts: readonly (readonly AgentStep[])[],
  options: readonly string[],
  name = 'coder',
) => addSpeaker(home, scripts, ['--adapter', 'opencode', '--share-worktree', ...options], name);
const uses = (usd: number): AgentStep[] => [opencodeSays.session(`s${usd}`), opencodeSays.done(usd), { exit: 0 }];

describe('a run at its own budget', () => {
  it('is stopped while it streams, with the limit in its history', deep, async () => {
    const home = createHome();
    await addPaid(
      home,
      [[opencodeSays.session('s'), opencodeSays.step(0.6), opencodeSays.step(0.5)], uses(0.1)],
      ['--budget-run', '1usd'],
    );
    const run = await home.submit(['--agent', 'coder', 'work']);
    expect(await home.untilStatus(run, 'cancelled')).toMatchObject({
      stopReason: 'budget_paused',
      errorCode: 'cancelled',
      usage: { costUsd: 1.1 },
    });
    expect((await home.history(run)).find(({ type }) => type === 'budget-reached')?.data).toEqual({
      scope: 'run',
      name: String(run),
      limit: 'cost',
      words: `run ${run} has used $1.10 of $1.00`,
      remedy: `give more: clip agent edit coder --budget-run AMOUNT`,
    });
    // The next day has its own budget.
    expect((await shown(home)).paused).toBe(false);
    await home.untilStatus(await home.submit(['--agent', 'coder', 'more']), 'succeeded');
  });

  it('of time is stopped, although it reports no usage', deep, async () => {
    const home = createHome();
    await addSpeaker(home, [[]], ['--budget-run', '2s']);
    const run = await home.submit(['--agent', 'coder', 'work']);
    expect(await home.untilStatus(run, 'cancelled')).toMatchObject({
      stopReason: 'budget_paused',
      timeoutFired: false,
      usage: null,
    });
    expect((await home.history(run)).find(({ type }) => type === 'budget-reached')?.data).toMatchObject({
      limit: 'time',
    });
  });

  it('with its final result is not stopped, and its work counts', deep, async () => {
    const home = createHome();
    const go = join(home.base, 'go');
    await addPaid(
      home,
      [[opencodeSays.session('s'), opencodeSays.done(5), { await: go }, { exit: 0 }]],
      ['--budget-run', '1usd'],
    );
    const run = await home.submit(['--agent', 'coder', 'work']);
    const spent = async () => (await shown(home)).today;
    await until('the run was checked several times', async () =>
      (await spent()).costUsd === 5 && (await spent()).timeMs > 4_000 ? run : null,
    );
    await home.clip(['run', '-q', '--', 'touch', go]);
    await home.untilStatus(run, 'succeeded');
    const said = await until(
      'the history has the event',
      async () => (await home.history(run)).find(({ type }) => type === 'budget-reached')?.data,
    );
    expect(said).toMatchObject({ scope: 'run', limit: 'cost', words: `run ${run} has used $5.00 of $1.00` });
    expect((await home.clip(['show', String(run)])).stdout).toMatch(
      / limit +.*Run 1 has used \$5\.00 of \$1\.00\. It was not stopped: its CLI told so only when it ended\./,
    );
  });

  it('of the configuration is stopped when its agent has none of its own', deep, async () => {
    const home = createHome();
    configure(home, '[budget]\nrun = "1usd"\n');
    await addPaid(home, [[opencodeSays.session('s'), opencodeSays.step(1.5)]], [], 'poor');
    await addPaid(
      home,
      [[opencodeSays.session('t'), opencodeSays.step(1.5), ...uses(0)]],
      ['--budget-run', '2usd'],
      'rich',
    );
    const [poor, rich] = [
      await home.submit(['--agent', 'poor', 'work']),
      await home.submit(['--agent', 'rich', 'work']),
    ];
    expect(await home.untilStatus(poor, 'cancelled')).toMatchObject({ stopReason: 'budget_paused' });
    await home.untilStatus(rich, 'succeeded');
  });
});

describe('an agent at its daily budget', () => {
  it('is stopped by the sum of its runs, until its limit is raised', deep, async () => {
    const home = createHome();
    await addPaid(
      home,
      [uses(0.7), [opencodeSays.session('s'), opencodeSays.step(0.4)], uses(0.1)],
      ['--budget-day', '1usd'],
    );
    await home.untilStatus(await home.submit(['--agent', 'coder', 'one']), 'succeeded');
    const second = await home.submit(['--agent', 'coder', 'two']);
    expect(await home.untilStatus(second, 'cancelled')).toMatchObject({
      stopReason: 'budget_paused',
      usage: { costUsd: 0.4 },
    });

    const third = await home.clip(['run', '--agent', 'coder', 'three']);
    // The usage of the stopped run after its last message is not known.
    const reason =
      'agent coder has used $1.10 of $1.00 (1 run not fully known) today; it goes on tomorrow, or now with more: clip agent edit coder --budget-day AMOUNT';
    expect(third.stderr).toContain(`Run 3 waits: ${reason}.`);
    expect(await home.show(3)).toMatchObject({ status: 'queued', waitingFor: reason });
    expect(await shown(home)).toMatchObject({
      paused: true,
      pausedBy: 'budget',
      pausedReason: reason,
      today: { costUsd: null, costKnownUsd: 1.1, runs: 2 },
    });
    // Whether a run needs a person is known when its verdict is.
    await until('the second run is settled', async () => (await home.show(second)).settled);
    await home.clip(['dismiss', '1']);
    expect((await needsYou(home)).at(-1)).toMatchObject({
      kind: 'run',
      run: 2,
      status: 'budget_paused',
      what: 'It was stopped at a limit: agent coder has used $1.10 of $1.00 today.',
      next: expect.stringMatching(/clip agent edit coder --budget-day AMOUNT\. Then: clip retry 2, or clip dismiss 2$/),
    });
    await home.clip(['dismiss', '2']);
    expect(await needsYou(home)).toEqual([
      expect.objectContaining({
        kind: 'budget',
        agent: 'coder',
        status: 'budget_paused',
        next: expect.stringContaining('clip agent edit coder --budget-day'),
      }),
    ]);
    expect((await home.clip(['status'])).stdout).toMatch(
      /One thing needs you\n {2}agent coder \(budget_paused\)\n {4}Agent coder has used \$1\.10 of \$1\.00 \(1 run not fully known\) today\n {4}It goes on tomorrow/,
    );
    expect((await home.clip(['agent', 'list'])).stdout).toContain('budget used up');

    // Neither a slightly larger budget nor a request by a person is enough.
    await home.clip(['agent', 'edit', 'coder', '--budget-day', '1.1usd']);
    expect((await home.clip(['agent', 'resume', 'coder'])).stdout).toContain(
      'Agent coder is not paused any more, but agent coder has used $1.10 of $1.10',
    );
    expect((await home.show(3)).status).toBe('queued');
    await home.clip(['agent', 'edit', 'coder', '--budget-day', '2usd']);
    await home.untilStatus(3, 'succeeded');
    expect(await shown(home)).toMatchObject({
      paused: false,
      pausedBy: null,
      pausedReason: null,
      today: { costKnownUsd: 1.2, costUnknownRuns: 1, runs: 3 },
    });
    expect((await needsYou(home)).filter(({ kind }) => kind === 'budget')).toEqual([]);
  });

  it('stays at its limit after a restart and a removal of its runs', deep, async () => {
    const home = createHome();
    await addPaid(home, [uses(0.7)], ['--budget-day', '1usd']);
    for (const prompt of ['one', 'two'])
      await home.untilStatus(await home.submit(['--agent', 'coder', prompt]), 'succeeded');
    await until('both runs have settled', async () =>
      (await Promise.all([home.show(1), home.show(2)])).every(({ settled }) => settled),
    );
    expect((await home.clip(['rm', '1'])).code).toBe(0);
    await home.kill(home.daemonPid());
    await waits(home, await home.submit(['--agent', 'coder', 'three']), '$1.40 of $1.00');
  });

  it('is held to tokens and time when the cost is shown as unknown', async () => {
    const home = createHome();
    await addSpeaker(
      home,
      [[codexSays.session('s'), codexSays.done(1_000, 200), { exit: 0 }]],
      ['--budget-day', '5usd, 1k tokens'],
    );
    const run = await home.submit(['--agent', 'coder', 'work']);
    expect(await home.untilStatus(run, 'succeeded')).toMatchObject({
      usage: { costUsd: null, inputTokens: 1_000, outputTokens: 200 },
    });
    await waits(home, await home.submit(['--agent', 'coder', 'more']), '1,200 of 1,000 tokens today');
    expect((await shown(home)).today).toMatchObject({ costUsd: null, costKnownUsd: 0, tokens: 1_200 });
    expect((await home.clip(['agent', 'show', 'coder'])).stdout).toContain('cost unknown, 1,200 tokens, 1 run');
  });

  it('in runs finishes its last run and starts no other', deep, async () => {
    const home = createHome();
    const go = join(home.base, 'go');
    await addPaid(home, [[{ await: go }, ...uses(0.1)]], ['--budget-day', '1run', '--concurrency', '2']);
    await home.clip(['queue', 'hold']);
    const [first, second] = [
      await home.submit(['--agent', 'coder', 'one']),
      await home.submit(['--agent', 'coder', 'two']),
    ];
    await home.clip(['queue', 'release']);
    await home.untilStatus(first, 'running');
    await waits(home, second, 'agent coder has used 1 of 1 runs today');
    await home.clip(['run', '-q', '--', 'touch', go]);
    await home.untilStatus(first, 'succeeded');
    await waits(home, second, '1 of 1 runs');
  });
});

describe('the budget of all agents', () => {
  it('stops working agents, starts none, and leaves commands alone', deep, async () => {
    const home = createHome();
    configure(home, '[budget]\nday = "1usd"\n');
    const stays = [opencodeSays.session('s'), opencodeSays.step(0.6)];
    for (const name of ['one', 'two']) await addPaid(home, [stays], [], name);
    const runs = [await home.submit(['--agent', 'one', 'work']), await home.submit(['--agent', 'two', 'work'])];
    for (const run of runs)
      expect(await home.untilStatus(run, 'cancelled')).toMatchObject({ stopReason: 'budget_paused' });
    const reason =
      'all agents together have used $1.20 of $1.00 (2 runs not fully known) today; they go on tomorrow, or now with more: day in [budget] of config.toml';
    await waits(home, await home.submit(['--agent', 'one', 'more']), reason);
    await home.untilStatus(await home.submit(['--', 'true']), 'succeeded');
    // The configuration is read when the daemon starts.
    configure(home, '[budget]\nday = "2usd"\n');
    await home.clip(['daemon', 'restart']);
    await home.untilStatus(3, 'running');
  });

  it('with an invalid amount is refused with its key and line', deep, async () => {
    const home = createHome();
    configure(home, '[budget]\nday = "lots"\n');
    const refused = await home.clip(['run', '--', 'true']);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/config\.toml, line 2, has a bad value for "budget.day" \("lots" is no amount/);
    expect((await home.clip(['doctor'])).stdout).toContain('line 2, has a bad value for "budget.day"');
  });
});

describe('an agent paused by a person', () => {
  it('stops its runs with --now, and keeps queued ones until resumed', deep, async () => {
    const home = createHome();
    await addPaid(home, [[opencodeSays.session('s')], uses(0.1)], ['--budget-day', '5usd']);
    const live = await home.submit(['--agent', 'coder', 'work']);
    await home.untilStatus(live, 'running');
    const next = await home.submit(['--agent', 'coder', 'more']);
    await home.clip(['agent', 'pause', 'coder', '--now']);
    expect(await home.untilStatus(live, 'cancelled')).toMatchObject({ stopReason: 'paused' });
    await waits(home, next, 'agent coder is paused: clip agent resume coder');
    expect(await shown(home)).toMatchObject({ paused: true, pausedBy: 'person' });
    // A larger budget does not end a hold that a person has started.
    await home.clip(['agent', 'edit', 'coder', '--budget-day', '50usd']);
    expect((await home.show(next)).status).toBe('queued');
    expect((await home.clip(['agent', 'resume', 'coder'])).stdout).toBe('Agent coder goes on.\n');
    await home.untilStatus(next, 'succeeded');
  });
});

describe('the budgets and the timer of an agent', () => {
  it('are set, shown, and cleared with "none"', deep, async () => {
    const home = createHome();
    const limits = [
      '--budget-run',
      '5usd,2h',
      '--budget-day',
      '500k tokens, 20runs',
      '--every',
      '30m',
      '--quiet-hours',
      '22:30-7',
    ];
    expect(
      (
        await home.clip([
          'agent',
          'add',
          'c',
          '--adapter',
          'codex',
          '--cwd',
          home.base,
          ...limits,
          '--timer-prompt',
          'look after the tests',
        ])
      ).code,
    ).toBe(0);
    expect(await shown(home, 'c')).toMatchObject({
      budgetRun: { costUsd: 5, tokens: null, runs: null, timeMs: 7_200_000 },
      budgetDay: { costUsd: null, tokens: 500_000, runs: 20, timeMs: null },
      everySec: 1_800,
      quietHours: '22:30-7',
      timerPrompt: 'look after the tests',
      today: { costUsd: 0, tokens: 0, runs: 0, timeMs: 0 },
    });
    const facts = (await home.clip(['agent', 'show', 'c'])).stdout;
    for (const fact of ['every 30 min, not at 22:30-7', 'may use $5.00, 2 h', 'may use 500,000 tokens, 20 runs'])
      expect(facts).toContain(fact);
    await home.clip([
      'agent',
      'edit',
      'c',
      '--budget-run',
      'none',
      '--every',
      'none',
      '--quiet-hours',
      'none',
      '--timer-prompt',
      'none',
    ]);
    expect(await shown(home, 'c')).toMatchObject({
      budgetRun: null,
      budgetDay: { runs: 20 },
      everySec: null,
      quietHours: null,
      timerPrompt: null,
    });
  });

  it.each([
    [['--budget-day', '5'], 'Write it like 5usd'],
    [['--budget-run', '5 runs'], 'means nothing for one run'],
    [['--quiet-hours', '22'], 'Write them like 22-7'],
    [['--every', 'often'], 'is not a duration'],
    [['--every', '0', '--force'], 'a second or more'],
    [['--every', '5s'], 'If you mean minutes: --every 5m.'],
    [['--every', '5m', '--timer-prompt', 'go'], 'would start it in your home folder'],
    [['--timer-prompt', ' '], 'must not be empty'],
  ] as const)('are refused as %j, with a sentence', deep, async (args, words) => {
    const home = createHome();
    const refused = await home.clip(['agent', 'add', 'c', '--adapter', 'codex', ...args]);
    expect(refused.stderr).toContain(words);
    expect(refused.code).toBe(2);
  });
});
