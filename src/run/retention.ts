/** Which logs are removed: the oldest ended runs first, and never the newest run of a task. */

export type KeptLogs = { readonly run: number; readonly endedAt: number; readonly storedBytes: number };
/** The limits on stored logs. 0 means no limit. */
export type RetentionRule = { readonly keepMs: number; readonly bytesMax: number };

export type Removal = { readonly run: number; readonly storedBytes: number; readonly why: 'age' | 'size' };

/** The result of one page. `done`: the remaining logs are younger, and all of them fit. */
export type Removals = { readonly removals: readonly Removal[]; readonly done: boolean };

/**
 * Returns the logs to remove now, in the order of `oldestFirst`, which is one page of all logs. `isNewestOfTask` is
 * called only for logs that would be removed. The newest run of a task stays readable.
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
