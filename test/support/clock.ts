/** A daemon and a keeper whose wall clock can be set. Their monotonic clock is not changed. */
import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestHome } from './home.ts';

const library = readdirSync('/usr/lib')
  .map((name) => join('/usr/lib', name, 'faketime/libfaketime.so.1'))
  .find((path) => existsSync(path));

/** The path of libfaketime, or null where it is not installed: nothing else sets the clock of a single program. */
export const clockLibrary: string | null = library ?? null;

/**
 * Starts the daemon with its own clock. Returns a function that sets the clock to this many seconds from the true time.
 */
export async function startWithClock(home: TestHome): Promise<(seconds: number) => void> {
  const path = join(home.base, 'clock');
  const set = (seconds: number) => {
    writeFileSync(`${path}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    renameSync(`${path}.new`, path);
  };
  set(0);
  const env = {
    LD_PRELOAD: clockLibrary ?? '',
    FAKETIME_TIMESTAMP_FILE: path,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  const started = await home.clip(['daemon', 'start'], { env });
  if (started.code !== 0) throw new Error(started.stderr);
  return set;
}
