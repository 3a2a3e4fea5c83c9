/** Which changes restore a task's automatic starts, with the real CLIs: only changes of the content of files. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { RunView } from '#protocol/answers.ts';
import type { TaskShowAnswer } from '#protocol/tasks.ts';
import type { CliName } from '../support/agent-clis.ts';
import { createAgentHome } from '../support/agent-home.ts';
import { withEachCli } from '../support/agent-scenarios.ts';
import { until } from '../support/until.ts';

/** Returns a task of this agent after all its runs have settled and it needs a person. */
async function settled(cli: CliName, scenario: string) {
  // Codex offers its own tool for patches only to models it knows.
  const agent = await createAgentHome(cli, scenario, cli === 'codex' ? { model: 'gpt-5.5' } : {});
  await agent.clip(['task', 'add', 'Change the file', '--assign', cli]);
  return { agent, ...(await atRest(agent)) };
}

type AgentHome = Awaited<ReturnType<typeof createAgentHome>>;

async function atRest(agent: AgentHome): Promise<{ task: TaskShowAnswer['task']; runs: RunView[]; last: RunView }> {
  const found = await until(
    'the task needs a person',
    async () => {
      const { task } = await agent.json<TaskShowAnswer>(['task', 'show', 'T1', '--json']);
      const { runs } = await agent.json<{ runs: RunView[] }>(['runs', '--task', 'T1', '--limit', '100', '--json']);
      return ['blocked', 'in_review'].includes(task.status) && runs.every((run) => run.settled)
        ? { task, runs: runs.reverse() }
        : null;
    },
    200_000,
  );
  const last = found.runs.at(-1);
  if (last === undefined) throw new Error('There is no run.');
  return { ...found, last };
}

const progressOf = (runs: readonly RunView[]) => runs.map(({ workspace }) => workspace?.progress);

withEachCli(
  (cli, scenario) => {
    scenario(
      'same bytes',
      'a task whose agent repeats a file and claims to be done is in review after two runs',
      async () => {
        const { task, runs, last } = await settled(cli, 'same_bytes');
        expect([task.status, progressOf(runs)]).toEqual(['in_review', [true, false]]);
        expect(last).toMatchObject({
          evidence: { filesChanged: 0 },
          workspace: { filesChanged: 0 },
          decision: { action: 'review' },
        });
        return last;
      },
    );

    scenario('touch', 'an agent that touches a file makes progress once, when the file appears', async () => {
      const { task, runs, last } = await settled(cli, 'touch');
      expect([task.status, progressOf(runs)]).toEqual(['blocked', [true, false, false, false]]);
      return last;
    });

    scenario('growing log', 'an agent that only lets a log grow makes no progress', async () => {
      const { task, runs, last } = await settled(cli, 'growing_log');
      expect([task.status, progressOf(runs)]).toEqual(['blocked', [false, false, false, false]]);
      expect(last).toMatchObject({
        evidence: { filesChanged: 1 },
        workspace: { files: [{ path: 'test.log', kind: 'update' }] },
      });
      return last;
    });

    scenario('two states', 'an agent that alternates between two states makes progress twice', async () => {
      const { task, runs, last } = await settled(cli, 'two_states');
      expect([task.status, progressOf(runs)]).toEqual(['blocked', [true, true, false, false, false]]);
      return last;
    });

    scenario('revert', 'an agent that reverts its change makes no progress by that', async () => {
      const { task, runs, last } = await settled(cli, 'revert');
      expect([task.status, progressOf(runs)]).toEqual(['blocked', [true, false, false, false]]);
      return last;
    });

    scenario(
      'person beside',
      'an edit of a person beside an agent that only reads is not credited to the agent',
      async () => {
        const agent = await createAgentHome(cli, 'reads_gated');
        writeFileSync(agent.file('mine.txt'), 'one\n');
        const gate = join(agent.file('.'), '..', 'go');
        const number = await agent.begin();
        await agent.untilAsked();
        writeFileSync(agent.file('mine.txt'), 'two\n');
        writeFileSync(gate, '');
        const run = await agent.untilSettled(number);
        rmSync(gate);
        expect(run).toMatchObject({ evidence: { filesChanged: 0, commits: 0 }, workspace: { progress: false } });
        return run;
      },
    );
  },
  ['codex', 'claude'],
);
