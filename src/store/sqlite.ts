import type Database from 'better-sqlite3';

/** A database as better-sqlite3 opens it. */
export type Sqlite = Database.Database;
