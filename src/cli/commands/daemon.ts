import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { findForeignFiles, makeHome, validateHome } from '#config/home.ts';
import { runDaemon } from '#launch/launch.ts';
import { version } from '#launch/version.ts';
import type { DaemonAnswer } from '#protocol/answers.ts';
import { isLaterRelease } from '#run/compare-versions.ts';
import { ClipError } from '#run/errors.ts';
import { startDaemon } from '../client/start-daemon.ts';
import type { Register } from '../command.ts';
import type { Context } from '../context.ts';
import { formatDuration, formatSize, plural } from '../format/format.ts';
import { count } from './options.ts';
import { startProgress } from './progress-line.ts';

type Stopped = { liveRuns: number; unenforced: string[] };

const stopMs = 60_000;

/** Adds `clip daemon`. */
export function addDaemon(daemon: Command, register: Register): void {
  daemon
    .command('start')
    .description('start it, unless it runs')
    .action(() => register({}, start));
  daemon
    .command('stop')
    .description('stop it; runs live on unless told otherwise')
    .option('--cancel-runs', 'cancel all runs first')
    .option('--json', 'as JSON')
    .action((options: { cancelRuns?: boolean; json?: boolean }) =>
      register(options, (context) => stop(context, { cancelRuns: options.cancelRuns ?? false })),
    );
  daemon
    .command('restart')
    .description('stop it and start it; runs live on')
    .action(() =>
      register({}, async (context) => {
        const now = await alive(context);
        if (now) refuseLater(now);
        if (now) await stop(context, { back: true });
        return start(context);
      }),
    );
  daemon
    .command('status')
    .description('whether it runs; starts nothing')
    .option('--json', 'as JSON')
    .action((options: { json?: boolean }) => register(options, status));
  daemon
    .command('run')
    .description('run it in the foreground, for a service manager')
    .option('-v, --verbose', 'log each decision with its reason (the level `debug`)')
    .action(({ verbose = false }: { verbose?: boolean }) =>
      register({}, (context) => runInForeground(context, verbose)),
    );
  daemon
    .command('logs')
    .description('its own log, as JSON lines')
    .option('-n, --lines <n>', 'only the last lines', count, 100)
    .action((options: { lines: number }) => register({}, (context) => logs(context, options.lines)));
}

/**
 * Throws when the daemon is newer than this program. An older version cannot use the newer database: it would stop the
 * daemon and could not start another one.
 */
function refuseLater(daemon: DaemonAnswer): void {
  if (!isLaterRelease(daemon.version, version)) return;
  throw new ClipError(
    'version_mismatch',
    `The daemon is clip ${daemon.version}, and this is clip ${version}, which is older.`,
    'Restart it with its own version; docs/operation.md says how to go back to an older one.',
  );
}

async function start(context: Context): Promise<number> {
  const before = await alive(context);
  if (!before) await startDaemon(context.home);
  const now = await context.client(false).call<DaemonAnswer>('GET', '/v1/daemon');
  context.print(before ? `The daemon is running already (pid ${now.pid}).` : `The daemon is running (pid ${now.pid}).`);
  return 0;
}

/** Stops the daemon. `back`: it is started again immediately. */
async function stop(context: Context, { cancelRuns = false, back = false }): Promise<number> {
  const before = await alive(context);
  if (!before) {
    if (context.json) context.printJson({ schema: 1, stopped: false, liveRuns: null, unenforced: [] });
    else context.print('The daemon is not running.');
    return 0;
  }
  const progress = startProgress(!context.json, () =>
    cancelRuns ? 'Cancelling all runs and stopping the daemon' : 'Stopping the daemon',
  );
  const answer = await context
    .client(false)
    .call<Stopped>('POST', '/v1/daemon/stop', { cancelRuns }, true)
    .then((stopped) => gone(context, before.pid).then(() => stopped))
    .finally(progress.end);
  if (context.json) context.printJson(answer);
  else if (answer.liveRuns === 0) context.print('The daemon was stopped.');
  else {
    context.print(
      `The daemon was stopped; ${plural(answer.liveRuns, 'run')} live${answer.liveRuns === 1 ? 's' : ''} on.`,
    );
    if (!back)
      context.notice(
        `Until it starts again, these are suspended: ${answer.unenforced.join(', ')}. ` +
          'Time limits are kept by the keeper. clip daemon start',
      );
  }
  return 0;
}

async function status(context: Context): Promise<number> {
  const now = await alive(context);
  if (!now) {
    const { folder, socket } = context.home;
    if (context.json)
      context.printJson({
        schema: 1,
        running: false,
        pid: null,
        version: null,
        startedAt: null,
        home: folder,
        socket,
        uptimeMs: null,
        keepers: [],
        memoryBytes: null,
        openFiles: null,
        timers: null,
        trouble: null,
      });
    else context.print('The daemon is not running.');
    return 4;
  }
  if (context.json) context.printJson(now);
  else {
    const state = `up ${formatDuration(now.uptimeMs)}, ${formatSize(now.memoryBytes)}`;
    const lines = [
      `The daemon is running: pid ${now.pid}, clip ${now.version}, ${state}`,
      ...now.keepers.map(formatKeeper),
      `  home ${now.home}`,
    ];
    context.print(lines.join('\n'));
  }
  return 0;
}

function formatKeeper({ pid, version: release, runs, answers }: DaemonAnswer['keepers'][number]): string {
  return `  keeper ${pid}, clip ${release}, ${plural(runs, 'run')}${answers === false ? ', does not answer' : ''}`;
}

/** Returns the daemon, or null only when none is running. A daemon that this user may not access is an error. */
async function alive(context: Context): Promise<DaemonAnswer | null> {
  try {
    return await context.client(false).call<DaemonAnswer>('GET', '/v1/daemon');
  } catch (error) {
    if (
      error instanceof ClipError &&
      error.code === 'unreachable' &&
      /ENOENT|ECONNREFUSED/.test(String((error.cause as Error | undefined)?.message))
    )
      return null;
    throw error;
  }
}

/** Waits until the process has ended, so that the next command does not meet a daemon that is shutting down. */
async function gone(context: Context, pid: number): Promise<void> {
  for (const until = Date.now() + stopMs; Date.now() < until; ) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    if (!existsSync(context.home.socket) && isZombie(pid)) return;
    await sleep(20);
  }
  throw new ClipError(
    'failed',
    `The daemon (pid ${pid}) did not end within ${stopMs / 1_000} s.`,
    'See clip daemon logs.',
  );
}

function isZombie(pid: number): boolean {
  try {
    return /^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/**
 * Runs the daemon for a service manager: this process stays, passes signals on, and ends with the daemon's exit code.
 */
async function runInForeground(context: Context, verbose: boolean): Promise<number> {
  const trouble = validateHome(context.home) ?? findForeignFiles(context.home) ?? makeHome(context.home);
  if (trouble) throw new ClipError('home_unusable', trouble.sentence, trouble.hint);
  const now = await alive(context);
  if (now) throw new ClipError('refused', `A daemon runs already (pid ${now.pid}).`, 'Stop it first: clip daemon stop');
  return runDaemon(context.home.folder, verbose ? { CLIP_LOG: 'debug' } : {});
}

async function logs(context: Context, lines: number): Promise<number> {
  if (!existsSync(context.home.log)) {
    context.notice('There is no log yet.');
    return 0;
  }
  const all = readFileSync(context.home.log, 'utf8').trimEnd().split('\n');
  context.print(all.slice(-Math.max(1, lines)).join('\n'));
  return 0;
}
