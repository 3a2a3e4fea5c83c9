import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createHome } from '../support/home.ts';

it("Copied run folders and people's folders are neither runs nor removed, even after a crash", async () => {
  const home = createHome();
  expect((await home.clip(['run', '--wait', '--', 'true'])).code).toBe(0);
  const runs = join(home.folder, 'runs');
  const { id } = await home.show(1);
  const copy = join(runs, `${id}.bak`);
  const own = join(runs, 'notes');
  const likeARun = join(runs, 'r0123456789abcde');
  for (const to of [copy, likeARun]) cpSync(join(runs, id), to, { recursive: true });
  mkdirSync(own);
  writeFileSync(join(own, 'note'), 'mine');
  for (const pid of [...home.pidsOf('keeper'), ...home.pidsOf('daemon')]) await home.kill(pid);
  expect((await home.clip(['run', '--wait', '--', 'true'])).code).toBe(0);
  await home.clip(['daemon', 'stop']);
  expect((await home.clip(['doctor'])).stdout).not.toContain('knows nothing of');
  await home.clip(['doctor', '--fix']);
  writeFileSync(join(home.folder, 'clip.db'), 'rubbish');
  await home.clip(['doctor', '--fix']);
  const shown = await home.json<{ runs: { number: number }[] }>(['runs', '--json']);
  expect(shown.runs.map(({ number }) => number)).toEqual([2, 1]);
  for (const path of [join(copy, 'launch.json'), join(likeARun, 'launch.json'), join(own, 'note')])
    expect(existsSync(path), path).toBe(true);
});
