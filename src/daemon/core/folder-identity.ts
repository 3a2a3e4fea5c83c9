/** The identity of the folder that was created for a run. It is kept in the history, where no run can change it. */
import type { FolderIdentity } from '#process/real-folder.ts';
import type { Run } from '#run/run.ts';
import type { Store } from '#store/store.ts';

/** Returns the identity. Null for a run of an earlier version, or one that was recovered from its folder. */
export function findFolderIdentity(store: Store, run: Pick<Run, 'number'>): FolderIdentity | null {
  const folder = store.events.lastOfType(run.number, 'admitted')?.data['folder'];
  return typeof folder === 'string' ? folder : null;
}
