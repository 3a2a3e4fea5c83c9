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
  const { store, supervisor, changeFeed, show, now, log } = deps;
  const isGood = ({ state }: Run) => state.status === 'succeeded';
  const endedAt = ({ state }: Run) => (isEnded(state) ? state.endedAt : 0);
  /** The runs that ended last, the newest last. A run that took long may have the number of an old one. */
  const lately = new Set<number>();

  changeFeed.watch(({ run }) => {
    if (run === null || !isEnded(run.state) || lately.has(run.number)) return;
    lately.add(run.number);
    const [first] = lately;
    if (lately.size > limits.boardRuns && first !== undefined) lately.delete(first);
  });

  /** Returns the ended runs among which those since the last look are. */
  function findCandidates(): Run[] {
    const newest = store.runs.newest(endedStatuses, limits.boardRuns);
    const known = new Set(newest.map(({ number }) => number));
    const others = [...lately].filter((number) => !known.has(number));
    return [...newest, ...others.flatMap((number) => store.runs.byNumber(number) ?? [])];
  }

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
        : findCandidates()
            .filter((run) => endedAt(run) > since)
            .sort((a, b) => Number(isGood(a)) - Number(isGood(b)) || endedAt(b) - endedAt(a));
    // A look at nothing new is not written, so that looking often costs no writes. After a look in the future the clock
    // was set back.
    if (look && (since === null || since > now() || runs.length > 0)) noteLook();
    const shown = runs.slice(0, limits.endedShown).map((run) => show.show(run));
    return { since: isoTimeOrNull(since), total: runs.length, runs: shown };
  };
}
