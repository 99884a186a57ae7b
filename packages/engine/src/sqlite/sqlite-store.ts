import type { StatementSync } from 'node:sqlite'
import { openDatabase } from '../database.ts'
import { GroupCommit } from '../group-commit.ts'
import { toEntry, toSignal, toTask } from '../row.ts'
import type { Store } from '../store.ts'
import { makeApply } from './apply.ts'
import { countOpen, readList } from './lists.ts'
import { TASK_TABLES } from './tables.ts'

/** A database that already has `TASK_TABLES`, and whose owner decides when it commits. */
export interface SqliteHost {
  readonly prepare: (sql: string) => StatementSync
  /** Runs a write in the next transaction; resolves with its value once that is durable. */
  readonly commit: <Value>(write: () => Value) => Promise<Value>
  readonly close: () => void
}

/** A task store inside a database that also holds other things, which then share its commits. */
export function sqliteStore(host: SqliteHost): Store {
  const apply = makeApply(host.prepare)
  const read = makeReads(host.prepare)
  return {
    isExclusive: true,
    commit: (ops) => host.commit(() => ops.map(apply)),
    ...read,
    close: () => {
      host.close()
      return Promise.resolve()
    },
  }
}

/**
 * Opens a task store in a file of its own, creating it when it is not there; `:memory:` is allowed.
 *
 * @throws StoreLocked when another process owns the file.
 */
export function openSqliteStore(path: string): Store {
  const db = openDatabase(path)
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version'])
  if (version > TASK_TABLES.length) {
    db.close()
    throw new Error(`${path} was written by a newer version of the engine (${String(version)}).`)
  }
  try {
    db.exec('BEGIN IMMEDIATE')
    for (const step of TASK_TABLES.slice(version)) db.exec(step)
    db.exec(`PRAGMA user_version = ${String(TASK_TABLES.length)}; COMMIT`)
  } catch (cause) {
    // What was begun is rolled back with it.
    db.close()
    throw cause
  }
  const group = new GroupCommit(db)
  return sqliteStore({
    prepare: (sql) => db.prepare(sql),
    commit: (write) => group.commit(write),
    close: () => {
      group.close()
      db.close()
    },
  })
}

function makeReads(
  prepare: SqliteHost['prepare'],
): Pick<Store, 'get' | 'list' | 'countOpen' | 'due' | 'journal' | 'signals'> {
  const one = prepare('SELECT * FROM tasks WHERE id = ?')
  const due = prepare(
    `SELECT id, due_at FROM tasks WHERE due_at <= ? AND (due_at, id) > (?, ?)
     ORDER BY due_at, id LIMIT ?`,
  )
  const lines = prepare('SELECT * FROM journal WHERE task = ? ORDER BY epoch, seq')
  const inbox = prepare('SELECT inbox FROM tasks WHERE id = ?')
  const signals = prepare(
    'SELECT id, name, payload FROM signals WHERE task = ? AND delivered = 0 ORDER BY seq',
  )
  return {
    get: async (id) => {
      const row = one.get(id)
      return row === undefined ? undefined : toTask(row)
    },
    list: async (query) => readList(prepare, query),
    countOpen: async () => countOpen(prepare),
    due: async (until, limit, after) =>
      due
        .all(until, after?.dueAt ?? Number.MIN_SAFE_INTEGER, after?.id ?? '', limit)
        .map((row) => ({ id: String(row['id']), dueAt: Number(row['due_at']) })),
    journal: async (id) => lines.all(id).map(toEntry),
    signals: async (id) => ({
      inbox: Number(inbox.get(id)?.['inbox'] ?? 0),
      signals: signals.all(id).map(toSignal),
    }),
  }
}
