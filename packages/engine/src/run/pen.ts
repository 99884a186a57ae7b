import type { EntryKind, NewEntry } from '../journal.ts'
import type { Fence, Op, Verdict } from '../ops.ts'
import { soon, type World } from '../world.ts'
import { take, type Call } from './calls.ts'
import { fromText } from './value.ts'

/** Commits one op, and keeps trying while the store is away; undefined when it stayed away. */
export type CommitSurely = (op: Op) => Promise<Verdict | undefined>

/** What an outcome changes beside the journal. */
export interface Along {
  /** The signal that was delivered by it. */
  readonly delivered?: string
  /** What the task still waits for, as JSON text. */
  readonly waits: string | null
}

/** What is carried by the next op of the run. */
interface Held {
  readonly entries: readonly NewEntry[]
  readonly delivered: readonly string[]
  readonly waits: string | null
}
const NOTHING: Held = { entries: [], delivered: [], waits: null }

/**
 * Writes the journal of one run: numbered, in order, never back in time.
 *
 * Outcomes are held for the next op of the run, which comes at once: what follows an outcome is
 * pure until the next call, and before that call does anything, `settled` has everything on disk.
 */
export class Pen {
  readonly fence: Fence
  readonly #world: World
  readonly #commit: CommitSurely
  readonly #bytesMax: number
  readonly #lost: () => void
  #bytes: number
  #seq = 0
  #at: number
  #held: Held = NOTHING
  #isFlushing = false
  #tail: Promise<boolean> | undefined

  constructor(from: {
    readonly world: World
    readonly commit: CommitSurely
    readonly fence: Fence
    readonly bytesMax: number
    readonly bytes: number
    readonly at: number
    /** Called when the task is somebody else's, or the store stayed away. */
    readonly lost: () => void
  }) {
    this.#world = from.world
    this.#commit = from.commit
    this.fence = from.fence
    this.#bytesMax = from.bytesMax
    this.#bytes = from.bytes
    this.#at = from.at
    this.#lost = from.lost
  }

  /** The time of the next line: the world's, but never before the last one. */
  now(): number {
    this.#at = Math.max(this.#at, this.#world.now())
    return this.#at
  }

  /** True when the journal has grown to its limit: what began may end, and nothing more begins. */
  get isFull(): boolean {
    return this.#bytes > this.#bytesMax
  }

  /** Takes an outcome in, and has it written with whatever this run writes next. */
  hold(call: Call, kind: 'done' | 'threw', body: string, along?: Along): void {
    const entry = this.#line(call, kind, body)
    take(call, { kind, body: fromText(body), at: entry.at })
    const { entries, delivered, waits } = this.#held
    const signal = along?.delivered
    this.#held = {
      entries: [...entries, entry],
      delivered: signal === undefined ? delivered : [...delivered, signal],
      waits: along?.waits ?? waits,
    }
    if (this.#isFlushing) return
    this.#isFlushing = true
    soon(this.#world, () => {
      this.#isFlushing = false
      void this.settled()
    })
  }

  /** Resolves with true once everything so far is durable, and with false when the task is lost. */
  settled(): Promise<boolean> {
    if (this.#held.entries.length > 0) return this.#record([])
    return this.#tail ?? Promise.resolve(true)
  }

  /** Adds a line about a call, and takes it in once it is durable; false when the task is lost. */
  async write(call: Call, kind: EntryKind, body: string): Promise<boolean> {
    const entry = this.#line(call, kind, body)
    const isWritten = await this.#record([entry])
    if (isWritten) take(call, { kind, body: fromText(body), at: entry.at })
    return isWritten
  }

  /** Everything before the last op of the run is durable: gives what that op has to carry. */
  async last(): Promise<Held | undefined> {
    if (this.#tail && !(await this.#tail)) return undefined
    const held = this.#held
    this.#held = NOTHING
    return held
  }

  /** Shows progress or a sentence. Nobody waits for it, and what was lost is shown the next time. */
  async show(progress: string | null, status: string | null): Promise<void> {
    await this.#commit(this.#op(NOTHING, progress, status))
  }

  /** Notes an outcome that nobody can use any more. */
  async late(call: Call, body: string): Promise<void> {
    await this.#commit({ op: 'late', ...this.fence, entry: this.#line(call, 'late', body) })
  }

  /** Notes outcomes that could not be written as such. */
  async tooLate({ entries }: Pick<Held, 'entries'>): Promise<void> {
    for (const entry of entries) {
      if (entry.kind !== 'done' && entry.kind !== 'threw') continue
      const body = `{"kind":"${entry.kind}","value":${entry.body}}`
      await this.#commit({ op: 'late', ...this.fence, entry: { ...entry, kind: 'late', body } })
    }
  }

  #record(more: readonly NewEntry[]): Promise<boolean> {
    const { entries, delivered, waits } = this.#held
    this.#held = NOTHING
    const all = [...entries, ...more]
    const written = this.#commit(this.#op({ entries: all, delivered, waits }, null, null))
    this.#tail = this.#inOrder(written, this.#tail, all)
    return this.#tail
  }

  #op({ entries, delivered, waits }: Held, progress: string | null, status: string | null): Op {
    const at = this.now()
    return { op: 'record', ...this.fence, at, entries, delivered, waits, progress, status }
  }

  /** Answers may overtake each other on the way. After one that failed nothing counts. */
  async #inOrder(
    written: Promise<Verdict | undefined>,
    before: Promise<boolean> | undefined,
    entries: readonly NewEntry[],
  ): Promise<boolean> {
    const verdict = await written
    if (before && !(await before)) return false
    if (verdict?.accepted === true) return true
    this.#lost()
    void this.tooLate({ entries })
    return false
  }

  #line({ call, what, name }: Call, kind: EntryKind, body: string): NewEntry {
    this.#bytes += Buffer.byteLength(body) + name.length
    return { seq: ++this.#seq, at: this.now(), what, kind, call, name, body }
  }
}
