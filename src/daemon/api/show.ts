/** From a run to its view: with what disk, queue and process table show right now. */
import { readOutputSize } from '../../process/run-records.ts';
import { sampleMembers } from '../../process/sample.ts';
import type { RunView } from '../../protocol/answers.ts';
import { viewOf } from '../../protocol/views.ts';
import { isAlive, isEnded, type Run } from '../../run/run.ts';
import type { Store } from '../../store/store.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Sweeper } from '../sweeper.ts';
import type { Tails } from '../tails.ts';

export type Show = ReturnType<typeof createShow>;

export function createShow(world: {
  folderOf: (run: Run) => string;
  now: () => number;
  scheduler: Pick<Scheduler, 'waitingFor'>;
  sweeper: Sweeper;
  tails: Pick<Tails, 'glanceOf'>;
  store: Pick<Store, 'runs' | 'archives' | 'comments' | 'documents' | 'reports'>;
}) {
  /** Everything but CPU and memory, which cost a look at the process table. */
  function show(run: Run): RunView {
    const folder = world.folderOf(run);
    const waits = run.state.status === 'queued' ? world.scheduler.waitingFor(run) : null;
    const retriedBy = isEnded(run.state) ? world.store.runs.retryOf(run.id) : null;
    const archive = isEnded(run.state) ? world.store.archives.of(run.number) : null;
    // What is known of archived logs is not looked for on disk, where it may have another size by now, or none.
    const output = archive ?? (run.state.status === 'queued' ? null : readOutputSize(folder));
    return viewOf(run, {
      folder,
      output,
      archive,
      waitingFor: waits?.words ?? null,
      sample: null,
      glance: world.tails.glanceOf(run),
      retriedBy,
      reports: world.store.reports.count(run.number),
      left: leftOf(run),
      at: world.now(),
    });
  }

  function leftOf({ number, lineage }: Run): { comments: number; documents: number } | null {
    if (lineage.taskId === null) return null;
    return { comments: world.store.comments.ofRun(number, lineage.taskId).count, documents: world.store.documents.ofRun(number, lineage.taskId).count };
  }

  /** With CPU and memory of the whole family, for runs that live. */
  async function showSampled(run: Run): Promise<RunView> {
    if (!isAlive(run.state)) return show(run);
    const { members } = await world.sweeper.find(run.id, run.state.leader);
    return { ...show(run), ...(await sampleMembers(members)) };
  }

  return { show, showSampled };
}
