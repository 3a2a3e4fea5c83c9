import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { ReportView, ShowAnswer } from '#protocol/answers.ts';
import { limits } from '#run/limits.ts';
import { type AgentStep, addSpeaker, codexSays } from '../support/agents.ts';
import { type ApiAnswer, ask } from '../support/api.ts';
import { deep } from '../support/deep.ts';
import { agent, createHome, program, type TestHome } from '../support/home.ts';
import { reboot } from '../support/records.ts';
import { until } from '../support/until.ts';

const { session, words, done } = codexSays;
const root = process.getuid?.() === 0;

/** Returns the shell command with which a run reports. */
const clipReport = (text: string) => `node '${program}' report ${text}`;
const waits = agent('waits-for-a-file.sh');

/** Returns a run with the reports in its history. */
async function shown(home: TestHome, ref: number | string) {
  const { run, events } = await home.asked<ShowAnswer>(`/v1/runs/${ref}`, ['show', String(ref), '--json']);
  return { run, events, reports: events.flatMap(({ type, data }) => (type === 'report' ? [data as Reported] : [])) };
}

type Reported = Pick<ReportView, 'kind' | 'text' | 'who'>;
const reported = (reports: readonly Reported[]) => reports.map(({ kind, text, who }) => [kind, text, who]);
const logOf = async (home: TestHome, ref: number) => readFileSync((await home.show(ref)).stdoutPath, 'utf8');

/** Submits a run that waits for its gate and then runs `then`. */
async function submitGated(home: TestHome, then = 'true', options: readonly string[] = []) {
  const gate = join(home.base, `gate${options.length}`);
  const number = await home.submit([...options, '--', 'sh', '-c', `${waits} ${gate}; ${then}`]);
  const run = await home.untilStatus(number, 'running');
  return { run, number, open: () => writeFileSync(gate, '') };
}

function tokenOf(home: TestHome, id: string): string {
  return (JSON.parse(readFileSync(join(home.folder, 'runs', id, 'launch.json'), 'utf8')) as { token: string }).token;
}

function send(home: TestHome, run: number | string, body: object): Promise<ApiAnswer> {
  return ask(home.folder, `/v1/runs/${run}/reports`, {
    method: 'POST',
    body: JSON.stringify({ kind: 'progress', text: 'half done', ...body }),
  });
}

/** Runs an agent that speaks as codex does and takes these steps, until it ends. It finds clip on the PATH. */
async function spoken(home: TestHome, steps: readonly AgentStep[]) {
  await addSpeaker(home, [[session('s1'), ...steps, done(10, 1), { exit: 0 }]]);
  const bin = join(home.base, 'bin');
  mkdirSync(bin);
  symlinkSync(program, join(bin, 'clip'));
  await home.clip(['run', '-w', '--agent', 'coder', 'x'], { env: { PATH: `${bin}:${home.env['PATH']}` } });
  return shown(home, '@last');
}

describe('a run', () => {
  it('reports its work: the last report of each kind is shown, and all are in its history', deep, async () => {
    const home = createHome();
    const script = [
      clipReport('next write the parser'),
      clipReport('progress "the parser is done"'),
      clipReport('blocked --who ops "no key for the registry"'),
      `printf 'line one\\nline \\033[1mtwo\\033[0m\\n' | ${clipReport('next -')}`,
      clipReport('done "all of it" --json'),
    ].join(' && ');
    expect((await home.clip(['run', '--wait', '--', 'sh', '-c', script])).code).toBe(0);
    const { run, reports } = await shown(home, 1);
    expect(reported(reports)).toEqual([
      ['next', 'write the parser', null],
      ['progress', 'the parser is done', null],
      ['blocked', 'no key for the registry', 'ops'],
      ['next', 'line one\nline two', null],
      ['done', 'all of it', null],
    ]);
    const said = await logOf(home, 1);
    expect(said).toContain('Reported for run 1: progress.\n');
    expect(JSON.parse(said.trim().split('\n').at(-1) ?? '')).toMatchObject({
      schema: 1,
      report: reports.at(-1),
      run: 1,
      task: null,
    });
    const text = (await home.clip(['show', '1'])).stdout;
    expect(text).toMatch(/reported +blocked \(who: ops\): no key for the registry\n/);
    expect(text).toMatch(/report +next: line one⏎line two\n/);
    expect(text).not.toMatch(/reported +next: write the parser/);
    expect(run.evidence).toBeNull();
  });

  it('keeps its token secret: no output, record or log contains it', deep, async () => {
    const home = createHome();
    await home.clip([
      'run',
      '--wait',
      '--',
      'sh',
      '-c',
      `${clipReport('progress "my token is $CLIP_RUN_TOKEN"')}; echo ::clip-report $CLIP_RUN_TOKEN '{}'`,
    ]);
    const { id } = await home.show(1);
    const token = tokenOf(home, id);
    expect(token).toMatch(/^[\w-]{43}$/);
    const answers = [
      (await ask(home.folder, '/v1/runs/1')).text,
      (await ask(home.folder, '/v1/events')).text,
      (await home.clip(['show', '1'])).stdout,
    ];
    expect(answers[0]).toContain('my token is ***');
    for (const answer of answers) expect(answer).not.toContain(token);
    await home.clip(['daemon', 'stop']);
    for (const file of ['clip.db', 'daemon.log'])
      expect(readFileSync(join(home.folder, file), 'latin1')).not.toContain(token);
    const logs = await home.clip(['logs', '1']);
    expect(logs.stdout).toContain('::clip-report *** {}');
    expect(logs.stdout).not.toContain(token);
    expect((await home.clip(['logs', '1', '--raw'])).stdout).toContain(`::clip-report ${token} {}`);
  });

  it('that was started inside another has a token of its own', deep, async () => {
    const home = createHome();
    await home.clip([
      'run',
      '--wait',
      '--',
      'sh',
      '-c',
      `node '${program}' run --wait -- sh -c "${clipReport('done inner').replaceAll("'", '')}" && ${clipReport('done outer')}`,
    ]);
    expect(reported((await shown(home, 1)).reports)).toEqual([['done', 'outer', null]]);
    expect(reported((await shown(home, 2)).reports)).toEqual([['done', 'inner', null]]);
  });

  it('can report while it is being stopped', deep, async () => {
    const home = createHome();
    const number = await home.submit([
      '--',
      'sh',
      '-c',
      `trap '${clipReport('summary saved').replaceAll("'", '')}; exit 0' TERM; echo ready; while :; do sleep 0.05; done`,
    ]);
    await until('the run is ready', async () => (await logOf(home, number)).includes('ready'));
    expect((await home.clip(['cancel', String(number)])).code).toBe(0);
    const { run, reports } = await shown(home, number);
    expect([run.status, reported(reports)]).toEqual(['cancelled', [['summary', 'saved', null]]]);
  });

  it("started again after a loss has a token of its own, not the first's", deep, async () => {
    const home = createHome();
    const first = await submitGated(home, clipReport('done "it is"'), ['--on-loss', 'retry']);
    const token = tokenOf(home, first.run.id);
    await reboot(home, first.run);
    await home.clip(['daemon', 'start']);
    await home.untilStatus(2, 'running', 'succeeded');
    const second = await home.show(2);
    expect(second.retryOfRunId).toBe(first.run.id);
    expect(tokenOf(home, second.id)).not.toBe(token);
    expect((await send(home, 2, { token, id: 'a' })).status).toBe(409);
    first.open();
    expect((await home.clip(['wait', '2'])).code).toBe(0);
    expect(reported((await shown(home, 2)).reports)).toEqual([['done', 'it is', null]]);
  });

  it('without its keeper loses its warning once it reports', deep, async () => {
    const home = createHome();
    const { number, run, open } = await submitGated(home);
    const [keeper] = home.pidsOf('keeper');
    await home.kill(keeper ?? 0);
    await until('the run is detached', async () => (await home.show(number)).errorCode === 'process_detached');
    expect((await send(home, number, { token: tokenOf(home, run.id), id: 'a' })).status).toBe(200);
    expect((await home.show(number)).errorCode).toBeNull();
    expect((await home.history(number)).slice(-2).map(({ type }) => type)).toEqual(['report', 'activity']);
    open();
    expect((await home.clip(['wait', String(number)])).code).toBe(120);
  });
});

describe('a report is refused', () => {
  it('with a wrong token, that of another run, or for an unknown run', deep, async () => {
    const home = createHome();
    const first = await submitGated(home);
    const second = await submitGated(home, 'true', ['--name', 'other']);
    const other = tokenOf(home, second.run.id);
    for (const token of ['wrong', other, `${tokenOf(home, first.run.id)}x`]) {
      const answer = await send(home, first.number, { token, id: 'a' });
      expect([answer.status, answer.json().error]).toEqual([
        409,
        expect.objectContaining({ code: 'refused', message: expect.stringContaining('not the token of run 1') }),
      ]);
    }
    expect((await send(home, 99, { token: other, id: 'a' })).status).toBe(404);
    const elsewhere = await home.clip(['report', 'done', 'x'], {
      env: { CLIP_RUN_ID: first.run.id, CLIP_RUN_TOKEN: other },
    });
    expect([elsewhere.code, elsewhere.stdout]).toEqual([5, '']);
    expect((await shown(home, first.number)).reports).toEqual([]);
    first.open();
    second.open();
    await home.clip(['wait', '1', '2']);
  });

  it('for an ended run, while a repeated earlier one is confirmed as one', deep, async () => {
    const home = createHome();
    const { number, run, open } = await submitGated(home);
    const token = tokenOf(home, run.id);
    const answer = await send(home, number, { token, id: 'a', text: 'once' });
    expect((await send(home, number, { token, id: 'a', text: 'twice' })).json()).toEqual(answer.json());
    open();
    await home.clip(['wait', String(number)]);
    expect((await send(home, number, { token, id: 'a' })).json()).toEqual(answer.json());
    const late = await home.clip(['report', 'done', 'x'], { env: { CLIP_RUN_ID: run.id, CLIP_RUN_TOKEN: token } });
    expect([late.code, late.stderr]).toEqual([
      5,
      expect.stringMatching(/^clip: Run 1 has already ended \(exited 0, \d+ s ago\)\.\n/),
    ]);
    expect(reported((await shown(home, number)).reports)).toEqual([['progress', 'once', null]]);
  });

  it('outside of a run, with a message, and without starting a daemon', async () => {
    const home = createHome();
    const outside = await home.clip(['report', 'next', 'x']);
    expect([outside.code, outside.stdout]).toEqual([5, '']);
    expect(outside.stderr).toMatch(/^clip: clip report works only inside a run.*\n {6}.*CLIP_RUN_TOKEN/);
    const tokenless = await home.clip(['report', 'next', 'x', '--json'], { env: { CLIP_RUN_ID: 'abc' } });
    expect([tokenless.code, JSON.parse(tokenless.stderr).error.code]).toEqual([5, 'refused']);
    expect(home.pidsOf('daemon')).toEqual([]);
  });

  it.each([
    [['report', 'wish', 'x'], /wish.*next, progress, blocked, done, summary/],
    [['report', 'next'], /TEXT is missing/],
    [['report', 'next', '   '], /says nothing/],
    [['report', 'next', 'x', '--who', 'me'], /goes with clip report blocked/],
    [['report', 'blocked', 'x', '--who', 'm'.repeat(101)], /at most 100/],
    [['report', 'next', 'x'.repeat(2_001)], /has 2001 characters; at most 2000/],
  ])('when it is invalid: %j', deep, async (args, says) => {
    const result = await createHome().clip(args, { env: { CLIP_RUN_ID: 'abc', CLIP_RUN_TOKEN: 'def' } });
    expect([result.code, result.stdout]).toEqual([2, '']);
    expect(result.stderr).toMatch(says);
  });

  it('when there are too many, or when it has no printable text', deep, async () => {
    const home = createHome();
    const { number, run, open } = await submitGated(home);
    const token = tokenOf(home, run.id);
    expect((await send(home, number, { token, id: 'empty', text: '\u0007 \u001b[1m' })).status).toBe(400);
    for (let n = 0; n < limits.reportsPerRun; n += 1)
      expect((await send(home, number, { token, id: `r${n}` })).status).toBe(200);
    const more = await send(home, number, { token, id: 'more' });
    expect([more.status, more.json().error.message]).toEqual([
      409,
      'Run 1 has made 200 reports, and that is the most.',
    ]);
    open();
    await home.clip(['wait', String(number)]);
  });
});

describe('while no daemon runs,', () => {
  it('a report waits for the next daemon, and is stored once', deep, async () => {
    const home = createHome();
    const { number, open } = await submitGated(home, clipReport('done "in spite of it"'));
    await home.kill(home.daemonPid());
    open();
    await until('the next daemon is running', () => home.listens());
    expect((await home.clip(['wait', String(number)])).code).toBe(0);
    expect(reported((await shown(home, number)).reports)).toEqual([['done', 'in spite of it', null]]);
  });

  it('after a deliberate stop, a report ends with 4 and starts none', {
    ...deep,
    timeout: 60_000,
  }, async () => {
    const home = createHome();
    const { number, open } = await submitGated(home, `${clipReport('done x')}; echo "code $?"; false`, [
      '--merge-output',
    ]);
    const log = (await home.show(number)).stdoutPath;
    await home.clip(['daemon', 'stop']);
    open();
    await until('the report has failed', () => /code \d/.test(readFileSync(log, 'utf8')));
    expect(readFileSync(log, 'utf8')).toMatch(
      /clip: The daemon did not come back within 10 s, so nothing was reported\.\n {6}.*\ncode 4\n/,
    );
    expect(home.pidsOf('daemon')).toEqual([]);
    await home.clip(['wait', String(number)]);
  });
});

describe('in a sandbox without socket,', () => {
  it.skipIf(!root)("a report is printed, and read in an agent's plain output", deep, async () => {
    const home = createHome();
    const command = join(home.base, 'boxed');
    const boxed = 'setpriv --reuid 65534 --regid 65534 --clear-groups';
    writeFileSync(command, `#!/bin/sh\necho working\n${boxed} ${clipReport('blocked --who ops "no key"')}\n`);
    chmodSync(command, 0o755);
    await home.clip(['agent', 'add', 'boxed', '--adapter', 'plain', '--command', command]);
    const result = await home.clip(['run', '-w', '--agent', 'boxed', 'x']);
    expect(result.code).toBe(0);
    const { run, reports } = await shown(home, 1);
    expect(reported(reports)).toEqual([['blocked', 'no key', 'ops']]);
    expect(await logOf(home, 1)).toMatch(/^working\n::clip-report [\w-]{43} \{.*\}\n$/);
    expect(readFileSync(run.stderrPath ?? '', 'utf8')).toMatch(/^The socket of clip cannot be used from here; .*\n$/);
    expect([run.livenessState, run.livenessReason]).toEqual([
      'blocked',
      'The agent reported that it is blocked (ops can help): no key',
    ]);
    expect([run.evidence, run.lastMessage, run.sessionIdAfter]).toEqual([null, null, null]);
  });

  it('a report in tool output is read once, and its token not kept', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    const boxed = `CLIP_HOME=${home.base}/nowhere ${clipReport('progress "half done"')}`;
    await addSpeaker(home, [
      [
        session('s1'),
        { run: boxed },
        { quote: true },
        { await: gate },
        { run: boxed },
        { quote: true },
        done(10, 1),
        { exit: 0 },
      ],
    ]);
    const number = await home.submit(['--agent', 'coder', 'x']);
    await until('the report is recorded', async () => (await shown(home, number)).reports.length === 1);
    expect((await home.show(number)).status).toBe('running');
    writeFileSync(gate, '');
    await home.clip(['wait', String(number)]);
    const { run, reports } = await shown(home, number);
    expect(reports).toEqual(Array(2).fill({ kind: 'progress', text: 'half done', who: null }));
    expect(run.evidence).toMatchObject({ reports: 2, commands: 2 });
    expect(run.lastMessage).toContain('::clip-report *** {');
    await home.clip(['daemon', 'stop']);
    expect(readFileSync(join(home.folder, 'clip.db'), 'latin1')).not.toContain(tokenOf(home, run.id));
    expect((await home.clip(['logs', String(number)])).stdout).not.toContain(tokenOf(home, run.id));
  });

  it('a line with a token of another run is not a report', deep, async () => {
    const home = createHome();
    const line = '::clip-report wrong-token {"id":"a","kind":"done","text":"x","who":null}';
    const { run, reports } = await spoken(home, [{ run: `echo '${line}'` }, words(line)]);
    expect([run.status, reports]).toEqual(['succeeded', []]);
  });
});

describe('an agent run that reports', () => {
  it('is advanced by a progress report alone', deep, async () => {
    const { run } = await spoken(createHome(), [{ run: 'clip report done "the answer is 42"' }]);
    expect([run.livenessState, run.livenessReason]).toEqual(['advanced', 'Evidence of work: 1 report.']);
    expect(run.evidence).toMatchObject({ reports: 1, commands: 1 });
    expect(run.lastUsefulActionAt).not.toBeNull();
  });

  it('only a next step is plan_only, with that step as the next action', deep, async () => {
    const { run } = await spoken(createHome(), [{ run: 'clip report next "Write the tests of the printer"' }]);
    expect(run).toMatchObject({
      livenessState: 'plan_only',
      nextAction: 'Write the tests of the printer',
      evidence: { reports: 1 },
    });
  });

  it('a blocker is blocked, until it reports that it is done', deep, async () => {
    const blocked = await spoken(createHome(), [{ run: 'clip report blocked "no key"' }]);
    expect(blocked.run).toMatchObject({
      livenessState: 'blocked',
      livenessReason: 'The agent reported that it is blocked: no key',
    });
    const over = await spoken(createHome(), [{ run: 'clip report blocked "no key"; clip report done "found it"' }]);
    expect(over.run).toMatchObject({ livenessState: 'advanced', livenessReason: 'Evidence of work: 2 reports.' });
  });
});

it('a removed run has its reports removed', deep, async () => {
  const home = createHome();
  await home.clip(['run', '--wait', '--', 'sh', '-c', clipReport('done x')]);
  const kept = async () => {
    await home.clip(['daemon', 'stop']);
    const database = new Database(join(home.folder, 'clip.db'), { readonly: true });
    try {
      return database.prepare('select count(*) as count from reports').get();
    } finally {
      database.close();
    }
  };
  expect(await kept()).toEqual({ count: 1 });
  expect((await home.clip(['rm', '1'])).code).toBe(0);
  expect(await kept()).toEqual({ count: 0 });
});
