/** Usage of ended runs, including removed ones, for comparison with budgets. */
import { and, eq, isNotNull, notInArray, type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { isEnded, liveStatuses, type Run } from '#run/run.ts';
import type { StreamDigest } from '#run/stream-digest.ts';
import type { Usage } from '#run/usage.ts';
import type { Db } from './open.ts';
import { accounts, events, runs, tombstones } from './schema.ts';

/** `timeMs`: from start to end without the time in which the machine slept; null for a run that never started. */
export type RunUse = {
  readonly number: number;
  readonly agentId: string | null;
  readonly endedAt: number;
  readonly usage: Usage | null;
  /** Whether the run may have used more than `usage` says. */
  readonly usageIsPart: boolean;
  readonly timeMs: number | null;
};

const amount = z.number().nullable().default(null);
const usage = z.object({ inputTokens: amount, cachedInputTokens: amount, outputTokens: amount, costUsd: amount });
/** Tombstones of earlier versions lack times. */
const buried = usage.extend({
  endedAt: z.number().optional(),
  timeMs: amount,
  usageIsPart: z.boolean().default(false),
});

export class RunUsageStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Returns the usage of a run; null if it has not ended or is unknown. */
  ofRun(number: number): RunUse | null {
    return this.#kept(eq(runs.number, number))[0] ?? this.#removed(eq(tombstones.number, number))[0] ?? null;
  }

  /** Returns how long the machine slept during this run. */
  sleptMs(number: number): number {
    return sleptMs(this.#db, number);
  }

  #kept(where: SQL | undefined): RunUse[] {
    return this.#db
      .select({
        number: runs.number,
        agentId: runs.agentId,
        startedAt: sql<number | null>`json_extract(${runs.state}, '$.startedAt')`,
        endedAt: sql<number>`json_extract(${runs.state}, '$.endedAt')`,
        usage: sql<string | null>`json_extract(${accounts.glance}, '$.usage')`,
        isPart: sql<number | null>`json_extract(${accounts.glance}, '$.usageIsPart')`,
      })
      .from(runs)
      .leftJoin(accounts, eq(accounts.run, runs.number))
      .where(and(notInArray(runs.status, [...liveStatuses]), where))
      .all()
      .map(({ startedAt, usage: text, isPart, ...run }) => ({
        ...run,
        usage: text === null ? null : usage.parse(JSON.parse(text)),
        usageIsPart: isPart === 1,
        timeMs: startedAt === null ? null : timeBetween(this.#db, run.number, startedAt, run.endedAt),
      }));
  }

  #removed(where: SQL | undefined): RunUse[] {
    return this.#db
      .select({ number: tombstones.number, agentId: tombstones.agentId, usage: tombstones.usage })
      .from(tombstones)
      .where(and(isNotNull(tombstones.usage), where))
      .all()
      .map(({ number, agentId, usage: text }) => {
        const { endedAt = 0, timeMs, usageIsPart, ...rest } = buried.parse(JSON.parse(text ?? '{}'));
        return { number, agentId, endedAt, usage: rest, usageIsPart, timeMs };
      });
  }
}

/** Returns the usage that is kept in the tombstone of a run; null if the run has not ended. */
export function useToBury(
  db: Db,
  { number, state }: Run,
  { usage, usageIsPart }: Pick<StreamDigest, 'usage' | 'usageIsPart'>,
): string | null {
  if (!isEnded(state)) return null;
  const { startedAt, endedAt } = state;
  return JSON.stringify({
    ...usage,
    usageIsPart,
    endedAt,
    timeMs: startedAt === null ? null : timeBetween(db, number, startedAt, endedAt),
  });
}

function timeBetween(db: Db, number: number, startedAt: number, endedAt: number): number {
  return Math.max(0, endedAt - startedAt - sleptMs(db, number));
}

function sleptMs(db: Db, number: number): number {
  // If only the daemon was suspended, the run went on, and so did its time.
  const limitsMs = sql`json_extract(${events.data}, '$.limitsMs')`;
  const gapMs = sql`json_extract(${events.data}, '$.gapMs')`;
  const gap = sql<number | null>`sum(coalesce(${limitsMs}, ${gapMs}))`;
  const ofRun = and(eq(events.run, number), eq(events.type, 'clock-jumped'));
  return db.select({ gap }).from(events).where(ofRun).get()?.gap ?? 0;
}
