import type { World } from '#base'
import { isDataError, isRolledBack } from '#store'
import { InDoubt } from '../in-doubt.ts'
import type { LedgerWrite } from '../ledger-store.ts'
import { Draft } from './draft.ts'

/** Sends one write, numbered from 1; says which was the last that the store knew before. */
export type Send = (number: number, doc: string) => Promise<number>

interface Pending {
  readonly write: LedgerWrite
  readonly done: () => void
  readonly failed: (cause: unknown) => void
}

/** Writes in one statement at most, and about how long it may be: what comes meanwhile goes with the next. */
const WRITES_MAX = 1_000
const CHARS_MAX = 8_388_608
/** How long a write is tried again before those who wait for it are told that nobody knows. */
const KNOWN_MS = 5_000
const AGAIN_MS = 100

/**
 * All writes of this process, one statement after the other: those that come while one is under way
 * share the next. One whose answer was lost is sent again under its number until it is known to stand
 * (ND-003).
 */
export class WriteQueue {
  readonly #world: World
  readonly #send: Send
  #queue: Pending[] = []
  #number = 0
  #isScheduled = false
  #stopTimer: (() => void) | undefined
  #flushing: Promise<void> | undefined
  /** Nothing is written behind then: what cannot be written must not be promised. */
  #isTroubled = false
  #doubt: { readonly number: number; readonly settle: (stood: boolean) => void } | undefined
  #isOver = false

  constructor(world: World, send: Send) {
    this.#world = world
    this.#send = send
  }

  commit(write: LedgerWrite, withinMs = 0): Promise<void> {
    if (this.#isOver || (withinMs > 0 && this.#isTroubled)) {
      return Promise.reject(new Error('the database does not answer at the moment'))
    }
    return new Promise((done, failed) => {
      this.#queue.push({ write, done, failed })
      this.#schedule(withinMs)
    })
  }

  /** Resolves once all that was handed in is written, or has failed. */
  async settled(): Promise<void> {
    while (this.#queue.length > 0 || this.#flushing) await this.#flush()
  }

  async close(): Promise<void> {
    await this.settled()
    this.#isOver = true
  }

  #schedule(withinMs: number): void {
    if (this.#isScheduled || this.#flushing) return
    if (withinMs > 0) {
      this.#stopTimer ??= this.#world.after(withinMs, () => void this.#flush())
      return
    }
    this.#isScheduled = true
    setImmediate(() => void this.#flush())
  }

  #flush(): Promise<void> {
    this.#isScheduled = false
    this.#stopTimer?.()
    this.#stopTimer = undefined
    this.#flushing ??= this.#flushSome().finally(() => {
      this.#flushing = undefined
      if (this.#queue.length > 0) this.#schedule(0)
    })
    return this.#flushing
  }

  async #flushSome(): Promise<void> {
    const { draft, taken } = this.#take()
    if (taken.length === 0) return
    if (draft.isEmpty) return settle(taken)
    await this.#surely(draft, taken)
  }

  /** The next writes, as one document. */
  #take(): { readonly draft: Draft; readonly taken: readonly Pending[] } {
    const draft = new Draft()
    const taken: Pending[] = []
    for (; taken.length < WRITES_MAX && draft.chars < CHARS_MAX;) {
      const pending = this.#queue.shift()
      if (!pending) break
      const one = new Draft()
      try {
        pending.write(one)
      } catch (cause) {
        pending.failed(cause)
        continue
      }
      draft.take(one)
      taken.push(pending)
    }
    return { draft, taken }
  }

  /** What is in doubt is settled first, so that at most one write ever is. */
  async #makeSure(): Promise<void> {
    if (!this.#doubt) return
    // A number that is taken keeps out every one before it, however late it comes.
    const was = await this.#send(++this.#number, '{}')
    this.#doubt.settle(was >= this.#doubt.number)
    this.#doubt = undefined
    this.#isTroubled = false
  }

  async #surely(draft: Draft, taken: readonly Pending[]): Promise<void> {
    try {
      await this.#makeSure()
    } catch (cause) {
      // Nothing of it was sent.
      fail(taken, cause)
      return
    }
    const text = draft.text()
    const number = ++this.#number
    const until = this.#world.monotonic() + KNOWN_MS
    for (let isInDoubt = false; ;) {
      try {
        await this.#send(number, text)
        this.#isTroubled = false
        settle(taken)
        return
      } catch (cause) {
        if (isDataError(cause)) return this.#apart(taken, cause)
        this.#isTroubled = true
        isInDoubt ||= !isRolledBack(cause)
        // A full disk, or a database that may only be read: it stands nowhere.
        if (!isInDoubt) return fail(taken, cause)
        if (this.#world.monotonic() > until) {
          this.#leaveInDoubt(number, taken, cause)
          return
        }
        await this.#world.wait(AGAIN_MS)
      }
    }
  }

  /** One of them cannot be stored, which its neighbours must not suffer. */
  async #apart(taken: readonly Pending[], cause: unknown): Promise<void> {
    const [first] = taken
    if (taken.length === 1) {
      first?.failed(cause)
      return
    }
    for (const pending of taken) {
      const draft = new Draft()
      pending.write(draft)
      await this.#surely(draft, [pending])
    }
  }

  #leaveInDoubt(number: number, taken: readonly Pending[], cause: unknown): void {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.#doubt = { number, settle: resolve }
    for (const { failed } of taken) failed(new InDoubt(cause, promise))
  }
}

const settle = (taken: readonly Pending[]): void => {
  for (const { done } of taken) done()
}

const fail = (taken: readonly Pending[], cause: unknown): void => {
  for (const { failed } of taken) failed(cause)
}
