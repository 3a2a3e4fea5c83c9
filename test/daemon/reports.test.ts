import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ReportView } from '#protocol/answers.ts';
import { limits } from '#run/limits.ts';
import { codexSays } from '../support/agents.ts';
import { createDaemonHome, type DaemonHome } from '../support/daemon/daemon-home.ts';
import type { FakeProcess, Step } from '../support/daemon/fake-process.ts';

const { session, words, done, command } = codexSays;
const end = [done(10, 1), { exit: 0 }];

/** Returns the reports in the history of a run. */
async function reported(home: DaemonHome, run: number) {
  return (await home.history(run)).flatMap(({ type, data }) => {
    const { kind, text, who } = data as ReportView;
    return type === 'report' ? [[kind, text, who]] : [];
  });
}

/** Returns a request with which a run reports. */
const report = (run: number | string, { launch }: FakeProcess, given: object = {}) =>
  [
    'POST',
    `/runs/${run}/reports`,
    { token: launch.token, id: 'a', kind: 'progress', text: 'half done', ...given },
  ] as const;

/** Lets an agent do these steps in one run, until it has settled. */
async function spoken(home: DaemonHome, steps: readonly Step[]) {
  await home.addAgent('coder', [[session('s1'), ...steps, ...end]]);
  return home.untilSettled(await home.runAgent('coder'));
}

describe('a run', () => {
  it('reports its work, and all of its reports are in its history', async () => {
    const home = await createDaemonHome();
    await home.run(['sleep']);
    const process = await home.process(1);
    const sent = [
      { kind: 'next', text: 'write the parser' },
      { kind: 'progress', text: 'the parser is done' },
      { kind: 'blocked', text: 'no key for the registry', who: 'ops' },
      { kind: 'next', text: 'line one\nline \u001b[1mtwo\u001b[0m' },
      { kind: 'done', text: 'all of it' },
    ];
    for (const [n, given] of sent.entries()) await home.send(...report(1, process, { id: `r${n}`, ...given }));
    expect(await reported(home, 1)).toEqual([
      ['next', 'write the parser', null],
      ['progress', 'the parser is done', null],
      ['blocked', 'no key for the registry', 'ops'],
      ['next', 'line one\nline two', null],
      ['done', 'all of it', null],
    ]);
  });

  it('keeps its token secret: no answer, record or log line of the daemon contains it', async () => {
    const home = await createDaemonHome();
    await home.run(['sleep']);
    const process = await home.process(1);
    const token = process.launch.token ?? '';
    expect(token).toMatch(/^[\w-]{43}$/);
    await home.send(...report(1, process, { text: `my token is ${token}` }));
    await process.play([{ exit: 0 }]);
    await home.untilSettled(1);
    const answers = [JSON.stringify(await home.send('GET', '/runs/1')), JSON.stringify(await home.events())];
    expect(answers[0]).toContain('my token is ***');
    await home.stop();
    const kept = readFileSync(home.home.database, 'latin1');
    for (const text of [...answers, kept, JSON.stringify(home.log)]) expect(text).not.toContain(token);
  });

  it('that was started inside another has a token of its own', async () => {
    const home = await createDaemonHome();
    const outer = await home.process(await home.run(['sleep']));
    const inner = await home.process(await home.run(['sleep'], { parentRunId: outer.id }));
    await home.send(...report(2, inner, { kind: 'done', text: 'inner' }));
    await home.send(...report(1, outer, { kind: 'done', text: 'outer' }));
    expect(await reported(home, 1)).toEqual([['done', 'outer', null]]);
    expect(await reported(home, 2)).toEqual([['done', 'inner', null]]);
  });

  it('can report while it is being stopped', async () => {
    const home = await createDaemonHome();
    home.plan({ steps: [{ stubborn: true }] });
    await home.run(['sleep']);
    const process = await home.process(1);
    await home.clock.advance(20);
    await home.send('POST', '/cancel', { runs: ['1'] });
    await home.until('it is told to end', () => process.signals.includes('SIGTERM'));
    await home.send(...report(1, process, { kind: 'summary', text: 'saved' }));
    await process.play([{ exit: 0 }]);
    expect((await home.untilSettled(1)).status).toBe('cancelled');
    expect(await reported(home, 1)).toEqual([['summary', 'saved', null]]);
  });

  it('that is started again after a loss has a token of its own', async () => {
    const home = await createDaemonHome();
    home.plan({ steps: [], isLocal: true });
    await home.run(['sleep'], { onLoss: 'retry' });
    const first = await home.process(1);
    await home.keepers[0]?.die({ runs: true });
    const second = await home.process(2);
    expect((await home.show(2)).retryOfRunId).toBe(first.id);
    expect(second.launch.token).not.toBe(first.launch.token);
    expect((await home.refused(...report(2, first))).status).toBe(409);
    await home.send(...report(2, second));
  });
});

describe('a report is refused', () => {
  it('with a wrong token, that of another run, or for an unknown run', async () => {
    const home = await createDaemonHome();
    const [first, second] = [
      await home.process(await home.run(['sleep'])),
      await home.process(await home.run(['sleep'])),
    ];
    for (const token of ['wrong', second.launch.token, `${first.launch.token}x`])
      expect(await home.refused(...report(1, first, { token }))).toMatchObject({
        status: 409,
        code: 'refused',
        message: expect.stringContaining('not the token of run 1'),
      });
    expect((await home.refused(...report(99, second))).status).toBe(404);
    expect(await reported(home, 1)).toEqual([]);
  });

  it('for an ended run, while a repeated earlier one is confirmed', async () => {
    const home = await createDaemonHome();
    await home.run(['sleep']);
    const process = await home.process(1);
    const answer = await home.send(...report(1, process, { text: 'once' }));
    expect(await home.send(...report(1, process, { text: 'twice' }))).toEqual(answer);
    await process.play([{ exit: 0 }]);
    await home.untilSettled(1);
    expect(await home.send(...report(1, process))).toEqual(answer);
    expect((await home.refused(...report(1, process, { id: 'b' }))).message).toContain('Run 1 has already ended');
    expect(await reported(home, 1)).toEqual([['progress', 'once', null]]);
  });

  it.each([
    ['of an unknown kind', { kind: 'wish' }],
    ['without a text', { text: '' }],
    ['whose text cannot be printed', { text: '\u0007 \u001b[1m' }],
    ['with a text that is too long', { text: 'x'.repeat(limits.reportTextLength + 1) }],
    ['with a name that is too long', { kind: 'blocked', who: 'm'.repeat(limits.nameLength + 1) }],
  ])('%s', async (_, given) => {
    const home = await createDaemonHome();
    await home.run(['sleep']);
    expect((await home.refused(...report(1, await home.process(1), given))).status).toBe(400);
  });

  it('after two hundred reports of its run', async () => {
    const home = await createDaemonHome();
    await home.run(['sleep']);
    const process = await home.process(1);
    for (let n = 0; n < limits.reportsPerRun; n += 1) await home.send(...report(1, process, { id: `r${n}` }));
    expect(await home.refused(...report(1, process, { id: 'more' }))).toMatchObject({
      status: 409,
      message: 'Run 1 has made 200 reports, and that is the most.',
    });
  });
});

describe('a report in the output of a tool', () => {
  const line = ({ launch }: FakeProcess, id: string) =>
    `::clip-report ${launch.token} {"id":"${id}","kind":"progress","text":"half done","who":null}`;
  /** Returns a step in which a tool of the agent prints a report. */
  const prints = (id: string, text: (process: FakeProcess) => string): Step => ({
    does: (process) => {
      const { say } = command(id, 'clip report progress') as { say: { item: object } };
      return process.play([{ say: { ...say, item: { ...say.item, aggregated_output: `${text(process)}\n` } } }]);
    },
  });

  it('is recorded once during its run, and no token is stored', async () => {
    const home = await createDaemonHome();
    const quote: Step = { does: (process) => process.play([words(`I said:\n${line(process, 'a')}`)]) };
    await home.addAgent('coder', [[session('s1'), prints('a', (process) => line(process, 'a')), quote]]);
    const run = await home.runAgent('coder');
    await home.until('the report is recorded', async () => (await reported(home, run)).length === 1);
    expect((await home.show(run)).status).toBe('running');
    const process = await home.process(run);
    await process.play([prints('b', () => line(process, 'b')), quote, ...end]);
    const ended = await home.untilSettled(run);
    expect(await reported(home, run)).toEqual(Array(2).fill(['progress', 'half done', null]));
    expect(ended.evidence).toMatchObject({ reports: 2, commands: 2 });
    expect(ended.lastMessage).toContain('::clip-report *** {');
    await home.stop();
    expect(readFileSync(home.home.database, 'latin1')).not.toContain(process.launch.token ?? '-');
  });

  it('with the token of another run is not a report', async () => {
    const home = await createDaemonHome();
    const forged = '::clip-report wrong-token {"id":"a","kind":"done","text":"x","who":null}';
    const { number, status } = await spoken(home, [prints('a', () => forged), words(forged)]);
    expect([status, await reported(home, number)]).toEqual(['succeeded', []]);
  });
});

describe('an agent run that reports', () => {
  it('is advanced by a progress report alone', async () => {
    const home = await createDaemonHome();
    expect(await spoken(home, [home.reports('done', 'the answer is 42')])).toMatchObject({
      livenessState: 'advanced',
      livenessReason: 'Evidence of work: 1 report.',
      evidence: { reports: 1 },
    });
  });

  it('only a next step is plan_only, with that step as the next action', async () => {
    const home = await createDaemonHome();
    expect(await spoken(home, [home.reports('next', 'Write the tests of the printer')])).toMatchObject({
      livenessState: 'plan_only',
      nextAction: 'Write the tests of the printer',
    });
  });

  it('a blocker is blocked', async () => {
    const home = await createDaemonHome();
    expect(await spoken(home, [home.reports('blocked', 'no key')])).toMatchObject({
      livenessState: 'blocked',
      livenessReason: 'The agent reported that it is blocked: no key',
    });
  });

  it('a blocker, and then that it is done, is advanced', async () => {
    const home = await createDaemonHome();
    const steps = [home.reports('blocked', 'no key'), home.reports('done', 'found it')];
    expect(await spoken(home, steps)).toMatchObject({
      livenessState: 'advanced',
      livenessReason: 'Evidence of work: 2 reports.',
    });
  });
});
