/**
 * Reads the logs of agents as they grow. Adapters turn lines into readings, readings make up the account
 * of the run, and the account is stored in one transaction with the place up to which it was read: a
 * daemon that dies reads on from there, and nothing is counted twice or missed.
 */
import { join } from 'node:path';
import { type Adapter, type ReadAt, type ReadState, read, readFrom, readRest, type Stream } from '../adapters/adapter.ts';
import { adapterOf } from '../adapters/by-name.ts';
import { crashPoint } from '../launch/crash-point.ts';
import { runFiles } from '../process/run-folder.ts';
import { readTail } from '../process/tail.ts';
import { type Account, emptyAccount, fold } from '../run/account.ts';
import { sessionOwner } from '../run/agent.ts';
import type { SentReport } from '../run/agent-report.ts';
import type { Glance } from '../run/glance.ts';
import { limits } from '../run/limits.ts';
import type { Reading } from '../run/reading.ts';
import { type Report, reportOf, type SeenExit } from '../run/report.ts';
import type { Run } from '../run/run.ts';
import { withoutSecrets } from '../run/secret.ts';
import { noTotals, type SessionTotals, totalsAfter } from '../run/usage.ts';
import type { Store } from '../store/store.ts';
import { redact } from '../task/redact/redact.ts';
import type { Reports } from './reports.ts';
import type { RunTokens } from './run-tokens.ts';
import type { Supervisor } from './supervisor.ts';
import type { Watchers } from './watchers.ts';

export type Tails = ReturnType<typeof createTails>;

type Tail = {
  readonly run: Run;
  readonly adapter: Adapter;
  readonly logs: Record<Stream, ReadState>;
  /** As it is stored. */
  account: Account;
  /** With what was read since. */
  next: Account;
  before: SessionTotals | null;
  /** Read since, and not stored yet. */
  reports: SentReport[];
  /** Hidden in all that is kept, for an agent may quote them: its token, and secret values of its variables. */
  readonly hidden: readonly string[];
  /** One reading at a time: the next begins when the last has been stored. */
  turn: Promise<void>;
  /** It has read what could not be stored. */
  broken: boolean;
};

const streams: readonly Stream[] = ['stdout', 'stderr'];
const offsetsOf = ({ logs }: Tail) => ({ stdout: logs.stdout.offset, stderr: logs.stderr.offset });
const hasStream = ({ spec }: Run): boolean => adapterOf(spec.agent).stream !== null;
const ownerOf = ({ spec }: Run): string => (spec.agent === null ? spec.adapter : sessionOwner(spec.agent));

export function createTails(world: {
  store: Store;
  supervisor: Supervisor;
  watchers: Watchers;
  tokens: RunTokens;
  reports: Reports;
  now: () => number;
  folderOf: (run: Run) => string;
  /** Secret values of the variables of this run. */
  secretsOf: (run: Run) => readonly string[];
}) {
  const { store } = world;
  const tails = new Map<number, Tail>();
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();

  /** Null for a plain command. Of an agent without a stream of its own only reports are read. */
  function tailOf(run: Run): Tail | null {
    const known = tails.get(run.number);
    if (known) return known;
    if (run.spec.agent === null) return null;
    const adapter = adapterOf(run.spec.agent);
    const row = store.accounts.ofRun(run.number);
    const tail: Tail = {
      run,
      adapter,
      logs: { stdout: readFrom(row?.offsets.stdout ?? 0), stderr: readFrom(row?.offsets.stderr ?? 0) },
      account: row?.account ?? emptyAccount,
      next: row?.account ?? emptyAccount,
      before: row?.before ?? null,
      reports: [],
      hidden: [world.tokens.of(run), ...world.secretsOf(run)],
      turn: Promise.resolve(),
      broken: false,
    };
    tails.set(run.number, tail);
    return tail;
  }

  /** Reads what has come since. */
  async function follow(run: Run): Promise<void> {
    const tail = tailOf(run);
    if (tail) await inTurn(tail, () => readOn(tail, limits.tailBatchBytes));
  }

  /** Reads to the end, once the process has ended, and says what the stream says of it. */
  async function finish(run: Run, exit: SeenExit): Promise<Report | null> {
    const tail = tailOf(run);
    if (!tail) return null;
    await inTurn(tail, async () => {
      while (await readOn(tail, limits.tailBatchBytes));
      for (const stream of streams) readLast(tail, stream);
      record(tail);
    });
    const { stream } = tail.adapter;
    return stream === null ? null : reportOf(tail.account, exit, stream);
  }

  function inTurn(tail: Tail, work: () => Promise<unknown>): Promise<void> {
    const turn = tail.turn.then(async () => {
      if (tail.broken) throw new Error('The reading before this one failed; it begins again from what was stored.');
      await work();
    });
    // One that failed (on a full disk, say) has read what it could not store: the next one begins from what was stored.
    tail.turn = turn.catch(() => {
      tail.broken = true;
      if (tails.get(tail.run.number) === tail) tails.delete(tail.run.number);
    });
    return turn;
  }

  /** True when there was so much that more may be waiting. */
  async function readOn(tail: Tail, bytesMax: number): Promise<boolean> {
    const before = offsetsOf(tail);
    let most = 0;
    for (const stream of streams) most = Math.max(most, await readLog(tail, stream, bytesMax));
    const after = offsetsOf(tail);
    if (after.stdout !== before.stdout || after.stderr !== before.stderr) record(tail);
    return most >= bytesMax;
  }

  async function readLog(tail: Tail, stream: Stream, bytesMax: number): Promise<number> {
    const path = join(world.folderOf(tail.run), stream === 'stdout' ? runFiles.stdout : runFiles.stderr);
    const begin = tail.logs[stream];
    const offset = begin.offset + begin.cut.bytes;
    let bytes = 0;
    // Piece by piece, each in a turn of the loop of its own: a megabyte of short lines takes its time.
    const size = await readTail(path, { offset, bytesMax, chunkBytes: limits.tailChunkBytes }, (chunk) => {
      take(tail, stream, read(tail.adapter, tail.logs[stream], chunk, { stream, at: readAt() }));
      bytes += chunk.length;
    });
    // Somebody cut the log off: what was there has been read, and is not read again.
    if (size !== null && size < offset) tail.logs[stream] = readFrom(size);
    return bytes;
  }

  /** A last line that has no line break. */
  function readLast(tail: Tail, stream: Stream): void {
    const state = tail.logs[stream];
    if (state.cut.bytes === 0) return;
    const last = readRest(tail.adapter, state, { stream, at: readAt() });
    // The line break was ours: the log ends one byte earlier.
    take(tail, stream, { state: readFrom(last.state.offset - 1), readings: last.readings });
  }

  function take(tail: Tail, stream: Stream, { state, readings }: { state: ReadState; readings: readonly Reading[] }): void {
    tail.logs[stream] = state;
    for (const reading of readings) if (reading.type === 'report') tail.reports.push(reading);
    const next = fold(tail.next, withoutSecrets(readings.map(shown(tail)), tail.hidden), world.now());
    // Cut in two by the pieces of a message, it shows only when they are together.
    tail.next = tail.hidden.some((secret) => next.text.includes(secret)) ? { ...next, text: withoutSecrets(next.text, tail.hidden) } : next;
  }

  /** Why it failed is shown in lists and events, and providers like to quote the key that they refuse. */
  function shown({ hidden }: Tail): (reading: Reading) => Reading {
    return (reading) => {
      if (!('failure' in reading) || reading.failure === null) return reading;
      const message = redact(reading.failure.message.slice(0, 2 * limits.errorLength), hidden);
      return { ...reading, failure: { ...reading.failure, message } };
    };
  }

  function readAt(): ReadAt {
    return { at: world.now(), timeZone };
  }

  /** Stores what was read, how far, and what it means for the session; tells whoever watches what is worth a line of history. */
  function record(tail: Tail): void {
    crashPoint('tail.after-readings');
    const { run, next: account, reports } = tail;
    const at = world.now();
    // Only where something can follow for the run itself does it go through the one door.
    const inOne = reports.length > 0 ? world.supervisor.together : store.transaction;
    const stored = inOne(() => {
      const { sessionId } = account;
      const before = tail.before ?? (sessionId === null ? null : totalsBefore(run, sessionId));
      store.accounts.put(run.number, { account, offsets: offsetsOf(tail), before });
      if (sessionId !== null) {
        const totals = totalsAfter(account.meter, before ?? noTotals);
        store.sessions.put({ owner: ownerOf(run), id: sessionId, cwd: run.spec.cwd, totals }, run.number, at);
      }
      const events = newsIn(tail.account, account).map(({ type, ...data }) =>
        store.events.append({ at, run: run.number, runId: run.id, taskId: run.lineage.taskId, type, data: { type, ...data } }),
      );
      world.reports.read(run.number, reports);
      return { before, events };
    });
    tail.reports = [];
    tail.account = account;
    tail.before = stored.before;
    for (const event of stored.events) world.watchers.tell({ run: world.supervisor.find(run.number) ?? run, event });
  }

  function totalsBefore(run: Run, sessionId: string): SessionTotals {
    return store.sessions.totals(ownerOf(run), sessionId);
  }

  return {
    follow,
    finish,
    /** What is known of a living run's stream; null for one without. */
    accountOf: (run: Run): Account | null => (hasStream(run) ? (tailOf(run)?.account ?? null) : null),
    /** What lists show of a run's stream; null for one without, or of which nothing was read yet. */
    glanceOf: (run: Run): Glance | null => (hasStream(run) ? store.accounts.glance(run.number) : null),
    /** The session a run has turned out to be in: nobody else may go on with it meanwhile. */
    sessionOf({ number, spec }: Run): string | null {
      if (spec.agent === null) return null;
      return tails.get(number)?.account.sessionId ?? store.accounts.glance(number)?.sessionId ?? null;
    },
    forget(number: number): void {
      tails.delete(number);
    },
  };
}

type News = { readonly type: 'session' | 'retrying' | 'result' } & Readonly<Record<string, unknown>>;

/** What is worth a line in the history of the run: not every tool, but what a person would want to know later. */
function newsIn(before: Account, after: Account): News[] {
  const news: News[] = [];
  if (after.sessionId !== null && after.sessionId !== before.sessionId) {
    news.push({ type: 'session', sessionId: after.sessionId, model: after.model, permission: after.permission, version: after.version });
  }
  const { retrying, result } = after;
  // One that retries for days does so in the same words: only what begins is worth a line.
  if (retrying !== null && before.retrying === null) {
    news.push({ type: 'retrying', attempt: retrying.attempt, of: retrying.of, message: retrying.message });
  }
  if (result !== null && result.at !== before.result?.at) {
    news.push({ type: 'result', class: result.failure?.class ?? null, message: result.failure?.message ?? null, resetsAt: result.failure?.resetsAt ?? null });
  }
  return news;
}
