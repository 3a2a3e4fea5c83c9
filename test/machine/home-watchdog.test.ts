import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { watchHome } from '#daemon/home-watchdog.ts';

it('a home that cannot be examined for a while ends no daemon, and one that is gone does', () => {
  const folder = mkdtempSync(join(tmpdir(), 'clip-watchdog-'));
  const database = join(folder, 'clip.db');
  const home = { folder, database, socket: join(folder, 'clip.sock') };
  writeFileSync(database, '');
  vi.useFakeTimers();
  const logged: string[] = [];
  let isGone = false;
  const watchdog = watchHome(
    { home: home as never, log: (_, message) => void logged.push(message) },
    {
      republish: async () => {},
      gone: () => {
        isGone = true;
      },
    },
  );
  onTestFinished(() => {
    watchdog.close();
    vi.useRealTimers();
    rmSync(folder, { recursive: true, force: true });
  });
  // A link to itself is an error of the file system that is neither presence nor absence.
  rmSync(database);
  symlinkSync(database, database);
  vi.advanceTimersByTime(5_000);
  expect([isGone, logged.at(-1)]).toEqual([false, 'home cannot be examined']);
  rmSync(database);
  vi.advanceTimersByTime(5_000);
  expect([isGone, logged.at(-1)]).toEqual([true, 'home disappeared; daemon exits']);
});
