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

export class AgentStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Returns all agents, by name. */
  list(): Agent[] {
    return this.#db.select().from(agents).where(isNull(agents.removedAt)).orderBy(asc(agents.name)).all().map(toAgent);
  }

  /** Returns the agent with this name, or null. */
  byName(name: string): Agent | null {
    const where = and(eq(agents.name, name), isNull(agents.removedAt));
    const row = this.#db.select().from(agents).where(where).get();
    return row ? toAgent(row) : null;
  }

  /** Returns the agent with this id, or null. */
  byId(id: string): Agent | null {
    const row = this.#db
      .select()
      .from(agents)
      .where(and(eq(agents.id, id), isNull(agents.removedAt)))
      .get();
    return row ? toAgent(row) : null;
  }

  /** Returns the id of the agent with this name, else of the last removed one with it, or null. */
  lastIdOf(name: string): string | null {
    const row = this.#db
      .select({ id: agents.id })
      .from(agents)
      .where(eq(agents.name, name))
      .orderBy(desc(isNull(agents.removedAt)), desc(agents.removedAt))
      .limit(1)
      .get();
    return row?.id ?? null;
  }

  /** Returns the name of an agent, including a removed one, or null. */
  nameOf(id: string): string | null {
    return this.#db.select({ name: agents.name }).from(agents).where(eq(agents.id, id)).get()?.name ?? null;
  }

  /** Returns when the agent's timer last fired; null for never. */
  timerAt(id: string): number | null {
    return this.#db.select({ at: agents.timerAt }).from(agents).where(eq(agents.id, id)).get()?.at ?? null;
  }

  /** Stores when the agent's timer fired. */
  setTimerAt(_tx: WriteTransaction, id: string, at: number): void {
    this.#db.update(agents).set({ timerAt: at }).where(eq(agents.id, id)).run();
  }

  /** Stores an agent. Its earlier settings are replaced. */
  put(_tx: WriteTransaction, agent: Agent): void {
    const row = {
      id: agent.id,
      name: agent.name,
      settings: JSON.stringify(agent.settings),
      paused: agent.paused ? 1 : 0,
      createdAt: agent.createdAt,
    };
    this.#db.insert(agents).values(row).onConflictDoUpdate({ target: agents.id, set: row }).run();
  }

  /** Marks an agent as removed. Its runs still refer to it. */
  remove(_tx: WriteTransaction, id: string, at: number): void {
    this.#db.update(agents).set({ removedAt: at }).where(eq(agents.id, id)).run();
  }
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
