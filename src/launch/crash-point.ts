/**
 * Places at which a test lets the daemon or the keeper die, as if the kernel had killed it: CLIP_FAILPOINT=NAME, or
 * NAME@3 for the third time it comes by. Once for each home, so that whoever is started again lives. Without the
 * variable nothing happens here; runs never get it.
 */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';

/** In the order in which a run comes by them (docs/RELIABILITY.md tells what is true after each). */
export const crashPoints = [
  'admit.before-commit',
  'admit.after-commit',
  'batch.middle',
  'step.before-commit',
  'step.after-commit',
  'spawn.before-launch-file',
  'spawn.after-launch-file',
  'spawn.after-spawn',
  'spawn.after-started-file',
  'spawn.before-recorded',
  'tail.after-readings',
  'exit.before-exit-file',
  'exit.after-exit-file',
  'exit.before-recorded',
  'lost.before-commit',
  'lost.after-commit',
  'finalise.after-workspace',
  'finalise.after-leftovers',
  'finalise.after-liveness',
  'finalise.after-summary',
  'finalise.after-wake',
  'wake.promoted',
  'stop.after-recorded',
  'stop.after-term',
  'stop.after-kill',
  'keeper.hello',
  'migrate.middle',
  'rm.middle',
  'prune.middle',
  'archive.before-removal',
  'archive.after-removal',
  'retain.middle',
  'mend.before-ready',
  'mend.before-place',
] as const;
export type CrashPoint = (typeof crashPoints)[number];

const [wanted = '', nth = '1'] = (process.env['CLIP_FAILPOINT'] ?? '').split('@');
let passed = 0;

export function crashPoint(name: CrashPoint): void {
  if (wanted !== name) return;
  passed += 1;
  if (passed < Number(nth) || !isFirst(name)) return;
  process.kill(process.pid, 'SIGKILL');
  // Whatever is on its way to the kernel is still this turn's: nothing of ours runs on.
  for (;;);
}

/** The file that says so outlives us. */
function isFirst(name: string): boolean {
  try {
    closeSync(openSync(join(process.env['CLIP_HOME'] ?? '/', `crashed-at-${name}`), 'wx', 0o600));
    return true;
  } catch {
    return false;
  }
}
