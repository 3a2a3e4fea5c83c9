/** A run as the daemon shows it; every field can be given. */
import type { RunView } from '../../src/protocol/answers.ts';
import { viewOf } from '../../src/protocol/views.ts';
import { aRun, noon, running } from './runs.ts';

export function aView(given: Partial<RunView> = {}): RunView {
  const seen = {
    folder: '/home/me/runs/id42',
    output: null,
    archive: null,
    waitingFor: null,
    sample: null,
    left: null,
    reports: 0,
    glance: null,
    retriedBy: null,
    at: noon,
  };
  return { ...viewOf(aRun(running()), seen), ...given };
}
