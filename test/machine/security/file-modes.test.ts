import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { deep } from '../../support/deep.ts';
import { entriesOf } from '../../support/files.ts';
import { createHome, program, type TestHome } from '../../support/home.ts';
import { until } from '../../support/until.ts';

// This test starts many real processes, and a busy machine needs more than a minute.
vi.setConfig({ testTimeout: 180_000 });

/**
 * Returns the entries of a home that have a wrong mode: other users must have no access, and the owner must have it.
 */
function wrongModes(home: TestHome): string[] {
  const wanted = (path: string, kind: string) =>
    kind === 'folder' || path === join(home.folder, 'bin/clip') ? 0o700 : 0o600;
  return entriesOf(home.folder).flatMap(({ path, kind, mode }) =>
    kind !== 'other' && mode === wanted(path, kind) ? [] : [`${path} is a ${kind} with mode ${mode.toString(8)}`],
  );
}

function clipUnder(home: TestHome, umask: string, args: readonly string[]): string {
  const script = `umask ${umask}; exec "$0" "$@"`;
  return execFileSync('sh', ['-c', script, process.execPath, program, ...args], {
    env: home.env,
    cwd: home.base,
    encoding: 'utf8',
  });
}

describe('everything in a home', () => {
  it.each(['000', '077', '777'])(
    'is closed to others under umask %s, while runs live and after crashes',
    deep,
    async (umask) => {
      const home = createHome();
      writeFileSync(join(home.base, 'note'), 'note');
      const clip = (...args: string[]) => clipUnder(home, umask, args);
      clip('run', '-q', '--env', 'SECRET=x', '--', 'sleep', '1000');
      clip('agent', 'add', 'helper', '--adapter', 'plain', '--command', 'cat', '--env', 'TOKEN=abcdefgh');
      clip('task', 'add', 'Work', '--assign', 'me');
      clip('task', 'doc', 'put', 'T1', 'plan', 'note');
      clip('run', '--wait', '-q', '--agent', 'helper', 'hello');
      clip('run', '--wait', '-q', '--', 'sh', '-c', 'umask; echo complaint >&2');
      await home.untilStatus(1, 'running');
      expect(wrongModes(home)).toEqual([]);
      const names = new Set(entriesOf(home.folder).map(({ path }) => basename(path).replace(/-[0-9a-f]{8}/, '')));
      const things = [
        'clip.db',
        'clip.db-wal',
        'clip.db-shm',
        'clip.lock',
        'clip.sock',
        'keeper.sock',
        'daemon.log',
        'daemon.err',
        'keeper.err',
        'clip',
      ];
      const ofRuns = ['env.json', 'launch.json', 'started.json', 'exit.json', 'stdout.log', 'stderr.log', 'prompt.txt'];
      for (const name of [...things, ...ofRuns]) expect(names).toContain(name);
      // A run creates files with the umask of its submitter, not with clip's.
      expect(readFileSync(join(home.folder, 'runs', (await home.show(3)).id, 'stdout.log'), 'utf8').trim()).toMatch(
        new RegExp(`^0?${umask}$`),
      );

      // The keeper starts the next daemon, whose runs also have the umask of their submitter.
      const first = home.daemonPid();
      await home.kill(first);
      await until(
        'the keeper has started another daemon',
        async () => home.pidsOf('daemon').some((pid) => pid !== first) && (await home.listens()),
      );
      expect(wrongModes(home)).toEqual([]);
      for (const pid of home.pidsOf('keeper')) await home.kill(pid);
      clip('run', '--wait', '-q', '--', 'sh', '-c', 'umask');
      expect(readFileSync(join(home.folder, 'runs', (await home.show(4)).id, 'stdout.log'), 'utf8').trim()).toMatch(
        new RegExp(`^0?${umask}$`),
      );
      clip('daemon', 'stop', '--cancel-runs');
      expect(wrongModes(home)).toEqual([]);
    },
  );

  it('is closed again when it was open to others, or was made so', async () => {
    const home = createHome();
    execFileSync('mkdir', ['-m', '777', home.folder]);
    await home.clip(['daemon', 'start']);
    expect(statSync(home.folder).mode & 0o777).toBe(0o700);
  });
});
