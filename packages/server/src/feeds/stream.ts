import type { World } from '#base'
import { PROGRESS, type Event, type Format } from './event.ts'
import { isKind, isWanted, type Filter } from './filter.ts'
import type { Renderer } from './render.ts'
import type { Tail } from './tail.ts'

/** Whatever carries a stream to one reader. */
export interface Carrier {
  /** False when what was said before has not left yet. */
  readonly write: (text: string) => boolean
  /** Resolves true once there is room again; false after `ms`, or when the reader is gone or `signal` is aborted. */
  readonly room: (ms: number, signal: AbortSignal) => Promise<boolean>
  readonly end: (last: string) => void
  /** Aborted when the reader is gone. */
  readonly gone: AbortSignal
}

export interface Wish {
  readonly format: Format
  readonly filter: Filter
  /** The place after which it begins; undefined: now. */
  readonly after: number | undefined
  /** Who listens; undefined for whoever holds the admin token. */
  readonly who: string | undefined
  /** Whose events alone; undefined for whoever may see all. */
  readonly only: string | undefined
  /** Whether the reader may still listen: its token may end meanwhile. */
  readonly isLetIn: () => boolean
}

export interface StreamLimits {
  /** Streams at one time. */
  readonly streamsMax: number
  /** Of those, of one principal: nobody takes the places of all others. */
  readonly ownMax: number
  /** How long a reader may take no more before it is let go of. */
  readonly slowMs: number
  /** A stream says this often that it is there. */
  readonly beatMs: number
}

export const STREAM_LIMITS: StreamLimits = {
  streamsMax: 100,
  ownMax: 10,
  slowMs: 30_000,
  beatMs: 15_000,
}

export interface StreamRooms {
  readonly world: World
  readonly tail: Tail
  readonly renderer: Renderer
  /** The call that a task carries out. */
  readonly callOf: (task: string) => Promise<string | undefined>
}

/** EV-003, EV-005. One reader of the live stream, from a place in the ledger on. */
export class Stream {
  readonly #rooms: StreamRooms
  readonly #wish: Wish
  readonly #carrier: Carrier
  readonly #limits: StreamLimits
  /** The place up to which everything was looked at. */
  #at = 0
  /** The place the reader was told of last: it resumes after that. */
  #told = 0
  #saidAt = 0
  #isBlocked = false
  #taskCall: string | undefined

  get who(): string | undefined {
    return this.#wish.who
  }

  constructor(rooms: StreamRooms, wish: Wish, carrier: Carrier, limits: StreamLimits) {
    this.#rooms = rooms
    this.#wish = wish
    this.#carrier = carrier
    this.#limits = limits
  }

  /** Runs until the reader is gone, or may listen no longer, or `closing`. */
  async run(closing: AbortSignal): Promise<void> {
    const { tail, callOf } = this.#rooms
    const { after, filter, isLetIn } = this.#wish
    this.#at = after ?? (await tail.head())
    this.#told = this.#at
    if (filter.task !== undefined) this.#taskCall = await callOf(filter.task)
    const signal = AbortSignal.any([closing, this.#carrier.gone])
    // Known from the first byte on: whoever loses the connection now resumes here.
    this.#say(`retry: ${String(RETRY_MS)}\nid: ${String(this.#at)}\n\n`)
    let reason: Ending | undefined
    while (reason === undefined && !signal.aborted) {
      reason = await this.#turn(signal)
      if (!isLetIn()) reason ??= 'expired'
    }
    this.#carrier.end(endText(reason ?? 'closing', this.#told))
  }

  /** How far a task is: told if there is room for it, and to nobody again. */
  async progress(event: Event, owner: string): Promise<void> {
    const { filter, only, format, isLetIn } = this.#wish
    if (this.#isBlocked || !isLetIn() || (only !== undefined && only !== owner)) return
    if (!isKind(filter, event.kind)) return
    const about = { ...(await this.#rooms.renderer.about(event)), principal: owner }
    if (!isWanted(filter, event, about, this.#taskCall) || this.#carrier.gone.aborted) return
    const data = JSON.stringify(this.#rooms.renderer.render(format, event, about))
    this.#say(`event: ${PROGRESS}\ndata: ${data}\n\n`)
  }

  async #turn(signal: AbortSignal): Promise<Ending | undefined> {
    const { tail } = this.#rooms
    if (this.#isBlocked) {
      const hasRoom = await this.#carrier.room(this.#limits.slowMs, signal)
      if (!hasRoom) return signal.aborted ? undefined : 'slow'
      this.#isBlocked = false
    }
    const entries = await tail.after(this.#at)
    for (const entry of entries) {
      if (signal.aborted) return undefined
      await this.#tell(entry)
      this.#at = entry.seq
      if (this.#isBlocked) return undefined
    }
    if (entries.length === 0) await tail.more(this.#at, this.#limits.beatMs, signal)
    if (this.#rooms.world.monotonic() - this.#saidAt >= this.#limits.beatMs) this.#beat()
    return undefined
  }

  async #tell(event: Event & { readonly seq: number }): Promise<void> {
    const { filter, only, format } = this.#wish
    if (!isKind(filter, event.kind)) return
    const { renderer } = this.#rooms
    const about = await renderer.about(event)
    if (only !== undefined && about.principal !== only) return
    if (!isWanted(filter, event, about, this.#taskCall)) return
    const data = JSON.stringify(renderer.render(format, event, about))
    this.#say(`id: ${String(event.seq)}\ndata: ${data}\n\n`)
    this.#told = event.seq
  }

  /** Keeps the connection open, and moves the reader on past what it does not want. */
  #beat(): void {
    this.#say(`: still here\nid: ${String(this.#at)}\n\n`)
    this.#told = this.#at
  }

  #say(text: string): void {
    this.#saidAt = this.#rooms.world.monotonic()
    if (!this.#carrier.write(text)) this.#isBlocked = true
  }
}

type Ending = 'slow' | 'closing' | 'expired'

/** How long a reader waits before it comes back. */
const RETRY_MS = 2_000

const WORDS: Readonly<Record<Ending, string>> = {
  slow: 'Too much had been said and not been read. Come back with this id: nothing is lost.',
  closing: 'Countersign is stopping. Come back with this id.',
  expired: 'The token is over. Come back with a new one and this id.',
}

const endText = (reason: Ending, resume: number): string =>
  `id: ${String(resume)}\nevent: end\ndata: ${JSON.stringify({ reason, message: WORDS[reason], resume })}\n\n`
