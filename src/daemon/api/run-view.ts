/** Builds the view of a run, with current data of disk, queue and process table. */
import { canBeSeen } from '#process/process-identity.ts';
import { sampleMembers } from '#process/resource-usage.ts';
import { readOutputSize } from '#process/run-folder-reader.ts';
import type { RunView } from '#protocol/answers.ts';
import { buildRunView } from '#protocol/build-views.ts';
import { isAlive, isEnded, type Run } from '#run/run.ts';
import type { Store } from '#store/store.ts';
import type { LogFollower } from '../output/log-follower.ts';
import type { ProcessScanner } from '../processes/process-scanner.ts';
import type { Scheduler } from '../queue/scheduler.ts';
import { createRunTitles } from '../runs/run-titles.ts';

export type Show = ReturnType<typeof createShow>;

export function createShow(deps: {
  folderOf: (run: Run) => string;
  now: () => number;
  scheduler: Pick<Scheduler, 'waitingFor'>;
  scanner: ProcessScanner;
  logFollower: Pick<LogFollower, 'digestOf'>;
  store: Pick<Store, 'runs' | 'archives' | 'comments' | 'documents' | 'reports' | 'tasks'>;
}) {
  const titleOf = createRunTitles({
    folderOf: deps.folderOf,
    taskTitle: (task) => deps.store.tasks.byNumber(task)?.title ?? null,
  });

  /** Returns the view without CPU and memory, which require a scan of the process table. */
  function show(run: Run): RunView {
    const folder = deps.folderOf(run);
    const waits = run.state.status === 'queued' ? deps.scheduler.waitingFor(run) : null;
    const retriedBy = isEnded(run.state) ? deps.store.runs.retryOf(run.id) : null;
    const archive = isEnded(run.state) ? deps.store.archives.of(run.number) : null;
    // The sizes of archived logs come from the database: the files on disk may have another size, or be gone.
    const output = archive ?? (run.state.status === 'queued' ? null : readOutputSize(folder));
    return buildRunView(run, {
      folder,
      title: titleOf(run),
      output,
      archive,
      waitingFor: waits?.words ?? null,
      sample: null,
      digest: deps.logFollower.digestOf(run),
      retriedBy,
      retryOf: findNumber(run.lineage.retryOfRunId),
      parentRun: findNumber(run.lineage.parentRunId),
      unseen: isAlive(run.state) && !run.state.held && !canBeSeen(run.state.leader),
      reports: deps.store.reports.count(run.number),
      left: countLeft(run),
      at: deps.now(),
    });
  }

  function findNumber(id: string | null): number | null {
    return id === null ? null : (deps.store.runs.byId(id)?.number ?? null);
  }

  function countLeft({ number, lineage }: Run): { comments: number; documents: number } | null {
    if (lineage.taskId === null) return null;
    return {
      comments: deps.store.comments.ofRun(number, lineage.taskId).count,
      documents: deps.store.documents.ofRun(number, lineage.taskId).fresh,
    };
  }

  /** Returns the view, for live runs with CPU and memory of all their processes. */
  async function showSampled(run: Run): Promise<RunView> {
    if (!isAlive(run.state)) return show(run);
    const { members } = await deps.scanner.find(run.id, run.state.leader);
    return { ...show(run), ...(await sampleMembers(members)) };
  }

  return { show, showSampled };
}
