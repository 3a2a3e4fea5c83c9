/** Turns keeper notices into facts. Notices that arrive together are recorded in one transaction. */
import { failpoint } from '#launch/failpoints.ts';
import type { KeeperNotice } from '#process/keeper-client.ts';
import type { Fact } from '#run/events.ts';
import type { Leader } from '#run/leader.ts';
import { limits } from '#run/limits.ts';
import { isEnded, type Run } from '#run/run.ts';
import { isTemporary } from '#store/database-errors.ts';
import { describe, type LogFunction } from '../core/log.ts';
import type { Supervisor } from '../core/supervisor.ts';
import type { Submission } from '../core/transaction.ts';
import type { Scheduler } from '../queue/scheduler.ts';
import type { KeeperNews } from './connected-keeper.ts';
import { refusedRetryMs } from './launcher.ts';
import { findAttempt } from './launches.ts';
import { mustDrainStream, type RecordExit } from './record-exit.ts';

/** How long a start waits for further notices. */
const startCompanyMs = 4;

type Deps = {
  readonly supervisor: Supervisor;
  readonly recordExit: RecordExit;
  readonly look: (runs: readonly Run[]) => void;
  readonly log: LogFunction;
  readonly scheduler: Scheduler;
  /** Ends a process whose run has already ended or is queued again. */
  readonly endUnwanted: (run: Run, leader: Leader) => void;
};
type NoticeOf<T extends KeeperNotice['type']> = Extract<KeeperNotice, { readonly type: T }>;

/** Returns what keepers call with their news. */
export function receiveKeeperEvents(deps: Deps): KeeperNews {
  const { supervisor, look, scheduler } = deps;
  const notices = new KeeperNotices(deps);
  return {
    onNotices: (heard) => notices.receive(heard),
    onChanged: () => look(supervisor.alive().filter(({ state }) => state.status !== 'queued')),
    onReady: scheduler.ask,
  };
}

class KeeperNotices {
  readonly #deps: Deps;
  /** Facts that are not recorded yet. */
  #heard: Submission[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Records the notices, at once or after a moment. */
  receive(notices: readonly KeeperNotice[]): void {
    this.#heard.push(...notices.flatMap((notice) => this.#toFacts(notice)));
    // A start waits a moment for further notices (started.json holds it already), so a short run costs one flush
    // instead of two.
    if (this.#heard.some(({ event }) => event.type !== 'spawned')) this.#record();
    else this.#timer ??= setTimeout(() => this.#record(), startCompanyMs);
  }

  /** Records what was heard. Returns whether nothing is left to record. */
  #record(): boolean {
    const { supervisor, look, log } = this.#deps;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const facts = this.#heard;
    this.#heard = [];
    if (facts.some(({ event }) => event.type === 'spawned')) failpoint('spawn.before-recorded');
    if (facts.some(({ event }) => event.type === 'exited')) failpoint('exit.before-recorded');
    try {
      supervisor.submitAll(facts);
      return true;
    } catch (error) {
      log('error', 'keeper notices could not be recorded', { error: describe(error) });
      if (!isTemporary(error)) {
        setTimeout(() => look(supervisor.alive()), limits.stopRetryMs).unref();
        return true;
      }
      // Kept in their order: an end that is recorded without its start would have no start time.
      this.#heard.unshift(...facts);
      this.#timer ??= setTimeout(() => this.#record(), limits.stopRetryMs);
      return false;
    }
  }

  #toFacts(notice: KeeperNotice): Submission[] {
    const { supervisor, look, log } = this.#deps;
    const run = notice.id === null ? null : supervisor.findById(notice.id);
    if (!run) {
      log('warn', 'keeper reported an unknown run', { notice });
      return [];
    }
    switch (notice.type) {
      case 'started':
        return this.#started(run, notice);
      case 'withdrawn':
        return withdrawn(run, notice);
      case 'failed': {
        const { errorCode, message } = notice;
        return [{ number: run.number, event: { type: 'spawn-failed', errorCode, message } }];
      }
      case 'exited':
        return this.#exited(run, notice);
      case 'already-launched':
        look([run]);
        return [];
      case 'refused':
        return this.#refused(run, notice);
    }
  }

  #started(run: Run, { leader, at: startedAt, lacking }: NoticeOf<'started'>): Submission[] {
    if (!isExpected(run)) this.#deps.endUnwanted(run, leader);
    const event = { type: 'spawned', leader, startedAt, ...(lacking === undefined ? {} : { lacking }) } as const;
    return [{ number: run.number, event }];
  }

  /** Returns the end of the run. Returns nothing if the rest of its stream is read first, which then records it. */
  #exited(run: Run, notice: NoticeOf<'exited'>): Submission[] {
    const { code, signal, at: endedAt, byDeadline, tick = null } = notice;
    const fact: Fact = {
      type: 'exited',
      code,
      signal,
      endedAt,
      byDeadline,
      tick,
      leader: null,
      startedAt: null,
      report: null,
    };
    if (!mustDrainStream(run, fact)) return [{ number: run.number, event: fact }];
    setImmediate(() => this.#recordEnd(run, fact));
    return [];
  }

  /** Records an end whose output must be read first. Earlier notices, for example of its start, are recorded before it. */
  #recordEnd(run: Run, fact: Extract<Fact, { type: 'exited' }>): void {
    if (this.#heard.length === 0 || this.#record()) void this.#deps.recordExit(run, fact);
    else setTimeout(() => this.#recordEnd(run, fact), limits.stopRetryMs);
  }

  #refused(run: Run, { attempt, why: message, shortage = false }: NoticeOf<'refused'>): Submission[] {
    if (isOfAnotherLaunch(run, attempt)) return [];
    this.#deps.log('warn', 'keeper refused a run', { run: run.number, why: message });
    const event = { type: 'never-launched', message, retryInMs: refusedRetryMs, shortage } as const;
    return [{ number: run.number, event }];
  }
}

function withdrawn(run: Run, { attempt }: NoticeOf<'withdrawn'>): Submission[] {
  if (isOfAnotherLaunch(run, attempt)) return [];
  const message = 'It was taken back before it started.';
  return [{ number: run.number, event: { type: 'never-launched', message, retryInMs: 0 } }];
}

function isOfAnotherLaunch(run: Run, attempt: string | undefined): boolean {
  return attempt !== undefined && attempt !== findAttempt(run);
}

/**
 * Returns false if the run is not starting any more. A suspended keeper may still start a withdrawn run, between its
 * last check and the spawn.
 */
function isExpected({ state }: Run): boolean {
  return !isEnded(state) && state.status !== 'queued';
}
