import { isFinal, SQL_OPEN, TASK_STATES } from '../machine.ts'

/**
 * True for a task that is not final. Not `state IN (…)`: for a list of values SQLite makes a table
 * of its own, here at every write. A query uses the index only when it says exactly this.
 */
export const IS_OPEN: string = TASK_STATES.filter((state) => !isFinal(state))
  .map((state) => `state = '${state}'`)
  .join(' OR ')

/**
 * The engine's tables, as migration steps. Never edit one that was released; add.
 *
 * A row without rowid is its own index: one tree to write where a rowid table has two.
 */
export const TASK_TABLES: readonly string[] = [
  `CREATE TABLE tasks (
     id TEXT PRIMARY KEY,
     kind TEXT NOT NULL,
     version TEXT NOT NULL,
     owner TEXT NOT NULL,
     run TEXT,
     key TEXT,
     parent TEXT,
     undoes TEXT,
     input TEXT NOT NULL,
     metadata TEXT NOT NULL,
     state TEXT NOT NULL,
     epoch INTEGER NOT NULL,
     worker TEXT,
     due_at INTEGER,
     created_at INTEGER NOT NULL,
     updated_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     deadline_at INTEGER,
     poll_ms INTEGER NOT NULL,
     status TEXT,
     progress TEXT,
     waits TEXT,
     inbox INTEGER NOT NULL DEFAULT 0,
     result TEXT,
     error TEXT
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX tasks_due ON tasks (due_at, id) WHERE due_at IS NOT NULL;
   CREATE INDEX tasks_owner ON tasks (owner, created_at, id);
   CREATE INDEX tasks_open ON tasks (owner) WHERE state IN (${SQL_OPEN});
   CREATE UNIQUE INDEX tasks_key ON tasks (owner, key) WHERE key IS NOT NULL;
   CREATE INDEX tasks_run ON tasks (run, created_at, id) WHERE run IS NOT NULL;
   CREATE INDEX tasks_expiry ON tasks (expires_at);
   CREATE TABLE journal (
     task TEXT NOT NULL,
     epoch INTEGER NOT NULL,
     seq INTEGER NOT NULL,
     at INTEGER NOT NULL,
     what TEXT NOT NULL,
     kind TEXT NOT NULL,
     call INTEGER NOT NULL,
     name TEXT NOT NULL,
     body TEXT NOT NULL,
     PRIMARY KEY (task, epoch, seq)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE signals (
     task TEXT NOT NULL,
     id TEXT NOT NULL,
     seq INTEGER NOT NULL,
     at INTEGER NOT NULL,
     name TEXT NOT NULL,
     payload TEXT NOT NULL,
     delivered INTEGER NOT NULL DEFAULT 0,
     PRIMARY KEY (task, id)
   ) STRICT, WITHOUT ROWID;`,
  // The lists of owners, sorted many at a time (see lists.ts), in the place of an index.
  `CREATE TABLE tasks_sorted (
     owner TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     id TEXT NOT NULL,
     PRIMARY KEY (owner, created_at, id)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE tasks_fresh (
     owner TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     id TEXT NOT NULL
   ) STRICT;
   INSERT INTO tasks_sorted SELECT owner, created_at, id FROM tasks;
   DROP INDEX tasks_owner;
   DROP INDEX tasks_open;
   CREATE INDEX tasks_open ON tasks (owner) WHERE ${IS_OPEN};`,
]
