/** The fourteen cases of lost and stranded work that the reference system tests, in its order and with its names. */
import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codexSays } from '../../support/agents.ts';
import { deep } from '../../support/deep.ts';
import { createHome, isAlive, marked, type TestHome } from '../../support/home.ts';
import { endWithoutRecord } from '../../support/records.ts';
import {
  addTask,
  atRest,
  clipStep,
  ends,
  events,
  gated,
  homeWith,
  runsOf,
  shownTask,
  untilRun,
} from '../../support/task-runs.ts';
import { until } from '../../support/until.ts';

const { session, words, done } = codexSays;

/** Creates a task whose run lives and waits for its gate. Later runs wait as well. */
async function working() {
  const { home, open, gate } = await homeWith((path) => [gated(path)]);
  const task = await addTask(home);
  const [run] = await untilRun(home, task, 1, 'running');
  if (run === undefined) throw new Error('There is no run.');
  await until('the session is recorded', async () => (await home.show(run.number)).sessionIdAfter === 's1');
  return { home, task, run, open, gate };
}

async function killAllButTheRun(home: TestHome): Promise<void> {
  await home.kill(home.daemonPid());
  for (const pid of home.pidsOf('keeper')) await home.kill(pid);
}

describe('a run without its supervisor', () => {
  // Case 1.
  it('is process_detached while it lives, and keeps its wake', deep, async () => {
    const { home, task, run } = await working();
    await killAllButTheRun(home);
    const found = await home.show(run.number);
    expect(found).toMatchObject({ status: 'running', errorCode: 'process_detached', processPid: run.processPid });
    expect(found.error).toContain(String(run.processPid));
    const { wakes, task: seen } = await shownTask(home, task);
    expect(wakes.map(({ status, reason }) => [reason, status])).toEqual([['issue_assigned', 'claimed']]);
    expect(seen).toMatchObject({ status: 'in_progress', checkoutRunId: run.id, executionRunId: run.id });
    expect(await runsOf(home, task)).toHaveLength(1);
    expect(isAlive(run.processPid ?? 0)).toBe(true);
  });

  // Case 2. The retry holds the task, and the checkout stays.
  it('is process_lost without its process, and queued once again', async () => {
    const { home, task, run } = await working();
    await home.clip(['queue', 'hold']);
    await endWithoutRecord(home, run);
    const [lost, retry, ...others] = await untilRun(home, task, 2, 'queued');
    expect(others).toEqual([]);
    expect(lost).toMatchObject({
      status: 'failed',
      errorCode: 'process_lost',
      stopReason: 'process_lost',
      timeoutConfigured: false,
      timeoutFired: false,
    });
    expect(retry).toMatchObject({
      retryOfRunId: run.id,
      processLossRetryCount: 1,
      retryReason: 'process_lost',
      wakeReason: 'process_lost_retry',
    });
    expect(retry?.sessionIdBefore).toBe('s1');
    expect((await shownTask(home, task)).task).toMatchObject({
      status: 'in_progress',
      checkoutRunId: run.id,
      executionRunId: retry?.id,
    });
    const judged = await until('the run has a verdict', async () =>
      (await home.show(run.number)).settled ? home.show(run.number) : null,
    );
    expect(judged).toMatchObject({
      livenessState: 'failed',
      livenessReason: expect.stringContaining('process_lost'),
      decision: { action: 'follows' },
    });
    // Another daemon finds the same loss.
    await home.clip(['daemon', 'restart']);
    expect(await runsOf(home, task)).toHaveLength(2);
  });

  it('is queued again for a paused agent, and waits for its resume', deep, async () => {
    const { home, task, run, open } = await working();
    await home.clip(['agent', 'pause', 'coder']);
    await endWithoutRecord(home, run);
    const [, retry] = await untilRun(home, task, 2, 'queued');
    expect(retry).toMatchObject({ processLossRetryCount: 1, waitingFor: expect.stringContaining('paused') });
    open();
    await home.clip(['agent', 'resume', 'coder']);
    expect((await untilRun(home, task, 2, 'succeeded'))[1]).toMatchObject({ retryOfRunId: run.id });
  });

  // Case 3.
  it('is lost when only descendants live, and queued once they end', deep, async () => {
    const { home } = await homeWith((gate) => [[session('s1'), { child: true }, words('Started.'), { await: gate }]]);
    const task = await addTask(home);
    const [run] = await untilRun(home, task, 1, 'running');
    const { id = '', number = 0, processPid } = run ?? {};
    await until(
      'the child is running',
      async () => (await home.show(number)).lastMessage === 'Started.' && marked(id).length > 1,
    );
    await home.clip(['queue', 'hold']);
    await killAllButTheRun(home);
    await home.kill(processPid ?? 0);
    expect(marked(id)).not.toEqual([]);
    const [lost, retry] = await untilRun(home, task, 2, 'queued');
    expect(lost).toMatchObject({
      status: 'failed',
      errorCode: 'process_lost',
      error: expect.stringContaining('descendant process group'),
    });
    expect(marked(id)).toEqual([]);
    expect((await shownTask(home, task)).task.executionRunId).toBe(retry?.id);
  });

  // Case 4: executionRunId is null and checkoutRunId unchanged. Unlike the reference, the task is blocked, because
  // nothing else would move it.
  it('is not queued again if it was a retry; its task is blocked', deep, async () => {
    const { home, task, run } = await working();
    await endWithoutRecord(home, run);
    const [, retry] = await untilRun(home, task, 2, 'running');
    if (retry === undefined) throw new Error('There is no retry.');
    await endWithoutRecord(home, retry);
    await untilRun(home, task, 2, 'failed');
    const rest = await atRest(home, task);
    expect(rest.runs.map(({ errorCode, processLossRetryCount }) => [errorCode, processLossRetryCount])).toEqual([
      ['process_lost', 0],
      ['process_lost', 1],
    ]);
    expect(rest.task).toMatchObject({ status: 'blocked', executionRunId: null, checkoutRunId: run.id });
    expect(rest.comments.map(({ author, text }) => [author, text])).toEqual([
      ['clip', expect.stringContaining('retried continuation')],
    ]);
  });

  // Case 5.
  it('is no longer detached once it reports activity', deep, async () => {
    const home = createHome();
    const gate = join(home.base, 'gate');
    const command = join(home.base, 'teller');
    const waits = `while [ ! -e ${gate}.$1 ]; do sleep 0.05; done`;
    const report = String(clipStep('report progress "still at it"')['run']);
    writeFileSync(command, `#!/bin/sh\nwaits() { ${waits}; }\nwaits 1\n${report} > /dev/null\nwaits 2\n`);
    chmodSync(command, 0o755);
    await home.clip(['agent', 'add', 'teller', '--adapter', 'plain', '--command', command]);
    const task = await addTask(home, ['--assign', 'teller']);
    const [run] = await untilRun(home, task, 1, 'running');
    const number = run?.number ?? 0;
    await killAllButTheRun(home);
    expect((await home.show(number)).errorCode).toBe('process_detached');
    writeFileSync(`${gate}.1`, '');
    const active = await until('the warning is gone', async () => {
      const seen = await home.show(number);
      return seen.errorCode === null ? seen : null;
    });
    expect(active).toMatchObject({ status: 'running', error: null });
    expect(
      (await home.history(number))
        .filter(({ type }) => type === 'report' || type === 'activity')
        .map(({ type }) => type),
    ).toEqual(['report', 'activity']);
    await home.clip(['daemon', 'restart']);
    expect(await home.show(number)).toMatchObject({ status: 'running', errorCode: null });
  });
});

describe('a canceled run', () => {
  // Case 6. Unlike the reference, the event stays on this machine, because clip sends nothing anywhere.
  it('is reported with its role when it is the first of its agent', deep, async () => {
    const { home } = await homeWith((gate) => [gated(gate)], ['--role', 'engineer']);
    const task = await addTask(home);
    const [run] = await untilRun(home, task, 1, 'running');
    await home.clip(['cancel', String(run?.number)]);
    const expected = {
      run: run?.number,
      taskId: task,
      data: { agentId: run?.agentId, name: 'coder', role: 'engineer' },
    };
    expect(await events(home, 'agent.first_run')).toEqual([expect.objectContaining(expected)]);
    // The next retry is the second one, even for another daemon and after the first run was removed.
    await home.clip(['rm', String(run?.number)]);
    await home.kill(home.daemonPid());
    const second = await home.submit(['--agent', 'coder', 'x']);
    await home.untilStatus(second, 'running');
    await home.clip(['cancel', String(second)]);
    expect(await events(home, 'agent.first_run')).toEqual([]);
  });

  // Case 7: a stop by a person has 0, not configured, not fired.
  it('ends as cancelled without a timeout, and no run follows', deep, async () => {
    const { home, task, run } = await working();
    await home.clip(['cancel', String(run.number)]);
    const rest = await atRest(home, task);
    expect(rest.runs).toHaveLength(1);
    expect(rest.runs[0]).toMatchObject({
      status: 'cancelled',
      stopReason: 'cancelled',
      effectiveTimeoutSec: 0,
      timeoutConfigured: false,
      timeoutFired: false,
    });
    expect(rest.runs[0]?.decision).toMatchObject({ action: 'none' });
    expect(rest.task).toMatchObject({ status: 'in_progress', executionRunId: null, checkoutRunId: run.id });
    expect(rest.wakes.map(({ status }) => status)).toEqual(['cancelled']);
  });
});

/** Creates a home in which the system refuses to start the agent's program, which is a link to itself. */
async function brokenHome(): Promise<TestHome> {
  const { home } = await homeWith((gate) => [gated(gate)]);
  const command = join(home.base, 'broken');
  symlinkSync(command, command);
  await home.clip(['agent', 'edit', 'coder', '--command', command]);
  return home;
}

describe('a todo task whose run never started', () => {
  // Case 8.
  it('is started once more by assignment_recovery', deep, async () => {
    const home = await brokenHome();
    const task = await addTask(home);
    const [failed, recovery] = await untilRun(home, task, 2, 'queued', 'starting', 'failed');
    expect(failed).toMatchObject({
      status: 'failed',
      stopReason: 'not_started',
      errorCode: 'launch_failed',
      wakeReason: 'issue_assigned',
    });
    expect(recovery).toMatchObject({
      retryReason: 'assignment_recovery',
      wakeReason: 'issue_assignment_recovery',
      retryOfRunId: failed?.id,
    });
  });

  // Case 9: the comment names the retried dispatch and the latest failure.
  it('is blocked the second time, with a comment on retries', deep, async () => {
    const home = await brokenHome();
    const task = await addTask(home);
    await untilRun(home, task, 2, 'failed');
    const { runs, comments, task: blocked } = await atRest(home, task);
    expect(runs.map(({ retryReason }) => retryReason)).toEqual([null, 'assignment_recovery']);
    expect(blocked).toMatchObject({ status: 'blocked', executionRunId: null, checkoutRunId: null });
    expect(comments).toHaveLength(1);
    expect(comments[0]?.text).toContain('retried dispatch');
    expect(comments[0]?.text).toMatch(/Latest retry failure: `launch_failed` - \S.*\./);
  });
});

describe('a todo task whose program is missing', () => {
  // This differs from the reference, because a second start would fail as well.
  it('is blocked at once', deep, async () => {
    const { home } = await homeWith((gate) => [gated(gate)]);
    await home.clip(['agent', 'edit', 'coder', '--command', join(home.base, 'gone')]);
    const task = await addTask(home);
    const { runs, task: blocked } = await atRest(home, task);
    expect(runs.map(({ errorCode }) => errorCode)).toEqual(['command_not_found']);
    expect(blocked).toMatchObject({ status: 'blocked', executionRunId: null, checkoutRunId: null });
    expect(blocked.blockedReason).toContain('was not found');
  });
});

describe('an in_progress task with a failed run', () => {
  // Case 10.
  it('is started once more by issue_continuation_needed', deep, async () => {
    const { home } = await homeWith((gate) => [ends.fails, gated(gate)]);
    const task = await addTask(home);
    const [failed, recovery, ...others] = await untilRun(home, task, 2, 'running');
    expect(others).toEqual([]);
    expect(failed).toMatchObject({ status: 'failed', errorCode: 'adapter_failed' });
    expect(recovery).toMatchObject({
      retryReason: 'issue_continuation_needed',
      wakeReason: 'issue_continuation_needed',
      retryOfRunId: failed?.id,
    });
    expect((await shownTask(home, task)).task).toMatchObject({
      status: 'in_progress',
      executionRunId: recovery?.id,
      checkoutRunId: failed?.id,
    });
  });

  // Case 11.
  it('is continued as attempt 1 after plan_only', deep, async () => {
    const { home } = await homeWith((gate) => [ends.fails, ends.plans, gated(gate)]);
    const task = await addTask(home);
    const [failed, recovery, next] = await untilRun(home, task, 3, 'running');
    expect([failed?.livenessState, recovery?.livenessState]).toEqual(['failed', 'plan_only']);
    const { wakes } = await shownTask(home, task);
    const liveness = wakes.filter(({ reason }) => reason === 'run_liveness_continuation');
    expect(liveness).toHaveLength(1);
    expect(liveness[0]).toMatchObject({
      runId: next?.id,
      idempotencyKey: `run_liveness_continuation:${task}:${recovery?.id}:plan_only:1`,
      payload: {
        issueId: task,
        sourceRunId: recovery?.id,
        livenessState: 'plan_only',
        continuationAttempt: 1,
        maxContinuationAttempts: 2,
      },
    });
  });

  // Case 12: no liveness continuation follows. Unlike the reference, work continues, because the task is not done.
  it('continues its work after an advanced plan document', deep, async () => {
    const { home } = await homeWith((gate) => {
      const plan = clipStep('task doc put T1 plan plan.md');
      return [
        ends.fails,
        [
          session('s1'),
          { run: 'echo "1. fix" > plan.md' },
          plan,
          words('I will fix the parser next.'),
          done(10, 1),
          { exit: 0 },
        ],
        gated(gate),
      ];
    });
    const task = await addTask(home);
    const [, recovery, next] = await untilRun(home, task, 3, 'running');
    expect(recovery).toMatchObject({ livenessState: 'advanced', evidence: { documents: 1 } });
    expect(next?.wakeReason).toBe('run_advanced_continuation');
    const { wakes, documents } = await shownTask(home, task);
    expect(documents.map(({ key }) => key)).toEqual(['plan']);
    expect(wakes.map(({ reason }) => reason)).not.toContain('run_liveness_continuation');
  });

  // Case 13: the comment names the retried continuation and the latest failure.
  it('is blocked with one comment after a failed recovery', deep, async () => {
    const { home } = await homeWith(() => [ends.fails]);
    const task = await addTask(home);
    await untilRun(home, task, 2, 'failed');
    const { runs, comments, task: blocked } = await atRest(home, task);
    expect(runs.map(({ retryReason }) => retryReason)).toEqual([null, 'issue_continuation_needed']);
    expect(blocked).toMatchObject({
      status: 'blocked',
      executionRunId: null,
      blockedReason: expect.stringContaining('Latest retry failure'),
    });
    expect(comments).toHaveLength(1);
    expect(comments[0]?.text).toContain('retried continuation');
    expect(comments[0]?.text).toMatch(/Latest retry failure: `adapter_failed` - \S.*\./);
  });

  // Case 14.
  it('is left alone when it is assigned to a person', deep, async () => {
    const { home } = await homeWith(() => [ends.fails]);
    const task = await addTask(home, ['--assign', 'me']);
    await home.clip(['run', '-w', '--agent', 'coder', '--task', `T${task}`, 'try it']);
    const before = await atRest(home, task);
    expect(before.runs.map(({ status, decision }) => [status, decision?.action])).toEqual([['failed', 'skip']]);
    await home.clip(['daemon', 'restart']);
    const after = await atRest(home, task);
    expect(after).toEqual(before);
    expect(after).toMatchObject({ task: { status: 'in_progress', assignee: 'me' }, comments: [], wakes: [] });
  });
});
