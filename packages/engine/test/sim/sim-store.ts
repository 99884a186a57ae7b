import { DatabaseSync } from 'node:sqlite'
import { sqliteStore, TASK_TABLES, type Op, type Store, type Verdict } from '../../src/index.ts'
import type { Process, Timeline } from './timeline.ts'

/** What may go wrong between a process and the store, each as a probability. */
export interface Faults {
  /** The op never arrives, and the caller is told so. */
  readonly refused: number
  /** The op is written, and the caller is told that it failed. */
  readonly lostReply: number
  /** How long an op takes at most. */
  readonly delayMs: number
}

/** The one database that all processes of a simulation share. */
export interface Disk {
  readonly store: Store
  readonly db: DatabaseSync
  /** Writes at once. */
  readonly write: (ops: readonly Op[]) => readonly Verdict[]
  /** Leaves it to the next simulation, empty. */
  readonly close: () => void
}

/** A database in memory with its statements: making one takes longer than many a story. */
interface Empty {
  readonly db: DatabaseSync
  readonly store: Store
  /** Applies one op at once. */
  readonly apply: (op: Op) => Verdict
}

const spare: Empty[] = []

function makeEmpty(): Empty {
  const db = new DatabaseSync(':memory:')
  for (const step of TASK_TABLES) db.exec(step)
  let verdicts: readonly Verdict[] = []
  const store = sqliteStore({
    prepare: (sql) => db.prepare(sql),
    commit: (write) => {
      const value = write()
      // Known to be verdicts: commit is called for nothing else.
      verdicts = value as readonly Verdict[]
      return Promise.resolve(value)
    },
    close: () => undefined,
  })
  const apply = (op: Op): Verdict => {
    void store.commit([op])
    return verdicts[0]!
  }
  return { db, store, apply }
}

/** An empty database. `spoil` breaks it on purpose, to prove that breaches are seen. */
export function openDisk(
  now: () => number,
  spoil?: (op: Op, db: DatabaseSync) => Op | undefined,
): Disk {
  const empty = spare.pop() ?? makeEmpty()
  const { db, store, apply } = empty
  const write = (ops: readonly Op[]): readonly Verdict[] => {
    db.exec('BEGIN')
    const all = ops.map((asked): Verdict => {
      const op = byOurClock(asked, Math.trunc(now()))
      const spoiled = spoil ? spoil(op, db) : op
      return spoiled ? apply(spoiled) : { accepted: true }
    })
    db.exec('COMMIT')
    return all
  }
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
  const close = (): void => {
    for (const { name } of tables.all()) db.exec(`DELETE FROM ${String(name)}`)
    spare.push(empty)
  }
  return { store, db, write, close }
}

/** Leases count by the clock of the store: those of its users differ. */
function byOurClock(op: Op, now: number): Op {
  if (op.op === 'claim' || op.op === 'renew') {
    return { ...op, at: now, until: now + op.until - op.at }
  }
  if (op.op !== 'create' || op.task.worker === null) return op
  return { ...op, task: { ...op.task, dueAt: now + op.task.dueAt - op.task.at } }
}

/** The store as one process sees it: slow, unreliable, and gone when the process dies. */
export function connect(
  disk: Disk,
  process: Process,
  timeline: Timeline,
  link: {
    readonly faults: () => Faults
    readonly wrote: (ops: readonly Op[], verdicts: readonly Verdict[]) => void
  },
): Store {
  const { chance } = timeline
  const later = <Value>(work: () => Value): Promise<Value> =>
    new Promise((resolve, reject) => {
      const { delayMs } = link.faults()
      // What was sent arrives even when the sender dies; only the answer has nobody to go to.
      timeline.after(chance.next() * delayMs, () => {
        try {
          const value = work()
          process.world.after(chance.next() * delayMs, () => {
            resolve(value)
          })
        } catch (error) {
          process.world.after(0, () => {
            reject(error)
          })
        }
      })
    })
  const { store } = disk
  const read = <Value>(work: () => Promise<Value>): Promise<Value> => later(work).then((it) => it)
  return {
    isExclusive: false,
    commit: async (ops) => {
      const { refused, lostReply } = link.faults()
      const verdicts = await later(() => {
        if (chance.happens(refused)) throw new Error('the disk is full')
        const written = disk.write(ops)
        link.wrote(ops, written)
        return written
      })
      if (chance.happens(lostReply)) throw new Error('the connection is gone')
      return verdicts
    },
    get: (id) => read(() => store.get(id)),
    list: (query) => read(() => store.list(query)),
    due: (until, limit, after) => read(() => store.due(until, limit, after)),
    journal: (id) => read(() => store.journal(id)),
    signals: (id) => read(() => store.signals(id)),
    close: () => Promise.resolve(),
  }
}
