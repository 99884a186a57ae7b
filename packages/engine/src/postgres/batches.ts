import type { Op, Verdict } from '../ops.ts'

/** The ops of one caller, waiting for the next statement. */
interface Pending {
  readonly ops: readonly Op[]
  /** The ops as JSON text, one for each. */
  readonly texts: readonly string[]
  readonly done: (verdicts: readonly Verdict[]) => void
  readonly failed: (cause: unknown) => void
}

/** Ops in one statement at most: what comes meanwhile goes with the next. */
const OPS_MAX = 512
/** Of JSON in one statement, unless one caller has more: Postgres reads a quarter of a gigabyte at most. */
const CHARS_MAX = 16_777_216

/** Writes a list of ops in one statement; `texts` are the same ops as JSON. */
export type WriteOps = (ops: readonly Op[], texts: readonly string[]) => Promise<readonly Verdict[]>

/** Lets many callers share one statement, and so many statements be under way. */
export class Batches {
  readonly #write: WriteOps
  readonly #parallel: number
  readonly #isPoison: (cause: unknown) => boolean
  #queue: Pending[] = []
  #running = 0
  #isScheduled = false

  /** `isPoison` tells a failure of one op, which its neighbours must not suffer, from the store's. */
  constructor(write: WriteOps, parallel: number, isPoison: (cause: unknown) => boolean) {
    this.#write = write
    this.#parallel = parallel
    this.#isPoison = isPoison
  }

  commit(ops: readonly Op[]): Promise<readonly Verdict[]> {
    return new Promise((done, failed) => {
      this.#queue.push({ ops, texts: ops.map((op) => JSON.stringify(op)), done, failed })
      if (this.#isScheduled) return
      this.#isScheduled = true
      setImmediate(() => {
        this.#isScheduled = false
        this.#pump()
      })
    })
  }

  #pump(): void {
    while (this.#running < this.#parallel && this.#queue.length > 0) {
      this.#running++
      void this.#flush(this.#take())
    }
  }

  #take(): readonly Pending[] {
    let ops = 0
    let chars = 0
    let count = 0
    for (const { texts } of this.#queue) {
      ops += texts.length
      for (const text of texts) chars += text.length
      if (count > 0 && (ops > OPS_MAX || chars > CHARS_MAX)) break
      count++
    }
    return this.#queue.splice(0, count)
  }

  async #flush(batch: readonly Pending[]): Promise<void> {
    try {
      await this.#send(batch)
    } catch (cause) {
      if (batch.length > 1 && this.#isPoison(cause)) {
        for (const pending of batch) await this.#alone(pending)
      } else {
        for (const { failed } of batch) failed(cause)
      }
    }
    this.#running--
    this.#pump()
  }

  async #alone(pending: Pending): Promise<void> {
    try {
      await this.#send([pending])
    } catch (cause) {
      pending.failed(cause)
    }
  }

  async #send(batch: readonly Pending[]): Promise<void> {
    const texts = batch.flatMap((pending) => pending.texts)
    const verdicts = await this.#write(
      batch.flatMap(({ ops }) => ops),
      texts,
    )
    let at = 0
    for (const { ops, done } of batch) {
      done(verdicts.slice(at, at + ops.length))
      at += ops.length
    }
  }
}
