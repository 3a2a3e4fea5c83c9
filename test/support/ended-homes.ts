/** Homes with ended runs and no daemon: created once in a test file, and copied for each test that needs one. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { createHome, type OpenHome, openHome, type TestHome } from './home.ts';

const made = new Map<string, Promise<OpenHome>>();

afterAll(async () => {
  for (const home of made.values()) await (await home).dispose();
}, 60_000);

/** Returns a copy of the home that `make` created and stopped. The same `name` selects the same home. */
export async function copyOfResting(name: string, make: (home: OpenHome) => Promise<void>): Promise<TestHome> {
  const resting = made.get(name) ?? begin(make);
  made.set(name, resting);
  const { folder } = await resting;
  const home = createHome();
  mkdirSync(home.folder, { mode: 0o700 });
  // The copy keeps modes and times, because clip uses them.
  const { status } = spawnSync('cp', ['-a', join(folder, 'clip.db'), join(folder, 'runs'), home.folder]);
  if (status !== 0) throw new Error(`${folder} cannot be copied.`);
  return home;
}

async function begin(make: (home: OpenHome) => Promise<void>): Promise<OpenHome> {
  const home = openHome();
  await make(home);
  return home;
}
