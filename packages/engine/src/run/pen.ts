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

/** What the next op of the run writes. */
interface Held {
  readonly entries: readonly NewEntry[]
  readonly delivered: readonly string[]
  readonly waits: string | null
  readonly progress: string | null
  readonly status: string | null
}
const NOTHING: Held = { entries: [], delivered: [], waits: null, progress: null, status: null }

/**
 * Writes the journal of one run: numbered, in order, never back in time.
 *
 * One op is under way at a time, and what comes meanwhile goes with the next: a line is never on
 * disk without every line before it, whichever answers are lost and whenever the process dies.
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
  #hasShown = false
  /** The op that will take what is held, once the one before it is done. */
  #next: Promise<boolean> | undefined
  #tail: Promise<boolean> = Promise.resolve(true)

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

  /** True when progress or a sentence was ever shown. */
  get hasShown(): boolean {
    return this.#hasShown
  }

  /** Takes an outcome in, and has it written with whatever this run writes next. */
  hold(call: Call, kind: 'done' | 'threw', body: string, along?: Along): void {
    const entry = this.#line(call, kind, body)
    take(call, { kind, body: fromText(body), at: entry.at })
    this.#add(entry, along)
    this.#flushSoon()
  }

  /** Resolves with true once everything so far is durable, and with false when the task is lost. */
  settled(): Promise<boolean> {
    return this.#held.entries.length > 0 ? this.#flush() : (this.#next ?? this.#tail)
  }

  /** Adds a line about a call, and takes it in once it is durable; false when the task is lost. */
  async write(call: Call, kind: EntryKind, body: string): Promise<boolean> {
    const entry = this.#line(call, kind, body)
    this.#add(entry)
    const isWritten = await this.#flush()
    if (isWritten) take(call, { kind, body: fromText(body), at: entry.at })
    return isWritten
  }

  /** Everything before the last op of the run is durable: gives what that op has to carry. */
  async last(): Promise<Held | undefined> {
    // What is shown has no place in the last op.
    const isShown = (): boolean => this.#held.progress !== null || this.#held.status !== null
    do if (!(await (isShown() ? this.#flush() : (this.#next ?? this.#tail)))) return undefined
    while (this.#next || isShown())
    return this.#takeHeld()
  }

  /** Shows progress or a sentence. Nobody waits for it; the latest goes with the next op. */
  show(progress: string | null, status: string | null): void {
    this.#hasShown = true
    const { progress: before, status: said } = this.#held
    this.#held = { ...this.#held, progress: progress ?? before, status: status ?? said }
    this.#flushSoon()
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

  #add(entry: NewEntry, along?: Along): void {
    const { entries, delivered, waits } = this.#held
    const signal = along?.delivered
    this.#held = {
      ...this.#held,
      entries: [...entries, entry],
      delivered: signal === undefined ? delivered : [...delivered, signal],
      waits: along?.waits ?? waits,
    }
  }

  #takeHeld(): Held {
    const held = this.#held
    this.#held = NOTHING
    return held
  }

  #flushSoon(): void {
    if (this.#isFlushing) return
    this.#isFlushing = true
    soon(this.#world, () => {
      this.#isFlushing = false
      if (this.#held !== NOTHING) void this.#flush()
    })
  }

  #flush(): Promise<boolean> {
    this.#next ??= this.#send()
    return this.#next
  }

  async #send(): Promise<boolean> {
    // Whoever writes before the op under way is done, or in this very turn, shares this one.
    const isHeld = await this.#tail
    this.#tail = this.#next ?? this.#tail
    this.#next = undefined
    const held = this.#takeHeld()
    if (isHeld && (await this.#commit(this.#op(held)))?.accepted === true) return true
    this.#lost()
    void this.tooLate(held)
    return false
  }

  #op(held: Held): Op {
    return { op: 'record', ...this.fence, at: this.now(), ...held }
  }

  #line({ call, what, name }: Call, kind: EntryKind, body: string): NewEntry {
    this.#bytes += Buffer.byteLength(body) + name.length
    return { seq: ++this.#seq, at: this.now(), what, kind, call, name, body }
  }
}
