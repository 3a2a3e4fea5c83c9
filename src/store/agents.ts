/** Agents in the database: their settings, never the values of their variables. */
import { and, asc, desc, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import type { Agent, AgentSettings } from '../run/agent.ts';
import type { Budget } from '../run/budget.ts';
import type { Db } from './open.ts';
import { profileFields } from './rows.ts';
import { agents } from './schema.ts';

const budget: z.ZodType<Budget> = z.object({
  costUsd: z.number().nullable(),
  tokens: z.number().nullable(),
  runs: z.number().nullable(),
  timeMs: z.number().nullable(),
});

const settings: z.ZodType<AgentSettings> = z.object({
  ...profileFields,
  preset: z.string().nullable(),
  cwd: z.string().nullable(),
  envNames: z.array(z.string()),
  envFile: z.string().nullable(),
  timeoutMs: z.number().nullable(),
  silenceMs: z.number().nullable(),
  graceMs: z.number().nullable(),
  concurrency: z.int().min(1),
  promptTemplate: z.string().nullable(),
  leftovers: z.enum(['stop', 'leave']).nullable(),
  sharesWorktree: z.boolean(),
  // Agents of earlier versions have none of these.
  everyMs: z.number().nullable().default(null),
  quietHours: z.object({ fromMinute: z.int(), toMinute: z.int() }).nullable().default(null),
  timerPrompt: z.string().nullable().default(null),
  budgetRun: budget.nullable().default(null),
  budgetDay: budget.nullable().default(null),
});

export function createAgentStore(db: Db) {
  const living = (name: string) => and(eq(agents.name, name), isNull(agents.removedAt));
  return {
    list: (): Agent[] => db.select().from(agents).where(isNull(agents.removedAt)).orderBy(asc(agents.name)).all().map(agentOf),

    byName(name: string): Agent | null {
      const row = db.select().from(agents).where(living(name)).get();
      return row ? agentOf(row) : null;
    },

    byId(id: string): Agent | null {
      const row = db
        .select()
        .from(agents)
        .where(and(eq(agents.id, id), isNull(agents.removedAt)))
        .get();
      return row ? agentOf(row) : null;
    },

    /** Of the agent that has this name, else of the last one that had it. */
    lastIdOf(name: string): string | null {
      const row = db
        .select({ id: agents.id })
        .from(agents)
        .where(eq(agents.name, name))
        .orderBy(desc(isNull(agents.removedAt)), desc(agents.removedAt))
        .limit(1)
        .get();
      return row?.id ?? null;
    },

    /** Its name, also of one that was removed. */
    nameOf: (id: string): string | null => db.select({ name: agents.name }).from(agents).where(eq(agents.id, id)).get()?.name ?? null,

    /** When its timer woke it last. */
    timerAt: (id: string): number | null => db.select({ at: agents.timerAt }).from(agents).where(eq(agents.id, id)).get()?.at ?? null,

    setTimerAt(id: string, at: number): void {
      db.update(agents).set({ timerAt: at }).where(eq(agents.id, id)).run();
    },

    put(agent: Agent): void {
      const row = { id: agent.id, name: agent.name, settings: JSON.stringify(agent.settings), paused: agent.paused ? 1 : 0, createdAt: agent.createdAt };
      db.insert(agents).values(row).onConflictDoUpdate({ target: agents.id, set: row }).run();
    },

    remove(id: string, at: number): void {
      db.update(agents).set({ removedAt: at }).where(eq(agents.id, id)).run();
    },
  };
}

function agentOf(row: typeof agents.$inferSelect): Agent {
  return { id: row.id, name: row.name, settings: settings.parse(JSON.parse(row.settings)), paused: row.paused === 1, createdAt: row.createdAt };
}
