/** What has ended since a person looked at the status last. */
import type { StatusAnswer } from '#protocol/answers.ts';
import { isoTimeOrNull } from '#run/iso-time.ts';
import { limits } from '#run/limits.ts';
import { endedStatuses, isEnded, type Run } from '#run/run.ts';
import { describe } from '../core/log.ts';
import type { RouteDeps } from './context.ts';

/** The time of the last look, in ms since the epoch. */
const lookedAtKey = 'looked_at';

/** Returns what finds the ended runs. With `look`, they count as seen afterwards. */
export function createEndedSince(deps: RouteDeps): (look: boolean) => StatusAnswer['ended'] {
  const { store, supervisor, show, now, log } = deps;
  const isGood = ({ state }: Run) => state.status === 'succeeded';
  const endedAt = ({ state }: Run) => (isEnded(state) ? state.endedAt : 0);

  /** Remembers the look. If that fails, the same runs are listed the next time. */
  function noteLook(): void {
    try {
      supervisor.transaction((tx) => store.writeMeta(tx, lookedAtKey, String(now())));
    } catch (error) {
      log('debug', 'look at the status not recorded', { error: describe(error) });
    }
  }

  return (look) => {
    const stored = store.readMeta(lookedAtKey);
    const since = stored === null ? null : Number(stored);
    const runs =
      since === null
        ? []
        : store.runs
            .newest(endedStatuses, limits.boardRuns)
            .filter((run) => endedAt(run) > since)
            .sort((a, b) => Number(isGood(a)) - Number(isGood(b)) || endedAt(b) - endedAt(a));
    // A look at nothing new is not written, so that looking often costs no writes.
    if (look && (since === null || runs.length > 0)) noteLook();
    const shown = runs.slice(0, limits.endedShown).map((run) => show.show(run));
    return { since: isoTimeOrNull(since), total: runs.length, runs: shown };
  };
}
