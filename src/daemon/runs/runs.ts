/** How runs come into being, are found, and are removed. */
import type { SubmitterTraits } from '#launch/submitter.ts';
import type { Run } from '#run/run.ts';
import type { Task } from '#task/task.ts';
import type { AgentServices } from '../agents/agents.ts';
import type { Core } from '../core/core.ts';
import type { Output } from '../output/output.ts';
import { Admission } from './admission.ts';
import { type AutomaticRuns, createAutomaticRuns } from './automatic-runs.ts';
import { createRunPreparer } from './prepare-run.ts';
import { createRemoval, type Removal } from './prune.ts';
import { createResolve, type Resolve } from './resolve-ref.ts';

export type RunServices = {
  readonly resolve: Resolve;
  readonly admission: Admission;
  readonly automaticRuns: AutomaticRuns;
  readonly removal: Removal;
};

/** `submitted`: passes on the traits of a run's submitter before the run can start. */
export function createRunServices(
  core: Core,
  { agents, environments }: AgentServices,
  { logFollower }: Output,
  rest: {
    readonly taskOf: (number: number) => Task;
    readonly submitted: (id: Run['id'], submitter: SubmitterTraits | null) => void;
  },
): RunServices {
  const { store, supervisor, diskGuard, now, folderOf } = core;
  const runsFolder = core.home.runs;
  const resolve = createResolve({ store, supervisor });
  const preparer = createRunPreparer({ store, supervisor, resolve, now });
  const shared = { store, agents, taskOf: rest.taskOf, preparer, runsFolder };
  const admission = new Admission({ ...shared, supervisor, diskGuard, submitted: rest.submitted });
  const automaticRuns = createAutomaticRuns({ ...shared, startEnvironment: environments.startFrom });
  const removal = createRemoval({ store, supervisor, logFollower, folderOf, now, log: core.logOf('removal') });
  return { resolve, admission, automaticRuns, removal };
}
