/** Finds other work in the tree of a run: changes there may not be the run's own. */
import { realFolder } from '#process/workspace/folders.ts';
import { limits } from '#run/limits.ts';
import type { Run } from '#run/run.ts';
import type { Store } from '#store/store.ts';
import type { Supervisor } from '../core/supervisor.ts';

export type Company = {
  /** Another run was alive in the tree at the same time. Runs started inside this one do not count. */
  readonly runs: boolean;
  /** Another open task uses the tree. */
  readonly tasks: boolean;
};

export function createCompany({ store, supervisor }: { store: Store; supervisor: Pick<Supervisor, 'alive'> }) {
  /** Returns whether other runs or tasks use the tree with this root. True in doubt. */
  return async (run: Run, root: string): Promise<Company> => {
    const [runs, tasks] = [listOthers(run), foldersOfOthers(run)];
    const isWithin = await placedIn(root, [...(runs ?? []), ...(tasks ?? [])]);
    return { runs: runs === null || runs.some(isWithin), tasks: tasks === null || tasks.some(isWithin) };
  };

  /** Returns the folders of runs that are alive or have ended since this one began; null if there are too many. */
  function listOthers(run: Run): string[] | null {
    const began =
      store.events.lastOfType(run.number, 'slot-granted')?.seq ??
      store.events.lastOfType(run.number, 'admitted')?.seq ??
      0;
    const ended = store.workspaces.othersEndedSince(began, run.number, limits.companyRuns);
    if (ended === null) return null;
    const alive = supervisor.alive().filter(({ number, state }) => number !== run.number && state.status !== 'queued');
    const all = [
      ...ended,
      ...alive.map(({ id, lineage, spec }) => ({ id, parentRunId: lineage.parentRunId, cwd: spec.cwd })),
    ];
    return all.filter(({ parentRunId }) => !store.runs.ancestors(parentRunId).includes(run.id)).map(({ cwd }) => cwd);
  }

  function foldersOfOthers(run: Run): string[] | null {
    const all = store.workspaces.foldersOfTasks(limits.companyTasks);
    const folderOfAgent = new Map(store.agents.list().map(({ id, settings }) => [id, settings.cwd]));
    return (
      all
        ?.filter(({ task }) => task !== run.lineage.taskId)
        .map(({ cwd, madeIn, agentId }) => cwd ?? folderOfAgent.get(agentId ?? '') ?? madeIn) ?? null
    );
  }
}

/** Returns a function that tells whether a folder lies in the tree, after links are resolved. */
async function placedIn(root: string, folders: readonly string[]): Promise<(folder: string) => boolean> {
  const distinct = [...new Set(folders)];
  const real = new Map(await Promise.all(distinct.map(async (folder) => [folder, await realFolder(folder)] as const)));
  return (folder) => `${real.get(folder) ?? folder}/`.startsWith(`${root}/`);
}
