/** Agents in the database: their settings, never the values of their variables. */
import { and, asc, desc, eq, isNull } from 'drizzle-orm';
import { z } from 'zod';
import type { Agent, AgentSettings } from '#run/agent.ts';
import type { Budget } from '#run/budget.ts';
import type { Db } from './open.ts';
import { profileFields } from './run-row.ts';
import { agents } from './schema.ts';
import type { WriteTransaction } from './transaction.ts';

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
  // Missing in agents of earlier versions.
  everyMs: z.number().nullable().default(null),
  quietHours: z.object({ fromMinute: z.int(), toMinute: z.int() }).nullable().default(null),
  timerPrompt: z.string().nullable().default(null),
  budgetRun: budget.nullable().default(null),
  budgetDay: budget.nullable().default(null),
});

export function createAgentStore(db: Db) {
  const living = (name: string) => and(eq(agents.name, name), isNull(agents.removedAt));
  return {
    list: (): Agent[] =>
      db.select().from(agents).where(isNull(agents.removedAt)).orderBy(asc(agents.name)).all().map(toAgent),

    byName(name: string): Agent | null {
      const row = db.select().from(agents).where(living(name)).get();
      return row ? toAgent(row) : null;
    },

    byId(id: string): Agent | null {
      const row = db
        .select()
        .from(agents)
        .where(and(eq(agents.id, id), isNull(agents.removedAt)))
        .get();
      return row ? toAgent(row) : null;
    },

    /** Returns the id of the agent with this name, else of the last removed one with it. */
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

    /** Returns the name of an agent, including a removed one. */
    nameOf: (id: string): string | null =>
      db.select({ name: agents.name }).from(agents).where(eq(agents.id, id)).get()?.name ?? null,

    /** Returns when the agent's timer last fired. */
    timerAt: (id: string): number | null =>
      db.select({ at: agents.timerAt }).from(agents).where(eq(agents.id, id)).get()?.at ?? null,

    setTimerAt(_tx: WriteTransaction, id: string, at: number): void {
      db.update(agents).set({ timerAt: at }).where(eq(agents.id, id)).run();
    },

    put(_tx: WriteTransaction, agent: Agent): void {
      const row = {
        id: agent.id,
        name: agent.name,
        settings: JSON.stringify(agent.settings),
        paused: agent.paused ? 1 : 0,
        createdAt: agent.createdAt,
      };
      db.insert(agents).values(row).onConflictDoUpdate({ target: agents.id, set: row }).run();
    },

    remove(_tx: WriteTransaction, id: string, at: number): void {
      db.update(agents).set({ removedAt: at }).where(eq(agents.id, id)).run();
    },
  };
}

function toAgent(row: typeof agents.$inferSelect): Agent {
  return {
    id: row.id,
    name: row.name,
    settings: settings.parse(JSON.parse(row.settings)),
    paused: row.paused === 1,
    createdAt: row.createdAt,
  };
}
