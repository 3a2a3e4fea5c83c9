import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addSpeaker, codexSays } from '../../support/agents.ts';
import { deep } from '../../support/deep.ts';
import { createHome } from '../../support/home.ts';
import { addRepository } from '../../support/repositories.ts';
import { addTask, atRest } from '../../support/task-runs.ts';

const { session, words, done } = codexSays;

describe('a repository with a filter and a watcher', () => {
  it('does not make the daemon run either', async () => {
    const home = createHome();
    const { folder, git } = addRepository(home);
    const [mark, leave] = [join(home.base, 'mark'), join(home.base, 'leave-mark')];
    writeFileSync(leave, `#!/bin/sh\necho "$0" >> '${mark}'\ncat\n`);
    chmodSync(leave, 0o755);
    const config = `[filter "trap"]\\nclean = ${leave}\\nrequired = true\\n[core]\\nfsmonitor = ${leave}\\n[diff]\\nexternal = ${leave}\\n`;
    const trap = `printf '*.txt filter=trap\\n' > .gitattributes; printf '${config}' >> .git/config; echo three >> a.txt`;
    const steps = (run: string) => [session('s1'), { run }, words('I changed it.'), done(10, 1), { exit: 0 }];
    await addSpeaker(home, [steps(trap), steps('echo four >> a.txt'), steps('echo five >> a.txt')], ['--cwd', folder]);
    const { runs } = await atRest(home, await addTask(home));
    expect(runs.length).toBeGreaterThan(2);
    // A clean file with a filter could not be compared. Its content is known from then on.
    expect(runs.slice(0, 3).map(({ workspace }) => workspace?.filesChanged)).toEqual([null, 1, 1]);
    expect(readFileSync(join(folder, '.git', 'config'), 'utf8')).toContain('fsmonitor');
    expect(existsSync(mark)).toBe(false);
    git('status', '--short');
    expect(existsSync(mark)).toBe(true);
  });

  it('cannot redirect the daemon to another folder', deep, async () => {
    const home = createHome();
    const { folder, git } = addRepository(home);
    writeFileSync(join(home.base, 'private.txt'), 'x\n');
    git('config', 'core.worktree', home.base);
    const run = `echo three >> a.txt; echo y >> '${join(home.base, 'private.txt')}'`;
    await addSpeaker(
      home,
      [[session('s1'), { run }, words('I changed it.'), done(10, 1), { exit: 0 }]],
      ['--cwd', folder],
    );
    await home.clip(['run', '-w', '--agent', 'coder', 'x']);
    expect((await home.show('@last')).workspace?.files).toEqual([{ path: 'a.txt', kind: 'update' }]);
  });
});
