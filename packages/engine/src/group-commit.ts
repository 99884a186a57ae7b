import type { DatabaseSync } from 'node:sqlite'

/** One write of one caller, waiting for the next commit. */
interface Pending {
  readonly write: () => void
  readonly done: () => void
  readonly failed: (cause: unknown) => void
}

/**
 * Lets many callers share one durable commit: what they hand in during one turn of the event loop
 * is written in one transaction, and each promise settles when that transaction is on disk.
 */
export class GroupCommit {
  readonly #db: DatabaseSync
  #queue: Pending[] = []
  #immediate: NodeJS.Immediate | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  /**
   * Runs `write` inside the next transaction and resolves with what it returned once that is
   * durable. A write that throws is undone and rejects alone; its neighbours stand.
   *
   * `withinMs` above 0 lets the write wait that long for company: for what may be written behind.
   */
  commit<Value>(write: () => Value, withinMs = 0): Promise<Value> {
    return new Promise<Value>((done, failed) => {
      let value: Value
      const written = (): void => {
        value = write()
      }
      this.#queue.push({
        write: written,
        done: () => {
          done(value)
        },
        failed,
      })
      this.#schedule(withinMs)
    })
  }

  /** Writes everything handed in so far, now. */
  flush(): void {
    clearImmediate(this.#immediate)
    clearTimeout(this.#timer)
    this.#immediate = undefined
    this.#timer = undefined
    const batch = this.#queue
    this.#queue = []
    if (batch.length === 0) return
    try {
      this.#transact(batch)
    } catch (cause) {
      if (batch.length === 1) batch[0]?.failed(cause)
      else this.#alone(batch)
      return
    }
    for (const { done } of batch) done()
  }

  /** One of a batch failed and took the others with it: give each a transaction of its own. */
  #alone(batch: readonly Pending[]): void {
    for (const pending of batch) {
      try {
        this.#transact([pending])
        pending.done()
      } catch (cause) {
        pending.failed(cause)
      }
    }
  }

  #transact(batch: readonly Pending[]): void {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      for (const { write } of batch) write()
      this.#db.exec('COMMIT')
    } catch (cause) {
      // After some errors (a full disk) SQLite has rolled back already and says so.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw cause
    }
  }

  #schedule(withinMs: number): void {
    if (withinMs > 0) {
      if (!this.#immediate) this.#timer ??= setTimeout(() => this.flush(), withinMs)
    } else {
      this.#immediate ??= setImmediate(() => this.flush())
    }
  }
}
