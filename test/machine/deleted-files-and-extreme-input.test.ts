import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addSpeaker, codexSays } from '../support/agents.ts';
import { deep } from '../support/deep.ts';
import { agent, createHome, type TestHome } from '../support/home.ts';
import { until } from '../support/until.ts';

const { session, words, command, done } = codexSays;
const gateOf = (home: TestHome) => join(home.base, 'gate');
const open = (home: TestHome) => writeFileSync(gateOf(home), '');
const gated = (home: TestHome, code = 0) => ['--', agent('waits-for-a-file.sh'), gateOf(home), String(code)];

describe('a work folder that was deleted', () => {
  it('before its run starts ends the run at once, with a remedy', async () => {
    const home = createHome();
    const folder = join(home.base, 'work');
    mkdirSync(folder);
    await home.clip(['queue', 'hold']);
    const number = await home.submit(['--cwd', folder, '--', 'true']);
    rmSync(folder, { recursive: true });
    await home.clip(['queue', 'release']);
    const run = await home.untilStatus(number, 'failed');
    expect(run).toMatchObject({ stopReason: 'not_started', errorCode: 'cwd_missing', exitCode: null, startedAt: null });
    expect(run.error).toBe(`The work folder ${folder} does not exist.`);
    expect((await home.clip(['wait', String(number)])).code).toBe(1);
  });

  it('under a working agent does not prevent recording its end', deep, async () => {
    const home = createHome();
    const folder = join(home.base, 'work');
    mkdirSync(folder);
    const works = [
      session('s1'),
      command('a', 'make build'),
      { await: gateOf(home) },
      words('I have built it.'),
      done(10, 1),
      { exit: 0 },
    ];
    await addSpeaker(home, [works, [session('s1'), words('Nothing more.'), done(1, 1), { exit: 0 }]]);
    await home.clip(['task', 'add', 'Build it', '--assign', 'coder', '--cwd', folder]);
    // A program that has not started yet could no longer start in this folder.
    await until('the agent is working', async () => ((await home.show(1)).evidence?.commands ?? 0) > 0);
    rmSync(folder, { recursive: true });
    open(home);
    const run = await until('the run has settled', async () => ((await home.show(1)).settled ? home.show(1) : null));
    expect(run).toMatchObject({ status: 'succeeded', exitCode: 0, livenessState: 'advanced', workspace: null });
    const { task } = await until('the task is blocked', async () => {
      const shown = await home.json<{ task: { status: string; blockedReason: string } }>([
        'task',
        'show',
        'T1',
        '--json',
      ]);
      return shown.task.status === 'blocked' ? shown : null;
    });
    expect(task.blockedReason).toContain(folder);
  });
});

describe('a log deleted under its run', () => {
  it('loses output only: the run has its exit code, and logs says so', async () => {
    const home = createHome();
    const number = await home.submit(gated(home, 7));
    const { stdoutPath } = await home.untilStatus(number, 'running');
    const following = home.clip(['logs', '-f', '--exit-code', String(number)]);
    rmSync(stdoutPath);
    open(home);
    expect(await home.untilStatus(number, 'failed')).toMatchObject({ exitCode: 7, stdoutBytes: null });
    expect((await following).code).toBe(7);
    const logs = await home.clip(['logs', String(number)]);
    expect(logs).toMatchObject({ code: 0, stdout: '' });
    expect(logs.stderr).toBe(`The log ${stdoutPath} of run ${number} is gone.\n`);
  });

  it('with the whole run folder loses the end, and none is made up', deep, async () => {
    const home = createHome();
    const number = await home.submit(gated(home, 7));
    const run = await home.untilStatus(number, 'running');
    rmSync(join(home.folder, 'runs', run.id), { recursive: true });
    open(home);
    // The keeper saw the end and reports it, although it cannot record it on disk.
    expect(await home.untilStatus(number, 'failed')).toMatchObject({ exitCode: 7, exitKnown: true });
    expect((await home.clip(['run', '--wait', '--', 'true'])).code).toBe(0);
  });

  it('leaves an agent with what was read of the log before', deep, async () => {
    const home = createHome();
    const before = [session('s1'), words('I begin.'), { await: gateOf(home) }];
    await addSpeaker(home, [[...before, words('I have changed it.'), done(10, 1), { exit: 0 }]]);
    const number = await home.submit(['--agent', 'coder', 'Do it.']);
    const run = await until('the session of the run is known', async () =>
      (await home.show(number)).sessionIdAfter === null ? null : home.show(number),
    );
    rmSync(run.stdoutPath);
    open(home);
    // The report of success never became readable.
    const ended = await until('the run has settled', async () =>
      (await home.show(number)).settled ? home.show(number) : null,
    );
    expect(ended).toMatchObject({ status: 'failed', exitCode: 0, sessionIdAfter: 's1' });
    expect(ended.error).not.toBe(null);
  });
});

const gigabyte = 2 ** 30;
const daemonBytes = (home: TestHome): number =>
  Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${home.daemonPid()}/status`, 'utf8'))?.[1]) * 1_024;

describe('one line of a gigabyte', () => {
  it('of a command is kept byte for byte, and its tail is shown directly', {
    ...deep,
    timeout: 180_000,
  }, async () => {
    const home = createHome();
    const number = await home.submit(['--', process.execPath, agent('says-one-endless-line.mjs'), String(gigabyte)]);
    expect((await home.clip(['wait', String(number)])).code).toBe(0);
    const run = await home.show(number);
    expect(run.stdoutBytes).toBe(gigabyte);
    expect(statSync(run.stdoutPath).size).toBe(gigabyte);
    const counted = await home.clip([
      'run',
      '--wait',
      '-q',
      '--',
      'sh',
      '-c',
      `"$CLIP_BIN" logs --raw ${number} | wc -c`,
    ]);
    expect(counted.code).toBe(0);
    expect((await home.clip(['logs', '2'])).stdout.trim()).toBe(String(gigabyte));
    expect(daemonBytes(home)).toBeLessThan(250 * 2 ** 20);
  });

  it("in an agent's stream is skipped in bounded memory, not later lines", {
    ...deep,
    timeout: 180_000,
  }, async () => {
    const home = createHome();
    const says = (step: object) => `echo '${JSON.stringify((step as { say: object }).say)}'`;
    const endless = `'${process.execPath}' '${agent('says-one-endless-line.mjs')}' ${gigabyte}; echo`;
    const path = join(home.base, 'endless');
    writeFileSync(
      path,
      [
        '#!/bin/sh',
        'cat > /dev/null',
        says(session('s1')),
        endless,
        says(words('I have changed it.')),
        says(done(10, 1)),
      ].join('\n'),
    );
    chmodSync(path, 0o755);
    await home.clip(['agent', 'add', 'endless', '--adapter', 'codex', '--command', path]);
    const number = await home.submit(['--agent', 'endless', 'Do it.']);
    const run = await until(
      'the run has settled',
      async () => ((await home.show(number)).settled ? home.show(number) : null),
      120_000,
    );
    expect(run).toMatchObject({
      status: 'succeeded',
      exitCode: 0,
      sessionIdAfter: 's1',
      lastMessage: 'I have changed it.',
    });
    expect(daemonBytes(home)).toBeLessThan(250 * 2 ** 20);
  });
});

describe('text that is not UTF-8', () => {
  it("or is cut within characters breaks nothing in an agent's messages", deep, async () => {
    const home = createHome();
    const line = Buffer.from(
      `${JSON.stringify({ type: 'item.completed', item: { id: 'w', type: 'agent_message', text: 'Größe: 漢字 🙂 #' } })}\n`,
    );
    const broken = Buffer.from(line);
    broken[broken.indexOf('#')] = 0xff;
    // The cut is after the first byte of a character.
    const at = broken.indexOf('漢') + 1;
    const bytes = (part: Buffer) => ({ bytes: part.toString('base64') });
    await addSpeaker(home, [
      [
        session('s1'),
        bytes(broken.subarray(0, at)),
        { await: gateOf(home) },
        bytes(broken.subarray(at)),
        done(10, 1),
        { exit: 0 },
      ],
    ]);
    const number = await home.submit(['--agent', 'coder', 'Do it.']);
    await until('the first half was read', async () => (await home.show(number)).sessionIdAfter);
    open(home);
    const run = await until('the run has settled', async () =>
      (await home.show(number)).settled ? home.show(number) : null,
    );
    expect(run).toMatchObject({ status: 'succeeded', lastMessage: 'Größe: 漢字 🙂 \ufffd' });
    expect((await home.clip(['show', String(number)])).stdout).toContain('Größe: 漢字 🙂');
  });
});

/** CLIP_TEST_MANY=100000 tests the maximum, which takes some minutes. */
const many = Number(process.env['CLIP_TEST_MANY'] ?? 10_000);

describe('a very long queue', () => {
  it('is admitted, shown, recovered and canceled without slow requests', {
    ...deep,
    timeout: 900_000,
  }, async () => {
    const home = createHome();
    const file = join(home.base, 'batch');
    writeFileSync(file, `${JSON.stringify({ command: ['true'] })}\n`.repeat(many));
    await home.clip(['queue', 'hold']);
    const batch = home.clip(['run', '--batch', file, '-q']);
    // Other requests are answered while the batch arrives.
    const answered: number[] = [];
    let over = false;
    void batch.then(() => {
      over = true;
    });
    while (!over) {
      const begun = performance.now();
      const { code, stderr } = await home.clip(['runs', '--json', '--limit', '1']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      answered.push(performance.now() - begun);
    }
    expect((await batch).stdout.trim().split('\n')).toHaveLength(many);
    expect(Math.max(...answered)).toBeLessThan(10_000);
    const queued = async () => (await home.json<{ queue: { queued: number } }>(['status', '--json'])).queue.queued;
    expect(await queued()).toBe(many);
    await home.kill(home.daemonPid());
    expect((await home.clip(['runs', '--json', '--limit', '1'])).code).toBe(0);
    expect(await queued()).toBe(many);
    expect(daemonBytes(home)).toBeLessThan(500 * 2 ** 20);
    const urgent = await home.submit(['--priority', '1', '--', 'true']);
    expect(urgent).toBe(many + 1);
    const cancelled = await home.clip(['cancel', '--all']);
    expect([cancelled.code, cancelled.stdout.trim().split('\n').length]).toEqual([0, many + 1]);
    expect(await queued()).toBe(0);
    await home.clip(['queue', 'release']);
    expect((await home.clip(['run', '--wait', '--', 'true'])).code).toBe(0);
    expect(existsSync(home.folder)).toBe(true);
  });
});
