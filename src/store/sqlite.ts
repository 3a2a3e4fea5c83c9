import type Database from 'better-sqlite3';

/** A database opened by better-sqlite3. */
export type Sqlite = Database.Database;
