import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Supervisor } from '#daemon/core/supervisor.ts';
import type { Submission } from '#daemon/core/transaction.ts';
import type { Keepers } from '#daemon/processes/keepers.ts';
import type { ProcessScanner } from '#daemon/processes/process-scanner.ts';
import { Recovery } from '#daemon/processes/recovery.ts';
import { aRun, running } from '../support/runs.ts';

const exit = { code: 0, signal: null, byDeadline: false, tick: null };

/** Returns what recovery finds of a run without a keeper, whose process is gone and whose folder has an exit record. */
async function findEnd({ seenAlive }: { readonly seenAlive: 'before the record' | 'after it' }): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'clip-recovery-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const startedAt = Date.now() - 60_000;
  const run = aRun(running({ held: false, startedAt }));
  let now = startedAt;
  const facts: Submission[] = [];
  const nothing = {
    members: [],
    unexamined: 0,
    everythingReadable: true,
    vanished: 0,
    shared: false,
    populated: false,
  };
  const recovery = new Recovery({
    supervisor: {
      find: () => run,
      submitAll: (given: readonly Submission[]) => void facts.push(...given),
    } as unknown as Supervisor,
    keepers: { held: () => null } as unknown as Keepers,
    scanner: { find: async () => nothing } as unknown as ProcessScanner,
    recordExit: async () => {},
    now: () => now,
    log: () => {},
    folderOf: () => folder,
    isUnderWay: () => false,
    takeBack: () => true,
    originalOf: () => null,
  });
  writeFileSync(join(folder, 'exit.json'), JSON.stringify({ ...exit, at: Date.now() }));
  now = seenAlive === 'after it' ? Date.now() + 5_000 : startedAt + 1_000;
  recovery.sawAlive(run);
  await recovery.look([run]);
  return facts.map(({ event }) => event.type);
}

describe('the exit record of a run without a keeper', () => {
  it('is not believed if its process lived on', async () => {
    expect(await findEnd({ seenAlive: 'after it' })).toEqual(['process-lost']);
  });

  it('is believed if it is newer than the last look', async () => {
    expect(await findEnd({ seenAlive: 'before the record' })).toEqual(['exited']);
  });
});
