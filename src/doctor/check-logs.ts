/** Checks how much of the logs of ended runs is stored, and the limits. */
import type { Config } from '#config/settings.ts';
import { sizeText } from '#run/format-bytes.ts';
import { ArchiveStore } from '#store/archived-logs.ts';
import type { Db } from '#store/open.ts';
import { type Check, ok } from './check.ts';

const day = 24 * 60 * 60_000;

/** Returns a check that always holds: it tells the size, the age and the limits of the archived logs. */
export function checkLogs(db: Db, config: Config['logs'], at: number): Check {
  const { runs, bytes, oldestAt } = new ArchiveStore(db).totals();
  const size =
    config.size_max_gb === 0 ? 'without a limit in size' : `at most ${sizeText(config.size_max_gb * 2 ** 30)}`;
  const age = config.keep_days === 0 ? 'without a limit in age' : `${config.keep_days} days`;
  const oldest = oldestAt === null ? '' : `; the oldest ended ${Math.floor((at - oldestAt) / day)} days ago`;
  const stored = `${sizeText(bytes)} of ${runs} ended runs are put away (${size}, and ${age})${oldest}`;
  return ok('logs', `${stored}; those of the last ${config.compress_after_min} min are not among them`);
}
