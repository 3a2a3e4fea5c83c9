import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { StatusAnswer } from '#protocol/answers.ts';
import type { DocumentAnswer, LedgerAnswer, TaskShowAnswer } from '#protocol/tasks.ts';
import { createAgentHome } from '../support/agent-home.ts';
import { withEachCli } from '../support/agent-scenarios.ts';
import { until } from '../support/until.ts';

type AgentHome = Awaited<ReturnType<typeof createAgentHome>>;

const plan = /I will inspect the repo next and then implement the change/;

async function addTask(agent: AgentHome, cli: string): Promise<void> {
  const added = await agent.clip([
    'task',
    'add',
    'Greet in written.txt',
    '--accept',
    'written.txt says hello',
    '--assign',
    cli,
  ]);
  expect(added).toMatchObject({ code: 0, stdout: 'T1\n' });
}

const taskOf = (agent: AgentHome) => agent.json<TaskShowAnswer>(['task', 'show', 'T1', '--json']);
const ledgerOf = (agent: AgentHome) => agent.json<LedgerAnswer>(['ledger', 'T1', '--json']);
const needsOf = async (agent: AgentHome) => (await agent.json<StatusAnswer>(['status', '--json'])).needsYou;

withEachCli(
  (cli, scenario) => {
    scenario(
      'task goes on',
      'a task whose run only planned is continued in its session until a run reports done',
      async () => {
        // Codex offers its own tool for patches only to models it knows.
        const agent = await createAgentHome(cli, 'plan_then_work', {
          permission: 'edit',
          ...(cli === 'codex' ? { model: 'gpt-5.5' } : {}),
        });
        await addTask(agent, cli);

        const planned = await agent.untilSettled(1);
        expect(planned).toMatchObject({
          status: 'succeeded',
          taskId: 1,
          wakeReason: 'issue_assigned',
          continuationAttempt: 0,
          sessionIdBefore: null,
        });
        expect(planned).toMatchObject({
          livenessState: 'plan_only',
          decision: { action: 'continue' },
          nextAction: expect.stringMatching(plan),
        });

        const worked = await agent.untilSettled(2);
        const { sessionIdAfter: session } = planned;
        expect(session).toMatch(/./);
        expect(worked).toMatchObject({
          status: 'succeeded',
          wakeReason: 'run_liveness_continuation',
          continuationAttempt: 1,
          maxContinuationAttempts: 2,
        });
        expect(worked).toMatchObject({ continuationOf: planned.id, sessionIdBefore: session, sessionIdAfter: session });
        expect(worked).toMatchObject({
          livenessState: 'advanced',
          evidence: { filesChanged: 1 },
          workspace: { filesChanged: 1 },
        });
        expect(readFileSync(agent.file('written.txt'), 'utf8')).toBe('hello from the write tool\n');
        const told = agent.requests().find(({ prompt }) => prompt.includes('Attempt 1 of 2'));
        // The messages of the first run precede it: the session is the same.
        expect(told?.typed).toHaveLength(2);
        expect(told?.prompt).toMatch(
          /You announced this step in run 1, and did nothing\. Do it now.*implement the change.*Attempt 1 of 2/s,
        );

        const reported = await agent.untilSettled(3);
        expect(reported).toMatchObject({
          wakeReason: 'run_advanced_continuation',
          sessionIdBefore: session,
          evidence: { reports: 1 },
          decision: { action: 'review' },
        });
        expect(await needsOf(agent)).toMatchObject([
          { task: 1, run: 3, status: 'in_review', next: expect.stringContaining('clip task done T1') },
        ]);
        expect(await agent.clip(['task', 'done', 'T1'])).toMatchObject({ code: 0 });

        const { task, runs } = await ledgerOf(agent);
        expect(task).toMatchObject({ status: 'done', executionRunId: null });
        expect(runs.map(({ number, livenessState }) => [number, livenessState])).toEqual([
          [3, 'advanced'],
          [2, 'advanced'],
          [1, 'plan_only'],
        ]);
        const { document } = await agent.json<DocumentAnswer>(['handoff', 'T1', '--json']);
        expect(document.body).toContain('written.txt');
        expect(await needsOf(agent)).toEqual([]);
        return worked;
      },
    );

    scenario(
      'task exhausted',
      'an agent that only ever plans is continued twice, and then a person is asked',
      async () => {
        const agent = await createAgentHome(cli, 'plan_only', { permission: 'edit' });
        await addTask(agent, cli);
        await until('the task is blocked', async () => (await taskOf(agent)).task.status === 'blocked', 180_000);
        const last = await agent.untilSettled(3);

        const { runs } = await ledgerOf(agent);
        expect(
          runs.map(({ livenessState, continuationAttempt, decision }) => [
            livenessState,
            continuationAttempt,
            decision?.action,
          ]),
        ).toEqual([
          ['plan_only', 2, 'exhausted'],
          ['plan_only', 1, 'continue'],
          ['plan_only', 0, 'continue'],
        ]);
        expect(new Set(runs.map(({ sessionIdAfter }) => sessionIdAfter)).size).toBe(1);
        expect(last.livenessReason).toMatch(/; continuation attempts exhausted$/);
        expect(agent.requests().some(({ prompt }) => prompt.includes('Attempt 2 of 2'))).toBe(true);

        const { task, comments, wakes } = await taskOf(agent);
        expect(comments.map(({ author, text }) => [author, text])).toEqual([
          ['clip', expect.stringContaining('attempts used: 2/2')],
        ]);
        expect(wakes.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed']);
        const { document } = await agent.json<DocumentAnswer>(['handoff', 'T1', '--json']);
        expect(document.body).toMatch(
          /- Status: blocked .*T1 is blocked: a person must act before it can go on\..*2 continuations did not change that/s,
        );
        const what = expect.stringContaining('2 continuations did not change that');
        const next = expect.stringContaining('clip continue T1');
        expect(task).toMatchObject({ executionRunId: null, blockedReason: what, blockedNext: next });
        expect(await needsOf(agent)).toMatchObject([
          { kind: 'task', task: 1, run: 3, agent: cli, status: 'blocked', what, next },
        ]);
        return last;
      },
    );
  },
  ['codex', 'claude'],
);
