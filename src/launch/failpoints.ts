/**
 * Failpoints: places at which a test kills the daemon or the keeper. CLIP_FAILPOINT=NAME, or NAME@3 for the third pass.
 * NAME! throws an error instead, as a defect in the code would. Each failpoint fires once per home, so that a
 * restarted process survives. Without the variable nothing happens; runs never get it.
 */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';

/** The failpoints in the order in which a run passes them. docs/RELIABILITY.md describes the state after each. */
export const failpoints = [
  'admit.before-commit',
  'admit.after-commit',
  'batch.middle',
  'step.before-commit',
  'step.after-commit',
  'spawn.before-launch-file',
  'spawn.after-launch-file',
  'spawn.withdrawn',
  'spawn.taken-back',
  'spawn.after-spawn',
  'spawn.after-started-file',
  'spawn.before-recorded',
  'tail.after-readings',
  'exit.before-exit-file',
  'exit.after-exit-file',
  'exit.before-recorded',
  'lost.before-commit',
  'lost.after-commit',
  'finalize.after-workspace',
  'finalize.after-leftovers',
  'finalize.after-liveness',
  'finalize.after-summary',
  'finalize.after-wake',
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
  'repair.before-ready',
  'repair.before-place',
] as const;
export type Failpoint = (typeof failpoints)[number];

const [given = '', nth = '1'] = (process.env['CLIP_FAILPOINT'] ?? '').split('@');
const throws = given.endsWith('!');
const wanted = throws ? given.slice(0, -1) : given;
let passed = 0;

/** Kills this process when the failpoint is set for this place. */
export function failpoint(name: Failpoint): void {
  if (wanted !== name) return;
  passed += 1;
  if (passed < Number(nth) || !isFirst(name)) return;
  if (throws) throw new Error(`failpoint ${name}`);
  process.kill(process.pid, 'SIGKILL');
  // The signal may take a moment to arrive. The loop keeps any further code from running until then.
  for (;;);
}

/** Returns whether the failpoint fires for the first time. A file records it beyond the life of this process. */
function isFirst(name: string): boolean {
  try {
    closeSync(openSync(join(process.env['CLIP_HOME'] ?? '/', `crashed-at-${name}`), 'wx', 0o600));
    return true;
  } catch {
    return false;
  }
}
