import type { EntryKind, NewEntry } from '../journal.ts'
import type { Fence, Op, Verdict } from '../ops.ts'
import type { World } from '../world.ts'
import { take, type Call } from './calls.ts'
import { fromText } from './value.ts'

/** Commits one op, and keeps trying while the store is away; undefined when it stayed away. */
export type CommitSurely = (op: Op) => Promise<Verdict | undefined>

/** What a line may change beside the journal. */
interface Along {
  readonly delivered: string | null
  readonly waits: string | null
}
const ALONE: Along = { delivered: null, waits: null }

/** Writes the journal of one run: numbered, in order, never back in time. */
export class Pen {
  readonly fence: Fence
  readonly #world: World
  readonly #commit: CommitSurely
  readonly #bytesMax: number
  #bytes: number
  #seq = 0
  #tail: Promise<boolean> | undefined
  #at: number

  constructor(from: {
    readonly world: World
    readonly commit: CommitSurely
    readonly fence: Fence
    readonly bytesMax: number
    readonly bytes: number
    readonly at: number
  }) {
    this.#world = from.world
    this.#commit = from.commit
    this.fence = from.fence
    this.#bytesMax = from.bytesMax
    this.#bytes = from.bytes
    this.#at = from.at
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

  /**
   * Adds a line about a call and takes it into `call` once it is durable. Resolves with false when
   * the run has lost its task.
   */
  write(call: Call, kind: EntryKind, body: string, along = ALONE): Promise<boolean> {
    const entry = this.#line(call, kind, body)
    const op = { op: 'record', ...this.fence, at: entry.at, entries: [entry], ...along } as const
    const written = this.#commit({ ...op, progress: null, status: null })
    const before = this.#tail
    this.#tail = this.#inOrder(written, before, () => {
      take(call, { kind, body: fromText(body), at: entry.at })
    })
    return this.#tail
  }

  /** Shows progress or a sentence. Nobody waits for it, and what was lost is shown the next time. */
  async show(progress: string | null, status: string | null): Promise<void> {
    const op = { op: 'record', ...this.fence, at: this.now(), entries: [], ...ALONE } as const
    await this.#commit({ ...op, progress, status })
  }

  /** Answers may overtake each other on the way; the handler must see them in the order written. */
  async #inOrder(
    written: Promise<Verdict | undefined>,
    before: Promise<boolean> | undefined,
    then: () => void,
  ): Promise<boolean> {
    const verdict = await written
    // Once one line is not known to be written, the handler must not see what came after it.
    if (before && !(await before)) return false
    if (verdict?.accepted !== true) return false
    then()
    return true
  }

  /** Notes an outcome that nobody can use any more. */
  async late(call: Call, body: string): Promise<void> {
    await this.#commit({ op: 'late', ...this.fence, entry: this.#line(call, 'late', body) })
  }

  #line({ call, what, name }: Call, kind: EntryKind, body: string): NewEntry {
    this.#bytes += Buffer.byteLength(body) + name.length
    return { seq: ++this.#seq, at: this.now(), what, kind, call, name, body }
  }
}
