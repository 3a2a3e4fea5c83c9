/** What ended runs have used, removed ones among them: the sums that budgets are compared with. */
import { and, eq, gte, isNotNull, notInArray, type SQL, sql } from 'drizzle-orm';
import { z } from 'zod';
import { isEnded, liveStatuses, type Run } from '../run/run.ts';
import type { Usage } from '../run/usage.ts';
import type { Db } from './open.ts';
import { accounts, events, runs, tombstones } from './schema.ts';

/** `timeMs`: from start to end, without the time in which the machine slept; null for a run that never started. */
export type RunUse = {
  readonly number: number;
  readonly agentId: string | null;
  readonly endedAt: number;
  readonly usage: Usage | null;
  readonly timeMs: number | null;
};

const amount = z.number().nullable().default(null);
const usage = z.object({ inputTokens: amount, cachedInputTokens: amount, outputTokens: amount, costUsd: amount });
/** Tombstones of earlier versions have no times. */
const buried = usage.extend({ endedAt: z.number().optional(), timeMs: amount });

export function createSpendingStore(db: Db) {
  const agentRun = isNotNull(runs.agentId);
  const hasEnded = notInArray(runs.status, [...liveStatuses]);

  const kept = (where: SQL | undefined): RunUse[] =>
    db
      .select({
        number: runs.number,
        agentId: runs.agentId,
        startedAt: sql<number | null>`json_extract(${runs.state}, '$.startedAt')`,
        endedAt: sql<number>`json_extract(${runs.state}, '$.endedAt')`,
        usage: sql<string | null>`json_extract(${accounts.glance}, '$.usage')`,
      })
      .from(runs)
      .leftJoin(accounts, eq(accounts.run, runs.number))
      .where(and(hasEnded, where))
      .all()
      .map(({ startedAt, usage: text, ...run }) => ({
        ...run,
        usage: text === null ? null : usage.parse(JSON.parse(text)),
        timeMs: startedAt === null ? null : timeBetween(db, run.number, startedAt, run.endedAt),
      }));

  const removed = (where: SQL | undefined): RunUse[] =>
    db
      .select({ number: tombstones.number, agentId: tombstones.agentId, usage: tombstones.usage })
      .from(tombstones)
      .where(and(isNotNull(tombstones.usage), where))
      .all()
      .map(({ number, agentId, usage: text }) => {
        const { endedAt = 0, timeMs, ...rest } = buried.parse(JSON.parse(text ?? '{}'));
        return { number, agentId, endedAt, usage: rest, timeMs };
      });

  return {
    /** Of runs of agents that ended at or after this moment. It walks all runs of agents: for the begin of a day, not for each beat. */
    endedSince(at: number): RunUse[] {
      const lately = removed(and(isNotNull(tombstones.agentId), gte(tombstones.removedAt, at)));
      return [...kept(and(agentRun, sql`json_extract(${runs.state}, '$.endedAt') >= ${at}`)), ...lately.filter(({ endedAt }) => endedAt >= at)];
    },

    /** Null for one that has not ended, or is not known. */
    ofRun: (number: number): RunUse | null => kept(eq(runs.number, number))[0] ?? removed(eq(tombstones.number, number))[0] ?? null,

    /** How long the machine slept while this run lived. */
    sleptMs: (number: number): number => sleptMs(db, number),
  };
}

/** What a removed run is remembered by. */
export function useToBury(db: Db, { number, state }: Run, usage: Usage | null): string | null {
  if (!isEnded(state)) return null;
  const { startedAt, endedAt } = state;
  return JSON.stringify({ ...usage, endedAt, timeMs: startedAt === null ? null : timeBetween(db, number, startedAt, endedAt) });
}

function timeBetween(db: Db, number: number, startedAt: number, endedAt: number): number {
  return Math.max(0, endedAt - startedAt - sleptMs(db, number));
}

function sleptMs(db: Db, number: number): number {
  const gap = sql<number | null>`sum(json_extract(${events.data}, '$.gapMs'))`;
  const ofRun = and(eq(events.run, number), eq(events.type, 'slept'));
  return db.select({ gap }).from(events).where(ofRun).get()?.gap ?? 0;
}
