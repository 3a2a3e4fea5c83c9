import { describe, expect, it } from 'vitest';
import { deep } from '../support/deep.ts';
import { createHome, type Result } from '../support/home.ts';
import { shellIn } from '../support/shell.ts';

/** The field names that scripts rely on. A change here breaks them. */
const runFields = `
  id number name status adapter agentId agentName taskId title retryOf parentRun command cwd group labels priority
  queuedAt startedAt endedAt notBefore processPid processGroupId processStartedAt exitCode signal exitKnown errorCode error
  errorBy remark lastError
  stopReason effectiveTimeoutSec timeoutConfigured timeoutSource timeoutFired
  livenessState livenessReason nextAction lastUsefulActionAt evidence
  continuationAttempt maxContinuationAttempts continuationOf retryOfRunId retryReason processLossRetryCount parentRunId wakeReason decision
  sessionIdBefore sessionIdAfter usage workspace leaked
  stdoutPath stderrPath stdoutBytes stderrBytes lastOutputAt logsRemovedAt silence waitingFor cpuPercent memoryBytes
  key locks deadlineAt settled permission retrying resetsAt lastMessage retriedBy
  environmentSource needsYou containment unexamined`
  .trim()
  .split(/\s+/)
  .sort();
const daemonFields = [
  'schema',
  'running',
  'pid',
  'version',
  'startedAt',
  'home',
  'socket',
  'uptimeMs',
  'keepers',
  'memoryBytes',
  'openFiles',
  'timers',
  'trouble',
].sort();
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Returns the single document on stdout. Nothing else may be on stdout or stderr. */
function only(result: Result) {
  expect(result.stdout.trimEnd().split('\n')).toHaveLength(1);
  const value = JSON.parse(result.stdout);
  expect(value.schema).toBe(1);
  return value;
}

describe('a JSON document', () => {
  it('has the documented fields of a run, whichever verb prints it', async () => {
    const home = createHome();
    const one = only(await home.clip(['run', '--json', '--', 'true']));
    expect(Object.keys(one).sort()).toEqual(['run', 'schema']);
    const waited = only(await home.clip(['wait', '1', '--json']));
    const shown = only(await home.clip(['show', '1', '--json']));
    const fast = only(await home.clip(['runs', '--json']));
    const slow = only(await home.clip(['runs', '--json', '--since', '1d']));
    const retried = only(await home.clip(['retry', '1', '--json']));
    const followed = only(await home.clip(['run', '--wait', '--json', '--', 'true']));
    const endless = await home.submit(['--', 'sleep', '1000']);
    const cancelled = only(await home.clip(['cancel', String(endless), '--json']));
    expect(Object.keys(shown).sort()).toEqual(['events', 'prompt', 'run', 'schema']);
    for (const page of [fast, slow]) expect(Object.keys(page).sort()).toEqual(['hidden', 'next', 'runs', 'schema']);
    for (const list of [waited, retried, cancelled]) {
      expect(Object.keys(list).sort()).toEqual(['runs', 'schema']);
      expect(list.runs).toHaveLength(1);
    }
    const runs = [
      one.run,
      shown.run,
      followed.run,
      ...[waited, fast, slow, retried, cancelled].flatMap((list) => list.runs),
    ];
    for (const run of runs) expect(Object.keys(run).sort()).toEqual(runFields);
    for (const event of shown.events)
      expect(Object.keys(event).sort()).toEqual(['at', 'data', 'run', 'runId', 'seq', 'taskId', 'type']);
  });

  it('is the same, whether or not the command tree is loaded for it', deep, async () => {
    const home = createHome();
    await home.clip(['agent', 'add', 'one', '--adapter', 'plain', '--command', 'cat']);
    await home.clip(['run', '--wait', '--agent', 'one', 'a\u202eb']);
    await home.clip(['task', 'add', 'title']);
    for (const line of ['runs', 'show 1', 'ledger', 'ledger T1', 'task list', 'task show T1', 'agent list']) {
      const args = [...line.split(' '), '--json'];
      const fast = await home.clip(args);
      const whole = await home.clip(['--color', 'never', ...args]);
      expect([line, JSON.parse(fast.stdout)]).toEqual([line, JSON.parse(whole.stdout)]);
    }
  });

  it('has times in UTC with milliseconds, and null for what is unknown', async () => {
    const home = createHome();
    await home.clip(['queue', 'hold']);
    await home.clip(['run', '--', 'true']);
    const queued = await home.show(1);
    expect(queued).toMatchObject({
      status: 'queued',
      startedAt: null,
      endedAt: null,
      exitCode: null,
      exitKnown: null,
      processPid: null,
      stdoutBytes: null,
    });
    expect(queued.waitingFor).toContain('clip resume');
    await home.clip(['queue', 'release']);
    await home.clip(['wait', '1']);
    const ended = await home.show(1);
    for (const at of [
      ended.queuedAt,
      ended.startedAt,
      ended.endedAt,
      ...(await home.history(1)).map((event) => event.at),
    ])
      expect(at).toMatch(time);
    expect(ended).toMatchObject({
      status: 'succeeded',
      exitCode: 0,
      exitKnown: true,
      signal: null,
      name: null,
      group: null,
      cpuPercent: null,
    });
  });

  it('of a stopped daemon says so with exit code 4, and starts none', async () => {
    const home = createHome();
    const status = await home.clip(['daemon', 'status', '--json']);
    expect(status.code).toBe(4);
    const value = only(status);
    expect(Object.keys(value).sort()).toEqual(daemonFields);
    expect(value).toMatchObject({
      running: false,
      pid: null,
      version: null,
      uptimeMs: null,
      keepers: [],
      socket: `${home.folder}/clip.sock`,
    });
    const overview = await home.clip(['status', '--json']);
    expect([overview.code, overview.stdout, JSON.parse(overview.stderr).error.code]).toEqual([4, '', 'unreachable']);
    expect(home.pidsOf('daemon')).toEqual([]);
  });

  it('of the daemon, of its groups and of the queue has the documented fields', async () => {
    const home = createHome();
    await home.clip(['daemon', 'start']);
    const run = await home.submit(['--', 'sleep', '1000']);
    await home.untilStatus(run, 'running');
    const daemon = only(await home.clip(['daemon', 'status', '--json']));
    expect(Object.keys(daemon).sort()).toEqual(daemonFields);
    expect(daemon).toMatchObject({ running: true, pid: home.daemonPid(), home: home.folder });
    expect(daemon.keepers).toEqual([
      {
        pid: home.pidsOf('keeper')[0],
        version: daemon.version,
        runs: 1,
        answers: true,
        containment: expect.toBeOneOf(['cgroup', 'mark']),
        kernelMark: expect.any(Boolean),
      },
    ]);
    const status = only(await home.clip(['status', '--json']));
    expect(Object.keys(status).sort()).toEqual(['daemon', 'ended', 'live', 'needsYou', 'queue', 'queued', 'schema']);
    expect(Object.keys(status.live[0]).sort()).toEqual(runFields);
    expect(status.live[0].memoryBytes).toBeGreaterThan(0);
    expect(Object.keys(status.queue).sort()).toEqual(['agentSlots', 'agentsTaken', 'held', 'queued', 'slots', 'taken']);
    expect(only(await home.clip(['group', 'set', 'g', '--limit', '2', '--json'])).group).toEqual({
      name: 'g',
      limit: 2,
      paused: false,
    });
    expect(only(await home.clip(['group', 'list', '--json'])).groups).toEqual([{ name: 'g', limit: 2, paused: false }]);
    expect(only(await home.clip(['daemon', 'stop', '--cancel-runs', '--json']))).toMatchObject({
      stopped: true,
      liveRuns: 0,
    });
  });
});

describe('an error with --json', () => {
  it('of a standard output that is full is a sentence, not a stack', async () => {
    const home = createHome();
    await home.clip(['run', '--wait', '-q', '--', 'true']);
    const { code, stderr } = await shellIn(home).paste('clip runs --json > /dev/full');
    expect([code, stderr]).toEqual([1, expect.stringContaining('Standard output cannot be written')]);
    expect(stderr).not.toContain('    at ');
  });

  it('is an object on stderr with code, message and hint; stdout is empty', async () => {
    const home = createHome();
    await home.submit(['--name', 'held', '--', 'sleep', '1000']);
    const cases: [string[], number, string][] = [
      [['show', '99', '--json'], 3, 'not_found'],
      [['wait', '99', '--json'], 125, 'not_found'],
      [['retry', '99', '--json'], 3, 'not_found'],
      [['retry', 'held', '--json'], 5, 'refused'],
      [['run', '--name', 'held', '--json', '--', 'true'], 5, 'name_taken'],
      [['run', '--timeout', 'soon', '--json', '--', 'true'], 2, 'usage'],
      [['run', '--json'], 2, 'usage'],
      [['run', '--json', '--cwd', '/no/such', '--', 'true'], 3, 'not_found'],
      [['runs', '--json', '--limit', '0'], 2, 'usage'],
      [['runs', '--json', '--status', 'nonsense'], 2, 'usage'],
      [['runs', '--json', '--nonsense'], 2, 'usage'],
      [['show', '--json'], 2, 'usage'],
    ];
    for (const [args, exit, code] of cases) {
      const result = await home.clip(args);
      expect([args, result.code, result.stdout]).toEqual([args, exit, '']);
      const { error } = JSON.parse(result.stderr);
      expect(Object.keys(error)).toEqual(['code', 'message', 'hint']);
      expect([args, error.code]).toEqual([args, code]);
      expect(error.message).toMatch(/\.$/);
    }
  });

  it('ignores a --json that belongs to the command of the run', async () => {
    const home = createHome();
    const result = await home.clip(['run', '--timeout', 'soon', '--', 'echo', '--json']);
    expect(result.stderr).toMatch(/^clip: --timeout: "soon" is not a duration\.\n {6}\S/);
  });
});

describe('the standard output', () => {
  it('of run is the number of the run alone', async () => {
    const home = createHome();
    const quiet = await home.clip(['run', '-q', '--', 'true']);
    expect(quiet).toEqual({ code: 0, signal: null, stdout: '1\n', stderr: '' });
    expect((await home.clip(['run', '--', 'true'])).stdout).toBe('2\n');
    expect(await home.clip(['run', '-q', '--wait', '--', 'echo', 'hello'])).toEqual({
      code: 0,
      signal: null,
      stdout: '3\n',
      stderr: '',
    });
    expect((await home.clip(['run', '-f', '--', 'echo', 'hello'])).stdout).toBe('hello\n');
  });

  it('of help exit-codes and help errors is the two tables', async () => {
    const home = createHome();
    const codes = await home.clip(['help', 'exit-codes']);
    for (const code of [0, 1, 2, 3, 4, 5, 6, 7, 120, 121, 124, 125, 126, 127, 130])
      expect(codes.stdout).toMatch(new RegExp(`(^| )${code}  `, 'm'));
    const errors = await home.clip(['help', 'errors']);
    expect(errors.stdout).toMatch(/^ {2}not_found +3 {2}/m);
    expect(home.pidsOf('daemon')).toEqual([]);
  });
});
