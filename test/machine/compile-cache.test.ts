import { chmodSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createHome } from '../support/home.ts';
import { until } from '../support/until.ts';

/** Starts and stops a daemon with a cache folder of its own. Returns the folder and the files of compiled code in it. */
async function startWithCache(prepare: (folder: string) => void) {
  const home = createHome({ env: { XDG_CACHE_HOME: '' } });
  const folder = join(home.base, '.cache/clip');
  prepare(folder);
  await home.clip(['daemon', 'start']);
  const pid = home.daemonPid();
  await home.clip(['daemon', 'stop']);
  await until('the daemon has ended', () => !home.pidsOf('daemon').includes(pid));
  const files = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [];
  return { folder, compiled: files.filter((entry) => entry.isFile()) };
}

describe('the compiled code of the daemon', () => {
  it('is cached for the user, without the code of other versions', async () => {
    const { folder, compiled } = await startWithCache((cache) => {
      mkdirSync(join(cache, 'code-0.0.1'), { recursive: true, mode: 0o700 });
    });
    expect(compiled.length).toBeGreaterThan(0);
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/^code-\d/)]);
    expect(readdirSync(folder)).not.toContain('code-0.0.1');
  });

  it('is not cached in a folder that others can write', async () => {
    const { compiled } = await startWithCache((cache) => {
      mkdirSync(cache, { recursive: true });
      chmodSync(cache, 0o777);
    });
    expect(compiled).toEqual([]);
  });
});
