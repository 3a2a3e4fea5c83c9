/** Whose logs are removed: what ended longest ago first, never the newest run of a task. */

export type KeptLogs = { readonly run: number; readonly endedAt: number; readonly storedBytes: number };
/** 0 for no limit. */
export type RetentionRule = { readonly keepMs: number; readonly bytesMax: number };

export type Removal = { readonly run: number; readonly storedBytes: number; readonly why: 'age' | 'size' };

/** `done`: those that follow are younger still, and there is room for all of them. */
export type Removals = { readonly removals: readonly Removal[]; readonly done: boolean };

/**
 * The logs that go now, in the order of `oldestFirst`, a part of all there are. `isNewestOfTask` is asked only of those that would go: what a
 * task did last is what somebody will want to read.
 */
export function logsToRemove(
  oldestFirst: Iterable<KeptLogs>,
  totalBytes: number,
  rule: RetentionRule,
  now: { readonly at: number; readonly isNewestOfTask: (run: number) => boolean },
): Removals {
  const removals: Removal[] = [];
  let bytes = totalBytes;
  for (const { run, endedAt, storedBytes } of oldestFirst) {
    const tooOld = rule.keepMs > 0 && now.at - endedAt > rule.keepMs;
    const tooMuch = rule.bytesMax > 0 && bytes > rule.bytesMax;
    if (!tooOld && !tooMuch) return { removals, done: true };
    if (now.isNewestOfTask(run)) continue;
    removals.push({ run, storedBytes, why: tooOld ? 'age' : 'size' });
    bytes -= storedBytes;
  }
  return { removals, done: false };
}
