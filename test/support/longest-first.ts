/** Starts the longest machine tests first, so that no worker runs one of them alone at the end. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Durations in seconds on two cores, of the files that take more than half a minute. All others follow, the larger
 * files first.
 */
const seconds: Readonly<Record<string, number>> = {
  'crash-points': 190,
  chaos: 140,
  'repaired-databases': 110,
  'continuation-after-crashes': 90,
  tasks: 90,
  'agent-runs': 80,
  'agent-failures': 70,
  reports: 60,
  examples: 60,
  dashboard: 60,
  'process-recovery': 60,
  'nested-runs': 55,
  'deleted-files-and-extreme-input': 55,
  budgets: 50,
  'agent-liveness': 50,
  'cli-environment': 50,
  'daemon-crashes': 50,
  retention: 50,
  cancel: 50,
  'lost-runs': 45,
  'daemon-takeover': 45,
  daemons: 45,
  'full-disks': 40,
  'connection-floods': 40,
  soak: 40,
};

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const expected = ({ moduleId }: TestSpecification) =>
      seconds[/([^/]+)\.test\.tsx?$/.exec(moduleId)?.[1] ?? ''] ?? 0;
    return (await super.sort(files)).sort((a, b) => expected(b) - expected(a));
  }
}
