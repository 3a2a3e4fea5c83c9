import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deep } from '../support/deep.ts';
import { createHome } from '../support/home.ts';

describe('clip backup', () => {
  it('makes a usable copy of a live database, private and without values', deep, async () => {
    const home = createHome();
    const file = join(home.base, 'kept.db');
    await home.clip(['run', '--wait', '--name', 'first', '--env', 'TOKEN=very-secret-value', '--', 'true']);
    await home.submit(['--env', 'TOKEN=very-secret-value', '--', 'sleep', '1000']);
    await home.untilStatus(2, 'running');
    expect(await home.clip(['backup', file])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/kept\.db: 2 runs/),
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'latin1')).not.toContain('very-secret-value');
    await home.clip(['cancel', '2']);
    const other = createHome({ env: { XDG_CONFIG_HOME: join(home.base, 'none') } });
    mkdirSync(other.folder, { mode: 0o700 });
    copyFileSync(file, join(other.folder, 'clip.db'));
    expect((await other.show('1')).name).toBe('first');
  });

  it('needs no daemon, overwrites nothing, and leaves nothing after a failure', async () => {
    const home = createHome();
    const file = join(home.base, 'kept.db');
    expect(await home.clip(['backup', file])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('There is no database'),
    });
    await home.clip(['run', '--wait', '--', 'true']);
    await home.clip(['daemon', 'stop']);
    expect(await home.json(['backup', file, '--json'])).toMatchObject({ schema: 1, path: file, runs: 1 });
    expect(home.pidsOf('daemon')).toEqual([]);
    writeFileSync(join(home.base, 'mine'), 'mine');
    expect(await home.clip(['backup', join(home.base, 'mine')])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('is there already'),
    });
    expect(readFileSync(join(home.base, 'mine'), 'utf8')).toBe('mine');
    expect((await home.clip(['backup', join(home.base, 'no/such/folder.db')])).code).toBe(5);
    expect(readdirSync(home.base).sort()).toEqual(['home', 'kept.db', 'mine']);
  });
});
