import { Fault } from '@countersign/contract'
import { GroupCommit, openDatabase, StoreLocked } from '@countersign/engine'
import type { StatementSync } from 'node:sqlite'

/** A room's tables, in the order in which they came to be. Never edit one that was released; add. */
export interface Migration {
  readonly room: string
  readonly steps: readonly string[]
}

/** The embedded store: one file, one owner, many callers sharing each durable commit. */
export interface Store {
  readonly prepare: (sql: string) => StatementSync
  /** Runs a write in the next commit; resolves once it is on disk. `withinMs` lets it wait for company. */
  readonly commit: <Value>(write: () => Value, withinMs?: number) => Promise<Value>
  readonly flush: () => void
  /**
   * Writes the whole file anew, so that nothing deleted is left in it, nor in its log. Everything
   * waits meanwhile: seconds for each gigabyte.
   */
  readonly scrub: () => void
  readonly close: () => void
}

/** Opens the store and brings every room's tables up to date. */
export function openStore(path: string, migrations: readonly Migration[]): Store {
  const db = open(path)
  const group = new GroupCommit(db)
  db.exec('CREATE TABLE IF NOT EXISTS migrations (room TEXT PRIMARY KEY, steps INTEGER NOT NULL)')
  const done = db.prepare('SELECT steps FROM migrations WHERE room = ?')
  const record = db.prepare(
    'INSERT INTO migrations (room, steps) VALUES (?, ?) ON CONFLICT (room) DO UPDATE SET steps = excluded.steps',
  )
  for (const { room, steps } of migrations) {
    const from = Number(done.get(room)?.['steps'] ?? 0)
    if (from > steps.length) {
      db.close()
      throw new Fault(
        'store/unavailable',
        `${path} was written by a newer version of Countersign (${room}: ${from} > ${steps.length}). Install that version, or point "data" at another folder.`,
      )
    }
    db.exec('BEGIN IMMEDIATE')
    for (const step of steps.slice(from)) db.exec(step)
    record.run(room, steps.length)
    db.exec('COMMIT')
  }
  return {
    prepare: (sql) => db.prepare(sql),
    commit: (write, withinMs) => group.commit(write, withinMs),
    flush: () => {
      group.flush()
    },
    scrub: () => {
      group.flush()
      db.exec('VACUUM')
      const { busy } = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() ?? {}
      if (busy !== 0) throw new Error('the log of the store could not be emptied')
    },
    close: () => {
      group.close()
      db.close()
    },
  }
}

function open(path: string): ReturnType<typeof openDatabase> {
  try {
    return openDatabase(path)
  } catch (cause) {
    if (cause instanceof StoreLocked) {
      throw new Fault(
        'store/unavailable',
        `${path} belongs to a Countersign that is running. Stop it, or give this one another "data" folder.`,
        { cause },
      )
    }
    throw new Fault(
      'store/unavailable',
      `The store at ${path} cannot be opened: ${cause instanceof Error ? cause.message : 'unknown cause'}.`,
      { cause },
    )
  }
}
