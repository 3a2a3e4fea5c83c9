/** What every room of the daemon uses: the store, the supervisor, and the two events that concern several rooms. */
import { EventEmitter } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Home } from '#config/home.ts';
import type { Config } from '#config/settings.ts';
import { failpoint } from '#launch/failpoints.ts';
import { type launchKeeper, placeOwnCommand, stoppedMark } from '#launch/launch.ts';
import { IdleCollector } from '#process/idle-collector.ts';
import type { Run } from '#run/run.ts';
import { createStore, type Store } from '#store/store.ts';
import { type ChangeFeed, createChangeFeed } from './change-feed.ts';
import { DiskGuard, ignoreDiskFull } from './disk-guard.ts';
import { type LogFunction, logOf } from './log.ts';
import { Supervisor } from './supervisor.ts';

/** What the daemon does to its own process and beside it. Tests that run the daemon in their own process replace it. */
export type DaemonProcess = {
  readonly exit: (code: number) => void;
  /** Calls `stop` when the process is told to end. */
  readonly onStopSignal: (stop: () => void) => void;
  readonly launchKeeper: typeof launchKeeper;
};

export type DaemonOptions = {
  readonly home: Home;
  readonly config: Config;
  readonly version: string;
  /** Folder of the migrations of the database. */
  readonly migrations: string;
  /** Whether a service manager starts the daemon, and would start it again. */
  readonly managed: boolean;
  /** Umask that the daemon inherited, for keepers that it starts. */
  readonly umask: number;
  readonly log: LogFunction;
  readonly process: DaemonProcess;
};

export type Core = {
  readonly options: DaemonOptions;
  readonly home: Home;
  readonly config: Config;
  readonly version: string;
  readonly now: () => number;
  readonly diskGuard: DiskGuard;
  readonly store: Store;
  readonly changeFeed: ChangeFeed;
  readonly supervisor: Supervisor;
  readonly events: CoreEvents;
  readonly folderOf: (run: Pick<Run, 'id'>) => string;
  readonly log: LogFunction;
  /** Returns the log of a component. */
  readonly logOf: (component: string) => LogFunction;
  /** Performs a write that is useful but optional. A full disk is logged, not thrown. */
  readonly tryWriting: (what: string, write: () => void) => void;
};

/**
 * `rules-changed`: agents, groups, limits or the day have changed, so queued runs and skipped tasks may go on.
 * `disk-freed`: the disk was full and has space again.
 */
export type CoreEvents = EventEmitter<{ 'rules-changed': []; 'disk-freed': [] }>;

/** Opens and migrates the store. The lock of the home is already held (main.ts). Throws if the store cannot be opened. */
export function openCore(options: DaemonOptions): Core {
  const { home, config, version, log } = options;
  const events: CoreEvents = new EventEmitter();
  const componentLog = (component: string) => logOf(log, component);
  const diskGuard = new DiskGuard({
    folder: home.folder,
    log: componentLog('disk-guard'),
    freed: () => events.emit('disk-freed'),
  });
  const tryWriting = (what: string, write: () => void) => ignoreDiskFull({ diskGuard, log }, what, write);
  tryWriting('command for runs', () => placeOwnCommand(home.command));
  const store = createStore({
    path: home.database,
    migrations: options.migrations,
    version,
    around: { before: () => diskGuard.prepare(), failed: (error) => diskGuard.note(error) },
    migrated: () => failpoint('migrate.middle'),
    say: (sentence, facts) => log('info', sentence, facts),
  });
  rmSync(stoppedMark(home.folder), { force: true });
  const changeFeed = createChangeFeed();
  returnMemoryWhenIdle(changeFeed);
  const now = Date.now;
  const supervisor = new Supervisor({ store, changeFeed, now, log: componentLog('supervisor') });
  const folderOf = ({ id }: Pick<Run, 'id'>) => join(home.runs, id);
  const shared = { options, home, config, version, now, log, logOf: componentLog };
  return { ...shared, diskGuard, store, changeFeed, supervisor, events, folderOf, tryWriting };
}

/** Returns memory to the system after the start, and after each busy time. */
function returnMemoryWhenIdle(changeFeed: ChangeFeed): void {
  const collector = new IdleCollector();
  changeFeed.watch(() => collector.note());
  collector.note();
}
