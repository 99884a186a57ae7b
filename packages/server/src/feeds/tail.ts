import type { Entry } from '#audit'
import type { World } from '#base'

/** The ledger as it grows, read once for all who follow it. */
export interface Tail {
  /** Something is about to be on disk. Costs nothing while nobody waits. */
  readonly grew: () => void
  /** Entries after `seq`, oldest first, at most a page; none when there are none yet. */
  readonly after: (seq: number) => Promise<readonly Entry[]>
  /** The newest place there is; 0 in an empty ledger. */
  readonly head: () => Promise<number>
  /** Resolves when there may be more than `seq`, or after `ms`, or once `signal` is aborted. */
  readonly more: (seq: number, ms: number, signal: AbortSignal) => Promise<void>
  readonly close: () => void
}

export interface TailRooms {
  readonly world: World
  readonly read: (range: {
    readonly after?: number
    readonly last?: number
  }) => Promise<readonly Entry[]>
  readonly onProblem: (cause: unknown) => void
}

/** Entries that come within this long are looked for together: calls go on meanwhile. */
const PACE_MS = 25
/** What other nodes write is looked for this often. */
const LOOK_MS = 1_000
/** The newest entries are kept at hand for all who are up to date: as many as one reading gives. */
const RECENT_MAX = 1_000
/** What nobody looked at for so long is too old to be gone on from. */
const STALE_MS = 10_000

export const openTail = (rooms: TailRooms): Tail => new LedgerTail(rooms)

class LedgerTail implements Tail {
  readonly #rooms: TailRooms
  /** Without a gap, oldest first. */
  #recent: Entry[] = []
  readonly #waiting = new Set<() => void>()
  #stopTimer: (() => void) | undefined
  #isPaced = false
  #looking = false
  /** Something came while it looked. */
  #isWanted = false
  #lookedAt = Number.NEGATIVE_INFINITY
  #isClosed = false

  constructor(rooms: TailRooms) {
    this.#rooms = rooms
  }

  readonly grew = (): void => {
    if (this.#waiting.size === 0 || this.#isPaced) return
    this.#isPaced = true
    this.#schedule(PACE_MS)
  }

  async after(seq: number): Promise<readonly Entry[]> {
    const [first] = this.#recent
    if (first !== undefined && first.seq <= seq + 1) return this.#recent.slice(seq + 1 - first.seq)
    return this.#rooms.read({ after: seq })
  }

  async head(): Promise<number> {
    return (await this.#rooms.read({ last: 1 })).at(-1)?.seq ?? 0
  }

  async more(seq: number, ms: number, signal: AbortSignal): Promise<void> {
    if (this.#isClosed || signal.aborted || (this.#recent.at(-1)?.seq ?? 0) > seq) return
    const { world } = this.#rooms
    const { promise, resolve } = Promise.withResolvers<void>()
    const stop = world.after(ms, resolve)
    const wake = (): void => {
      resolve()
    }
    signal.addEventListener('abort', wake, { once: true })
    this.#waiting.add(wake)
    // What came between the caller's look and now was announced to nobody.
    this.grew()
    await promise
    stop()
    signal.removeEventListener('abort', wake)
    this.#waiting.delete(wake)
    if (this.#waiting.size === 0) this.#rest()
  }

  close(): void {
    this.#isClosed = true
    this.#rest()
    for (const wake of this.#waiting) wake()
  }

  /** Nobody waits: nothing is read. */
  #rest(): void {
    this.#stopTimer?.()
    this.#stopTimer = undefined
    this.#isPaced = false
  }

  #schedule(ms: number): void {
    this.#stopTimer?.()
    if (this.#isClosed) return
    this.#stopTimer = this.#rooms.world.after(ms, () => {
      this.#isPaced = false
      this.#isWanted = this.#looking
      if (!this.#looking) void this.#lookOn()
    })
  }

  async #lookOn(): Promise<void> {
    this.#looking = true
    try {
      while (await this.#look());
    } catch (cause) {
      this.#rooms.onProblem(cause)
    }
    this.#looking = false
    if (this.#waiting.size === 0 || this.#isPaced) return
    this.#schedule(this.#isWanted ? PACE_MS : LOOK_MS)
  }

  /** True when there may be more at once. */
  async #look(): Promise<boolean> {
    const { world, read } = this.#rooms
    const now = world.monotonic()
    if (now - this.#lookedAt > STALE_MS) this.#recent = []
    this.#lookedAt = now
    const newest = this.#recent.at(-1)?.seq
    const found = await read(newest === undefined ? { last: RECENT_MAX } : { after: newest })
    if (found.length === 0) return false
    this.#recent = [...this.#recent, ...found].slice(-RECENT_MAX)
    for (const wake of this.#waiting) wake()
    return newest !== undefined && found.length >= RECENT_MAX
  }
}
