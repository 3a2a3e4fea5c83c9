/** What the streams of agents have shown, with the place in the logs that it was read up to; and their sessions. */
import { and, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Account } from '../run/account.ts';
import { type Glance, glanceOf } from '../run/glance.ts';
import { errorClasses, type Failure, type Tokens } from '../run/reading.ts';
import { noTotals, type SessionTotals } from '../run/usage.ts';
import type { Db } from './open.ts';
import { accounts, sessions } from './schema.ts';

export type AccountRow = {
  readonly account: Account;
  /** Bytes of each log that are accounted for. */
  readonly offsets: { readonly stdout: number; readonly stderr: number };
  /** What the session had used before this run; null until the session is known. */
  readonly before: SessionTotals | null;
};

/** `owner`: see sessionOwner in run/agent.ts. */
export type Session = { readonly owner: string; readonly id: string; readonly cwd: string; readonly totals: SessionTotals };

const tokens: z.ZodType<Tokens> = z.object({ input: z.number().nullable(), cached: z.number().nullable(), output: z.number().nullable() });
const totals: z.ZodType<SessionTotals> = z.object({ tokens: tokens.nullable(), costUsd: z.number().nullable() });
const failure: z.ZodType<Failure> = z.object({ class: z.enum(errorClasses).nullable(), message: z.string(), resetsAt: z.number().nullable() });
const account: z.ZodType<Account> = z.object({
  sessionId: z.string().nullable(),
  model: z.string().nullable(),
  permission: z.string().nullable(),
  version: z.string().nullable(),
  toolCalls: z.int(),
  commands: z.int(),
  commandsFailed: z.int(),
  messages: z.int(),
  text: z.string(),
  speaking: z.boolean(),
  openTools: z.record(
    z.string(),
    z.object({
      tool: z.string(),
      kind: z.enum(['command', 'write', 'read', 'other']),
      command: z.string().nullable(),
      paths: z.array(z.string()),
      at: z.number(),
    }),
  ),
  recentCommands: z.array(z.object({ command: z.string(), exitCode: z.int().nullable(), failed: z.boolean(), at: z.number() })),
  files: z.record(z.string(), z.object({ kind: z.enum(['add', 'update', 'delete']).nullable(), times: z.int(), at: z.number() })),
  filesMore: z.int(),
  background: z.int(),
  meter: z.object({ part: tokens.nullable(), session: tokens.nullable(), partCostUsd: z.number().nullable(), sessionCostUsd: z.number().nullable() }),
  lastError: failure.nullable(),
  complaint: failure.nullable(),
  retrying: z.object({ attempt: z.number().nullable(), of: z.number().nullable(), message: z.string(), at: z.number() }).nullable(),
  limitResetsAt: z.number().nullable(),
  denials: z.object({ count: z.int(), tools: z.array(z.string()), worked: z.boolean() }),
  result: z.object({ failure: failure.nullable(), at: z.number() }).nullable(),
  lastActionAt: z.number().nullable(),
});

const count = z.int();
const glance: z.ZodType<Glance> = z.object({
  sessionId: z.string().nullable(),
  model: z.string().nullable(),
  toolCalls: count,
  commands: count,
  commandsFailed: count,
  filesChanged: count,
  messages: count,
  usage: z
    .object({
      inputTokens: z.number().nullable(),
      cachedInputTokens: z.number().nullable(),
      outputTokens: z.number().nullable(),
      costUsd: z.number().nullable(),
    })
    .nullable(),
  retrying: z.object({ attempt: z.number().nullable(), of: z.number().nullable(), message: z.string() }).nullable(),
  resetsAt: z.number().nullable(),
  lastMessage: z.string().nullable(),
});

export function createAccountStore(db: Db) {
  const p = sql.placeholder;
  const ofRun = db
    .select()
    .from(accounts)
    .where(eq(accounts.run, p('run')))
    .prepare();

  const glanceOfRun = db
    .select({ glance: accounts.glance })
    .from(accounts)
    .where(eq(accounts.run, p('run')))
    .prepare();

  return {
    glance(run: number): Glance | null {
      const row = glanceOfRun.get({ run });
      return row ? understood(glance, row.glance) : null;
    },

    ofRun(run: number): AccountRow | null {
      const row = ofRun.get({ run });
      const known = row ? understood(account, row.account) : null;
      // One that cannot be understood is made anew, from the beginning of the logs.
      if (!row || known === null) return null;
      const before = row.before === null ? null : understood(totals, row.before);
      return { account: known, offsets: { stdout: row.stdoutOffset, stderr: row.stderrOffset }, before };
    },

    /** Meant to be called in one transaction with whatever else follows from these readings. */
    put(run: number, { account, offsets, before }: AccountRow): void {
      const row = {
        run,
        stdoutOffset: offsets.stdout,
        stderrOffset: offsets.stderr,
        glance: JSON.stringify(glanceOf(account, before)),
        account: JSON.stringify(account),
        before: before === null ? null : JSON.stringify(before),
      };
      db.insert(accounts).values(row).onConflictDoUpdate({ target: accounts.run, set: row }).run();
    },
  };
}

/** Null for what this version cannot understand: one odd account must not stand in the way of everything else. */
function understood<T>(schema: z.ZodType<T>, text: string): T | null {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

export function createSessionStore(db: Db) {
  const one = (owner: string, id: string) => and(eq(sessions.owner, owner), eq(sessions.id, id));
  return {
    get(owner: string, id: string): Session | null {
      const row = db.select().from(sessions).where(one(owner, id)).get();
      return row ? { owner, id, cwd: row.cwd, totals: understood(totals, row.totals) ?? noTotals } : null;
    },

    /** What the session had used before a run that begins now. */
    totals(owner: string, id: string): SessionTotals {
      return this.get(owner, id)?.totals ?? noTotals;
    },

    put({ owner, id, cwd, totals }: Session, run: number, at: number): void {
      const row = { owner, id, cwd, totals: JSON.stringify(totals), run, updatedAt: at };
      db.insert(sessions)
        .values(row)
        .onConflictDoUpdate({ target: [sessions.owner, sessions.id], set: row })
        .run();
    },
  };
}
