import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createStore } from '#store/store.ts';
import { root } from '../support/home.ts';
import { aProfile, aRun } from '../support/runs.ts';

const migrations = join(root, 'migrations');

function createFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'clip-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function withRuns(folder: string, count: number): string {
  const path = join(folder, 'clip.db');
  const store = createStore({ path, migrations, version: '1.0.0' });
  store.transaction((tx) => {
    for (let n = 1; n <= count; n += 1)
      store.runs.insert(tx, { ...aRun({ status: 'queued', notBefore: null }), id: `r${n}` });
  });
  store.close();
  return path;
}

describe('the migrations', () => {
  it('are applied once, however often the database is opened, and lose nothing', () => {
    const path = withRuns(createFolder(), 3);
    for (let n = 0; n < 3; n += 1) {
      const store = createStore({ path, migrations, version: '1.0.0' });
      expect([store.runs.total(), store.runs.byNumber(3)?.id]).toEqual([3, 'r3']);
      store.close();
    }
    const database = new Database(path, { readonly: true });
    const applied = JSON.parse(readFileSync(join(migrations, 'meta/_journal.json'), 'utf8')).entries.length;
    expect(database.prepare('SELECT count(*) AS n FROM __drizzle_migrations').get()).toEqual({ n: applied });
    database.close();
  });

  it('leave nothing behind when one of them fails in the middle', () => {
    const folder = createFolder();
    const path = withRuns(folder, 1);
    const broken = join(folder, 'migrations');
    cpSync(migrations, broken, { recursive: true });
    const journal = JSON.parse(readFileSync(join(broken, 'meta/_journal.json'), 'utf8'));
    journal.entries.push({
      ...journal.entries.at(-1),
      idx: journal.entries.length,
      when: Date.now(),
      tag: '9999_broken',
    });
    writeFileSync(join(broken, 'meta/_journal.json'), JSON.stringify(journal));
    writeFileSync(
      join(broken, '9999_broken.sql'),
      'ALTER TABLE runs ADD COLUMN half TEXT;--> statement-breakpoint\nALTER TABLE nowhere ADD COLUMN other TEXT;',
    );
    expect(() => createStore({ path, migrations: broken, version: '1.0.1' })).toThrow();
    const store = createStore({ path, migrations, version: '1.0.0' });
    expect(store.runs.total()).toBe(1);
    store.close();
    const database = new Database(path, { readonly: true });
    expect((database.pragma('table_info(runs)') as { name: string }[]).map(({ name }) => name)).not.toContain('half');
    database.close();
  });
});

describe('an agent of an earlier version', () => {
  it('has no budgets, and no timer', () => {
    const path = withRuns(createFolder(), 0);
    const { id: _, name: __, ...profile } = aProfile();
    const rest = {
      preset: null,
      cwd: null,
      envNames: [],
      envFile: null,
      timeoutMs: null,
      silenceMs: null,
      graceMs: null,
      concurrency: 1,
    };
    const settings = JSON.stringify({
      ...profile,
      ...rest,
      promptTemplate: null,
      leftovers: null,
      sharesWorktree: false,
    });
    const database = new Database(path);
    database
      .prepare('INSERT INTO agents (id, name, settings, paused, created_at) VALUES (?, ?, ?, 0, 0)')
      .run('a1', 'old', settings);
    database.close();
    const store = createStore({ path, migrations, version: '1.0.0' });
    expect(store.agents.byName('old')?.settings).toMatchObject({
      budgetRun: null,
      budgetDay: null,
      everyMs: null,
      quietHours: null,
      timerPrompt: null,
    });
    store.close();
  });
});

describe('the queries for lists of runs', () => {
  it.each([
    ['all', 'number < 900', /^SEARCH runs USING INTEGER PRIMARY KEY \(rowid<\?\)$/],
    [
      'of one status',
      "status = 'failed' AND number < 900",
      /^SEARCH runs USING INDEX runs_by_status \(status=\? AND number<\?\)$/,
    ],
    [
      'of one group',
      "group_name = 'g' AND number < 900",
      /^SEARCH runs USING INDEX runs_by_group \(group_name=\? AND number<\?\)$/,
    ],
  ])('%s walk an index in their order, without sorting', (_, where, plan) => {
    const path = withRuns(createFolder(), 10);
    const database = new Database(path, { readonly: true });
    const rows = database
      .prepare(`EXPLAIN QUERY PLAN SELECT * FROM runs WHERE ${where} ORDER BY number DESC LIMIT 21`)
      .all() as { detail: string }[];
    expect(rows.map(({ detail }) => detail)).toEqual([expect.stringMatching(plan)]);
    database.close();
  });

  it('page by page show every run once, newest first', () => {
    const path = withRuns(createFolder(), 45);
    const store = createStore({ path, migrations, version: '1.0.0' });
    const seen: number[] = [];
    for (let before: number | null = null; ; ) {
      const page = store.runs.page({}, { before, limit: 20 });
      seen.push(...page.runs.map(({ number }) => number));
      expect(page.hidden).toBe(45 - seen.length);
      if (page.next === null) break;
      before = page.next;
    }
    expect(seen).toEqual(Array.from({ length: 45 }, (_, index) => 45 - index));
    store.close();
  });
});
