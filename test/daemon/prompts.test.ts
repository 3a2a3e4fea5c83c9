import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codexSays } from '../support/agents.ts';
import { createDaemonHome, type DaemonHome } from '../support/daemon/daemon-home.ts';

const { session, words, done } = codexSays;
const failedTest = {
  say: {
    type: 'item.completed',
    item: {
      ...{ id: 'c1', type: 'command_execution', command: 'npm test', exit_code: 1, status: 'failed' },
      aggregated_output: 'not ok 2 empty file\n1 of 2 failed\n',
    },
  },
};

async function promptOf(home: DaemonHome, number: number): Promise<string> {
  const { run } = await home.send('GET', `/runs/${number}`);
  return readFileSync(join(home.home.folder, 'runs', run.id, 'prompt.txt'), 'utf8');
}

describe('the prompt of a continued task', () => {
  it('has the failed check, and not the task, in the same session', async () => {
    const home = await createDaemonHome();
    const end = [done(10, 1), { exit: 0 }];
    await home.addAgent('coder', [[session('s1'), failedTest, words('The tests are green.'), ...end], [session('s1')]]);
    await home.addTask({ description: 'It crashes.', acceptance: '`npm test` is green' });
    await home.untilStatus(2, 'running');
    expect(await promptOf(home, 1)).toMatch(/^Work on task T1 in this run.*> It crashes\./s);
    const prompt = await promptOf(home, 2);
    expect(prompt).toMatch(/^Go on with task T1\..*failed in run 1 \(exit code 1\).*> not ok 2 empty file\n/s);
    expect(prompt).not.toContain('It crashes.');
  });

  it('has the task again after a run of another session', async () => {
    const home = await createDaemonHome();
    const says = (id: string) => [session(id), words('I looked at it.'), done(10, 1), { exit: 0 }];
    await home.addAgent('coder', [says('s1'), says('s1')]);
    await home.addAgent('other', [says('s2'), says('s2')]);
    await home.addTask({ description: 'It crashes.' });
    await home.atRest(1);
    await home.send('POST', '/tasks/1/continue', { prompt: null, agent: 'other' });
    const { runs } = await home.atRest(1);
    await home.send('POST', '/tasks/1/continue', { prompt: null, agent: 'coder' });
    await home.atRest(1);
    expect((await home.send('GET', `/runs/${runs.length + 1}`)).run).toMatchObject({
      agentName: 'coder',
      sessionIdBefore: 's1',
    });
    expect(await promptOf(home, runs.length + 1)).toMatch(/^Go on with task T1\..*> It crashes\./s);
    expect(await promptOf(home, runs.length + 2)).not.toContain('It crashes.');
  });
});
