/** The stream states of agent runs with the offsets up to which their logs were read, and the sessions of agents. */
import { and, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { errorClasses, type Failure, type Tokens } from '#run/agent-event.ts';
import { buildDigest, type StreamDigest } from '#run/stream-digest.ts';
import type { StreamState } from '#run/stream-state.ts';
import { noTotals, type SessionTotals } from '#run/usage.ts';
import { emptyMeter, type UsageMeterState } from '#run/usage-meter.ts';
import type { Db } from './open.ts';
import { accounts, sessions } from './schema.ts';
import type { WriteTransaction } from './transaction.ts';

export type AccountRow = {
  readonly streamState: StreamState;
  /** Offset in each log up to which the state accounts for it. */
  readonly offsets: { readonly stdout: number; readonly stderr: number };
  /** Totals of the session before this run; null until the session is known. */
  readonly before: SessionTotals | null;
};

/** `owner`: see sessionOwner in run/agent.ts. */
export type Session = {
  readonly owner: string;
  readonly id: string;
  readonly cwd: string;
  readonly totals: SessionTotals;
};

const tokens: z.ZodType<Tokens> = z.object({
  input: z.number().nullable(),
  cached: z.number().nullable(),
  output: z.number().nullable(),
});
const totals: z.ZodType<SessionTotals> = z.object({ tokens: tokens.nullable(), costUsd: z.number().nullable() });
const failure: z.ZodType<Failure> = z.object({
  class: z.enum(errorClasses).nullable(),
  message: z.string(),
  resetsAt: z.number().nullable(),
  by: z.literal('clip').exactOptional(),
  final: z.literal(true).exactOptional(),
});
const meter: z.ZodType<UsageMeterState> = z.object({
  part: tokens.nullable(),
  session: tokens.nullable(),
  partCostUsd: z.number().nullable(),
  sessionCostUsd: z.number().nullable(),
  // Missing in stream states of earlier versions.
  calls: z.object({ earlier: tokens.nullable(), recent: z.record(z.string(), tokens) }).default(emptyMeter.calls),
  absurd: z.boolean().default(false),
});
const guard = z.object({ from: z.int(), bytes: z.string() }).nullable();
const streamState: z.ZodType<StreamState> = z.object({
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
  recentCommands: z.array(
    z.object({
      command: z.string(),
      exitCode: z.int().nullable(),
      failed: z.boolean(),
      at: z.number(),
      output: z.string().exactOptional(),
    }),
  ),
  files: z.record(
    z.string(),
    z.object({ kind: z.enum(['add', 'update', 'delete']).nullable(), times: z.int(), at: z.number() }),
  ),
  filesMore: z.int(),
  background: z.int(),
  meter,
  countedWhole: z.boolean().default(false),
  lastError: failure.nullable(),
  lastErrorAt: z.number().nullable().default(null),
  gap: z.boolean().default(false),
  hadGap: z.boolean().default(false),
  guards: z.object({ stdout: guard, stderr: guard }).default({ stdout: null, stderr: null }),
  complaint: failure.nullable(),
  retrying: z
    .object({ attempt: z.number().nullable(), of: z.number().nullable(), message: z.string(), at: z.number() })
    .nullable(),
  limitResetsAt: z.number().nullable(),
  denials: z.object({ count: z.int(), tools: z.array(z.string()), worked: z.boolean() }),
  result: z.object({ failure: failure.nullable(), at: z.number() }).nullable(),
  lastActionAt: z.number().nullable(),
  sessionFileOffset: z.number().nullable().default(null),
});

const count = z.int();
const digest: z.ZodType<StreamDigest> = z.object({
  sessionId: z.string().nullable(),
  model: z.string().nullable(),
  toolCalls: count,
  commands: count,
  commandsFailed: count,
  // Runs of earlier releases lack it.
  commandsOpen: count.default(0),
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
  // Missing in digests of earlier versions, whose runs count as complete.
  usageIsPart: z.boolean().default(false),
  lastError: z
    .object({
      class: z.enum(errorClasses).nullable(),
      message: z.string(),
      fatal: z.boolean(),
      at: z.number().nullable(),
    })
    .nullable()
    .default(null),
  retrying: z.object({ attempt: z.number().nullable(), of: z.number().nullable(), message: z.string() }).nullable(),
  resetsAt: z.number().nullable(),
  lastMessage: z.string().nullable(),
});

export class StreamStateStore {
  readonly #db: Db;
  readonly #prepared: ReturnType<typeof prepare>;

  /** Prepares the statements. Throws if the database cannot be used. */
  constructor(db: Db) {
    this.#db = db;
    this.#prepared = prepare(db);
  }

  /** Returns the stream digest of a run; null if none is stored or it cannot be parsed. */
  glance(run: number): StreamDigest | null {
    const row = this.#prepared.glanceOfRun.get({ run });
    return row ? understood(digest, row.glance) : null;
  }

  /** Returns the stream state of a run; null if none is stored or it cannot be parsed. */
  ofRun(run: number): AccountRow | null {
    const row = this.#prepared.ofRun.get({ run });
    const known = row ? understood(streamState, row.account) : null;
    // An unreadable state is rebuilt from the beginning of the logs.
    if (!row || known === null) return null;
    const before = row.before === null ? null : understood(totals, row.before);
    return { streamState: known, offsets: { stdout: row.stdoutOffset, stderr: row.stderrOffset }, before };
  }

  /** Stores a stream state. */
  put(_tx: WriteTransaction, run: number, { streamState, offsets, before }: AccountRow): void {
    const row = {
      run,
      stdoutOffset: offsets.stdout,
      stderrOffset: offsets.stderr,
      glance: JSON.stringify(buildDigest(streamState, before)),
      account: JSON.stringify(streamState),
      before: before === null ? null : JSON.stringify(before),
    };
    this.#db.insert(accounts).values(row).onConflictDoUpdate({ target: accounts.run, set: row }).run();
  }
}

function prepare(db: Db) {
  const ofThis = eq(accounts.run, sql.placeholder('run'));
  return {
    ofRun: db.select().from(accounts).where(ofThis).prepare(),
    glanceOfRun: db.select({ glance: accounts.glance }).from(accounts).where(ofThis).prepare(),
  };
}

/** Returns null for data that this version cannot parse, so one odd row does not block everything else. */
function understood<T>(schema: z.ZodType<T>, text: string): T | null {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

export class SessionStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  /** Returns the session with this id, or null. */
  get(owner: string, id: string): Session | null {
    const where = and(eq(sessions.owner, owner), eq(sessions.id, id));
    const row = this.#db.select().from(sessions).where(where).get();
    return row ? { owner, id, cwd: row.cwd, totals: understood(totals, row.totals) ?? noTotals } : null;
  }

  /** Returns the totals of the session so far. */
  totals(owner: string, id: string): SessionTotals {
    return this.get(owner, id)?.totals ?? noTotals;
  }

  /** Stores a session after `run` has used it. */
  put(_tx: WriteTransaction, { owner, id, cwd, totals }: Session, run: number, at: number): void {
    const row = { owner, id, cwd, totals: JSON.stringify(totals), run, updatedAt: at };
    this.#db
      .insert(sessions)
      .values(row)
      .onConflictDoUpdate({ target: [sessions.owner, sessions.id], set: row })
      .run();
  }
}
