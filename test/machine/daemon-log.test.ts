import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configure } from '../support/config.ts';
import { createHome, type TestHome } from '../support/home.ts';

type Line = {
  readonly level: string;
  readonly component?: string;
  readonly message: string;
  readonly [fact: string]: unknown;
};

function linesOf(home: TestHome): Line[] {
  const path = join(home.folder, 'daemon.log');
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]));
}

describe('The log of the daemon', () => {
  it('has each decision with its component when CLIP_LOG is debug', async () => {
    const home = createHome();
    expect((await home.clip(['run', '--wait', '--', 'true'], { env: { CLIP_LOG: 'debug' } })).code).toBe(0);
    const decided = linesOf(home).filter(
      ({ message, component }) => message === 'event decided' && component === 'supervisor',
    );
    expect(decided).toContainEqual(
      expect.objectContaining({
        level: 'debug',
        run: 1,
        event: 'slot-granted',
        from: 'queued',
        to: 'starting',
        effects: ['spawn'],
      }),
    );
    expect(decided.map(({ event }) => event)).toContain('exited');
  });

  it('has no debug lines by default, and no info lines at the level warn', async () => {
    const home = createHome();
    await home.clip(['run', '--wait', '--', 'true']);
    expect(new Set(linesOf(home).map(({ level }) => level))).toEqual(new Set(['info']));
    const quiet = createHome();
    configure(quiet, 'log_level = "warn"\n');
    await quiet.clip(['run', '--wait', '--', 'true']);
    expect(linesOf(quiet).filter(({ level }) => level === 'info' || level === 'debug')).toEqual([]);
  });
});
