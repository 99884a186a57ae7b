import { close, fdatasync, openSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'

/** One write of one caller, waiting for the next commit. */
interface Pending {
  readonly write: () => unknown
  readonly done: (value: unknown) => void
  readonly failed: (cause: unknown) => void
  /** What the last run of `write` returned. */
  value: unknown
}

/**
 * Lets many callers share one durable commit: what they hand in during one turn of the event loop
 * is written in one transaction, and each promise settles when that transaction is on disk.
 *
 * Writes that may wait (`withinMs`) are brought to disk by another thread, since nobody waits for
 * them: the event loop goes on meanwhile.
 */
export class GroupCommit {
  readonly #db: DatabaseSync
  #queue: Pending[] = []
  #immediate: NodeJS.Immediate | undefined
  #timer: NodeJS.Timeout | undefined
  /** The write-ahead log, opened a second time to have it synced elsewhere; undefined in memory. */
  #log: number | undefined
  #syncs = 0
  #isClosed = false
  #broken: { readonly cause: unknown } | undefined

  constructor(db: DatabaseSync) {
    this.#db = db
    const path = db.location()
    if (path !== null) this.#log = openSync(`${path}-wal`, 'r+')
  }

  /**
   * Runs `write` inside the next transaction and resolves with what it returned once that is
   * durable. A write that throws is undone and rejects alone; its neighbours stand.
   *
   * `withinMs` above 0 lets the write wait that long for company: for what may be written behind.
   */
  commit<Value>(write: () => Value, withinMs = 0): Promise<Value> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#queue.push({ write, done: resolve, failed: reject, value: undefined })
    this.#schedule(withinMs)
    // It is resolved with what this very write returned.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return promise as Promise<Value>
  }

  /** Writes everything handed in so far, and has it on disk when it returns. */
  flush(): void {
    settle(this.#write())
  }

  /** Flushes, and lets go of the log. The database itself is the caller's to close. */
  close(): void {
    this.flush()
    this.#isClosed = true
    this.#letGo()
  }

  /** As `flush`, but a thread of the pool waits for the disk. */
  #flushBehind(): void {
    const log = this.#log
    if (log === undefined) {
      this.flush()
      return
    }
    // The commit writes the log without waiting for the disk; the sync that follows is the same
    // system call that FULL would have made here.
    this.#db.exec('PRAGMA synchronous = NORMAL')
    const written = this.#write()
    this.#db.exec('PRAGMA synchronous = FULL')
    if (written.length === 0) return
    this.#syncs++
    fdatasync(log, (cause) => {
      this.#syncs--
      if (cause) this.#break(cause, written)
      else settle(written)
      this.#letGo()
    })
  }

  /** After a failed sync nobody knows what is on disk: nothing may be written on top of that. */
  #break(cause: unknown, written: readonly Pending[]): void {
    this.#broken = { cause }
    for (const { failed } of written) failed(cause)
  }

  #letGo(): void {
    if (!this.#isClosed || this.#syncs > 0 || this.#log === undefined) return
    close(this.#log)
    this.#log = undefined
  }

  /** Commits what is queued; returns those that were written. */
  #write(): readonly Pending[] {
    clearImmediate(this.#immediate)
    clearTimeout(this.#timer)
    this.#immediate = undefined
    this.#timer = undefined
    const batch = this.#queue
    this.#queue = []
    if (batch.length === 0) return batch
    try {
      this.#transact(batch)
      return batch
    } catch (cause) {
      // One of them failed and took the others with it: give each a transaction of its own.
      if (batch.length > 1) return batch.filter((pending) => this.#alone(pending))
      for (const { failed } of batch) failed(cause)
      return []
    }
  }

  #alone(pending: Pending): boolean {
    try {
      this.#transact([pending])
      return true
    } catch (cause) {
      pending.failed(cause)
      return false
    }
  }

  #transact(batch: readonly Pending[]): void {
    if (this.#broken) throw this.#broken.cause
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      for (const pending of batch) pending.value = pending.write()
      this.#db.exec('COMMIT')
    } catch (cause) {
      // After some errors (a full disk) SQLite has rolled back already and says so.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw cause
    }
  }

  #schedule(withinMs: number): void {
    if (withinMs > 0) {
      if (this.#immediate) return
      this.#timer ??= setTimeout(() => {
        this.#flushBehind()
      }, withinMs)
    } else {
      this.#immediate ??= setImmediate(() => {
        this.flush()
      })
    }
  }
}

const settle = (written: readonly Pending[]): void => {
  for (const { done, value } of written) done(value)
}
