/** Returns a run as the daemon shows it. Every field can be given. */
import type { RunView } from '#protocol/answers.ts';
import { buildRunView } from '#protocol/build-views.ts';
import { aRun, noon, running } from './runs.ts';

export function aView(given: Partial<RunView> = {}): RunView {
  const seen = {
    folder: '/home/me/runs/id42',
    title: null,
    output: null,
    archive: null,
    waitingFor: null,
    sample: null,
    left: null,
    reports: 0,
    digest: null,
    retriedBy: null,
    retryOf: null,
    parentRun: null,
    unseen: false,
    at: noon,
  };
  return { ...buildRunView(aRun(running()), seen), ...given };
}
