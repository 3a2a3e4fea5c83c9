/** How runs come into being, are found, and are removed. */
import type { Task } from '#task/task.ts';
import type { AgentServices } from '../agents/agents.ts';
import type { Core } from '../core/core.ts';
import type { Output } from '../output/output.ts';
import { Admission, type SubmitterNotes } from './admission.ts';
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

export function createRunServices(
  core: Core,
  { agents, environments }: AgentServices,
  { logFollower }: Output,
  { tasks, keepers }: { readonly tasks: { get: (number: number) => Task }; readonly keepers: SubmitterNotes },
): RunServices {
  const { store, supervisor, diskGuard, now, folderOf } = core;
  const runsFolder = core.home.runs;
  const resolve = createResolve({ store, supervisor });
  const preparer = createRunPreparer({ store, supervisor, resolve, now });
  const shared = { store, agents, taskOf: (number: number) => tasks.get(number), preparer, runsFolder };
  const admission = new Admission({ ...shared, supervisor, diskGuard, keepers });
  const automaticRuns = createAutomaticRuns({ ...shared, startEnvironment: (owner) => environments.startFrom(owner) });
  const removal = createRemoval({ store, supervisor, logFollower, folderOf, now, log: core.logOf('removal') });
  return { resolve, admission, automaticRuns, removal };
}
