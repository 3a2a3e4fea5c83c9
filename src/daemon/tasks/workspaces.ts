/**
 * The workspace of a run: its state before the run, the changes afterwards, which of them are the run's own, and
 * whether they are progress. This module takes the snapshots. The rules are in src/task/progress.
 */
import { createHash } from 'node:crypto';
import { findAdapter } from '#adapters/registry.ts';
import { isAnswering } from '#process/reach-folder.ts';
import { compareWith } from '#process/workspace/compare.ts';
import { shownName } from '#process/workspace/file-names.ts';
import { realFolder, removeViews } from '#process/workspace/folders.ts';
import { ignoredAmong, type WorkspaceSnapshot, withLook } from '#process/workspace/snapshot.ts';
import { limits } from '#run/limits.ts';
import { isEnded, type Run } from '#run/run.ts';
import { emptyStreamState } from '#run/stream-state.ts';
import type { ChangedFile, Comparison, NamedFile, Snapshot } from '#run/workspace.ts';
import type { SinceTaskRecord, WorkspaceRecord } from '#run/workspace-record.ts';
import type { Store } from '#store/store.ts';
import type { FoundState } from '#store/workspaces.ts';
import { findOwnChanges, type OwnChanges, type RunActivity, writtenIn } from '#task/progress/own-changes.ts';
import {
  isProgress,
  marksOfFile,
  type PathNaming,
  type StateMarks,
  treeMarks,
  wholeMark,
} from '#task/progress/progress.ts';
import { describe, type LogFunction } from '../core/log.ts';
import type { Supervisor } from '../core/supervisor.ts';
import { type Company, createCompany } from './company.ts';

type Deps = {
  readonly store: Store;
  readonly supervisor: Supervisor;
  readonly home: string;
  readonly now: () => number;
  readonly log: LogFunction;
};

export class Workspaces {
  readonly #deps: Deps;
  readonly #companyOf: (run: Run, root: string) => Promise<Company>;
  /** The real path of the home. Resolves after views of an earlier daemon were removed. */
  readonly #ours: Promise<string>;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#companyOf = createCompany(deps);
    this.#ours = realFolder(deps.home).then(async (folder) => {
      await removeViews(folder);
      return folder;
    });
  }

  /** Stores the state of the workspace before a run. Never throws: the run starts even if the snapshot fails. */
  async before(run: Run): Promise<void> {
    const { store, log } = this.#deps;
    const { number } = run;
    const task = run.lineage.taskId;
    try {
      const found = await this.#look(run, null, async (each) => each?.snapshot ?? null);
      const streak = this.#findStreakStart(run);
      store.transaction((tx) => {
        store.workspaces.forgetSettled(tx);
        if (found !== null || task !== null) store.workspaces.putFound(tx, { run: number, task, streak, found });
        if (task !== null && streak === number) store.workspaces.forgetStreaksBefore(tx, task, streak);
        if (task !== null && found !== null && !store.workspaces.hasBaseline(task, found.root))
          store.workspaces.putBaseline(tx, task, { run: number, found });
      });
    } catch (error) {
      log('warn', 'workspace snapshot failed', { run: number, error: describe(error) });
    }
  }

  /** Returns the changes since the run began; null if they are unknown. */
  async after(run: Run): Promise<WorkspaceRecord | null> {
    const { store, log } = this.#deps;
    const kept = store.workspaces.of(run.number);
    if (kept === null) return null;
    try {
      return await this.#look(run, kept.found, async (each) =>
        each === null ? null : this.#compared(run, kept, each),
      );
    } catch (error) {
      log('warn', 'workspace comparison failed', { run: run.number, error: describe(error) });
      return null;
    }
  }

  /** Takes a snapshot with a time limit. Returns null if the file system does not answer. */
  async #look<T>(
    run: Run,
    earlier: Snapshot | null,
    work: (look: WorkspaceSnapshot | null) => Promise<T | null>,
  ): Promise<T | null> {
    if (!(await isAnswering(run.spec.cwd))) return null;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), limits.workspaceLookMs);
    });
    try {
      const looked = this.#ours.then((folder) => withLook(run.spec.cwd, { ours: folder, earlier }, work));
      return await Promise.race([looked, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #compared(run: Run, kept: FoundState, each: WorkspaceSnapshot): Promise<WorkspaceRecord | null> {
    const { snapshot } = each;
    const found = await compareWith(kept.found, each);
    const own = await this.#ownDoing(run, found, each);
    const naming: PathNaming = { short, root: snapshot.root };
    const files = await readMarks(found?.changed ?? [], naming);
    const left = { whole: wholeMark(snapshot, naming), trees: treeMarks(snapshot, naming), files };
    const wasThere = [
      wholeMark(kept.found, naming) ?? [],
      treeMarks(kept.found, naming),
      [...files.values()].map((marks) => marks.found),
    ].flat(2);
    const seen =
      kept.task === null ? new Set<string>() : this.#deps.store.workspaces.seenIn(kept.task, kept.streak, run.number);
    for (const mark of wasThere) seen.add(mark);
    const progress = found !== null && isProgress(own, left, seen);
    const marks = new Set([
      ...wasThere,
      ...(left.whole === null ? [] : [left.whole]),
      ...left.trees,
      ...[...files.values()].map((each) => each.left),
    ]);
    this.#remember(run.number, [...marks]);
    if (found === null) return null;
    return {
      ...toRecord(found, kept.found, snapshot),
      state: left.whole,
      own: { commits: own.commits, files: own.files.length + own.told, writtenAt: own.writtenAt, progress },
      sinceTask: kept.task === null ? null : await this.#sinceTask(kept.task, { run, found, look: each }),
      seenAt: this.#deps.now(),
    };
  }

  /**
   * Stores the states that the run has seen. If that fails (e.g. disk full), the worst result is that a later run
   * regains an automatic start.
   */
  #remember(number: number, marks: readonly string[]): void {
    const { store, log } = this.#deps;
    try {
      store.transaction((tx) => store.workspaces.putMarks(tx, number, marks));
    } catch (error) {
      log('warn', 'workspace marks not stored', { run: number, error: describe(error) });
    }
  }

  async #ownDoing(run: Run, found: Comparison | null, look: WorkspaceSnapshot): Promise<OwnChanges> {
    const { root, linked } = look.snapshot;
    const company = await this.#companyOf(run, root);
    const state = isEnded(run.state) ? run.state : null;
    const doing: RunActivity = {
      place: { cwd: run.spec.cwd, realCwd: await realFolder(run.spec.cwd), root },
      startedAt: state?.startedAt ?? run.queuedAt,
      endedAt: state?.endedAt ?? this.#deps.now(),
      tools: this.#listToolWrites(run),
      alone: linked && !company.runs && !company.tasks,
      accompanied: company.runs,
    };
    const changed = new Set((found?.changed ?? []).map(({ path }) => path));
    const others = writtenIn(doing).filter((path) => !changed.has(path));
    // An HTTP agent may work on files of another machine.
    const isElsewhere = run.spec.agent?.adapter === 'http';
    return findOwnChanges(found, doing, isElsewhere ? new Set(others) : await ignoredAmong(look, others));
  }

  /** Returns the tool activity that the stream reports; null if it reports none. */
  #listToolWrites({ number, spec }: Run): RunActivity['tools'] {
    const { agent } = spec;
    if (agent === null) return { ...noTools, commands: [spec.command.join(' ')] };
    if (findAdapter(agent).stream === null || agent.mapping?.rules.every(({ tool }) => tool === undefined)) return null;
    const streamState = this.#deps.store.streamStates.ofRun(number)?.streamState ?? emptyStreamState;
    const open = Object.values(streamState.openTools);
    return {
      written: Object.entries(streamState.files).map(([path, { at }]) => ({ path, at })),
      writtenMore: streamState.filesMore,
      underWay: open.filter(({ kind }) => kind === 'write' || kind === 'other').flatMap(({ paths }) => paths),
      commands: [...streamState.recentCommands, ...open].flatMap(({ command }) => command ?? []),
      moreCommands: streamState.commands > streamState.recentCommands.length,
    };
  }

  /** Compares with the state at the start of the task too, so that changes of several runs are counted once. */
  async #sinceTask(
    task: number,
    { run, found, look }: { run: Run; found: Comparison; look: WorkspaceSnapshot },
  ): Promise<SinceTaskRecord | null> {
    const baseline = this.#deps.store.workspaces.baselineOf(task, look.snapshot.root);
    if (baseline === null) return null;
    const since = baseline.run === run.number ? found : await compareWith(baseline.found, look);
    if (since === null) return null;
    const { commitCount: commits, insertions, deletions } = since;
    const { root } = look.snapshot;
    return {
      run: baseline.run,
      root,
      commits,
      filesChanged: countFiles(since),
      insertions,
      deletions,
      files: listNames(since.changed),
    };
  }

  /** Returns the run that began this streak of automatic runs: a person's, or the first of the task. */
  #findStreakStart({ number, lineage }: Run): number {
    const { store } = this.#deps;
    const wake = lineage.origin === null ? null : store.wakes.byId(lineage.origin.wakeId);
    const automatic = wake !== null && (wake.payload.inARow > 0 || wake.payload.sourceRunId !== null);
    return automatic && lineage.taskId !== null
      ? (store.workspaces.streakBefore(lineage.taskId, number) ?? number)
      : number;
  }
}

const noTools: NonNullable<RunActivity['tools']> = {
  written: [],
  writtenMore: 0,
  underWay: [],
  commands: [],
  moreCommands: false,
};

function toRecord(
  found: Comparison,
  before: Snapshot | null,
  after: Snapshot,
): Omit<WorkspaceRecord, 'state' | 'own' | 'sinceTask' | 'seenAt'> {
  const [was, is] = [before?.repositories[0], after.repositories[0]];
  return {
    headBefore: was?.head ?? null,
    headAfter: is?.head ?? null,
    commits: found.commitCount,
    filesChanged: countFiles(found),
    insertions: found.insertions,
    deletions: found.deletions,
    dirty: after.git ? isDirty(after) : null,
    files: listNames(found.changed),
  };
}

function countFiles({ changed, uncertain }: Comparison): number | null {
  return uncertain ? null : changed.length;
}

/** Returns whether there are uncommitted changes. Null if only filtered files are open, for which that is unknown. */
function isDirty({ repositories }: Snapshot): boolean | null {
  const isOpen = repositories.some(
    ({ open, filtered }) => open === null || [...open.keys()].some((path) => !filtered.includes(path)),
  );
  return isOpen ? true : repositories.some(({ filtered }) => filtered.length > 0) ? null : false;
}

function listNames(changed: readonly ChangedFile[]): NamedFile[] {
  return changed
    .slice(0, limits.workspaceNames)
    .map(({ path, kind }) => ({ path: shownName(path).slice(0, limits.workspaceNameLength).toWellFormed(), kind }));
}

/** Returns a hash of 72 bits, enough to tell states apart. */
function short(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 12);
}

/** Files hashed per turn of the event loop. */
const filesAtOnce = 500;

async function readMarks(
  changed: readonly ChangedFile[],
  naming: PathNaming,
): Promise<ReadonlyMap<string, StateMarks>> {
  const marks = new Map<string, StateMarks>();
  for (const [index, file] of changed.entries()) {
    if (index % filesAtOnce === filesAtOnce - 1) await new Promise((resolve) => setImmediate(resolve));
    marks.set(file.path, marksOfFile(file, naming));
  }
  return marks;
}
