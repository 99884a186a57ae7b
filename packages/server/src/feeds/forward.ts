import type { World } from '#base'
import type { Log } from '#telemetry'
import type { About } from './about.ts'
import type { Event } from './event.ts'
import { isKind, type Filter } from './filter.ts'
import type { Lease } from './lease.ts'
import type { Place, PlaceBook } from './place.ts'
import type { Renderer } from './render.ts'
import type { Tail } from './tail.ts'

/** An entry on its way out, and what it is about. */
export interface Parcel {
  readonly event: Event & { readonly seq: number }
  readonly about: About
}

/** A place outside to which entries go, in the order of the ledger: a webhook, a file. */
export interface Sink {
  readonly name: string
  readonly filter: Filter
  /** Where it begins when it was never told anything. */
  readonly from: 'now' | 'start'
  /** How many are handed over at one time. */
  readonly batchMax: number
  /** The place is written down this often while all goes well: a crash repeats no more than that. */
  readonly keepMs: number
  /** Looks where it really stands; called each time this node takes over. */
  readonly begin: (place: number) => Promise<number>
  /** Hands them over. `keep` writes down what came of trying; it rejects when this is not the holder. */
  readonly take: (
    parcels: readonly Parcel[],
    before: Place,
    keep: (place: Place) => Promise<void>,
    signal: AbortSignal,
  ) => Promise<void>
  readonly close: () => Promise<void>
}

export interface ForwardRooms {
  readonly world: World
  readonly log: Log
  readonly tail: Tail
  readonly renderer: Renderer
  readonly lease: Lease
  readonly place: PlaceBook
}

/** What goes to one sink: it reads the ledger in its own time, and slows nothing. */
export interface Forwarder {
  readonly start: () => void
  /** The place up to which it has told; undefined where another node does it. */
  readonly at: () => number | undefined
  readonly close: () => Promise<void>
}

/** After a failure that is none of the receiver's: of the store, of the disk. */
const AGAIN_MS = 2_000
/** A disk that is full for days is one line now and then. */
const SAID_EVERY_MS = 60_000
/** How long it waits for news at one time. */
const IDLE_MS = 15_000
export function makeForwarder(rooms: ForwardRooms, sink: Sink): Forwarder {
  const { world, log, lease } = rooms
  const closing = new AbortController()
  const state: { at: number | undefined } = { at: undefined }
  let said = ''
  let saidAt = 0
  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      try {
        await lease.during(closing.signal, (signal) => forward(rooms, sink, state, signal))
        state.at = undefined
      } catch (cause) {
        // It is still this node's, and behind: that has to be seen.
        if (cause instanceof NotHolder) state.at = undefined
        if (String(cause) !== said || world.monotonic() - saidAt >= SAID_EVERY_MS) {
          log.warn({ sink: sink.name, cause: String(cause) }, 'events cannot be handed on')
          said = String(cause)
          saidAt = world.monotonic()
        }
      }
      await world.wait(AGAIN_MS, closing.signal).catch(() => undefined)
    }
  }
  let running: Promise<void> | undefined
  return {
    start: () => {
      running ??= run()
    },
    at: () => state.at,
    close: async () => {
      closing.abort()
      await running
      await sink.close()
    },
  }
}

class NotHolder extends Error {}

/** Hands on from where it stands, as long as this node may. */
async function forward(
  rooms: ForwardRooms,
  sink: Sink,
  state: { at: number | undefined },
  signal: AbortSignal,
): Promise<void> {
  const { tail } = rooms
  const way = await Way.open(rooms, sink, state)
  while (!signal.aborted) {
    const entries = await tail.after(way.at)
    if (entries.length === 0) {
      await way.keep()
      await tail.more(way.at, IDLE_MS, signal)
    }
    for (const batch of batchesOf(entries, sink)) {
      await way.take(batch, signal)
      if (signal.aborted) break
    }
  }
  await way.keep()
}

/** The place of one sink while this node holds it: in memory, and now and then written down. */
class Way {
  readonly #rooms: ForwardRooms
  readonly #sink: Sink
  readonly #state: { at: number | undefined }
  /** As it is written down. */
  #kept: Place
  #keptAt: number
  at: number

  static async open(
    rooms: ForwardRooms,
    sink: Sink,
    state: { at: number | undefined },
  ): Promise<Way> {
    const known = await rooms.place.read()
    const at = known?.at ?? (sink.from === 'start' ? 0 : await rooms.tail.head())
    state.at = at
    const begin = await sink.begin(at)
    const way = new Way(rooms, sink, state, known ?? { at, ...FRESH })
    // What is new begins now, and has to know that after a crash.
    if (!known || begin !== at) await way.#keep({ at: begin, ...FRESH })
    way.at = begin
    state.at = begin
    return way
  }

  constructor(rooms: ForwardRooms, sink: Sink, state: { at: number | undefined }, kept: Place) {
    this.#rooms = rooms
    this.#sink = sink
    this.#state = state
    this.#kept = kept
    this.#keptAt = rooms.world.monotonic()
    this.at = kept.at
  }

  async take({ wanted, to }: Batch, signal: AbortSignal): Promise<void> {
    if (wanted.length > 0) {
      const { renderer } = this.#rooms
      const parcels = await Promise.all(
        wanted.map(async (event) => ({ event, about: await renderer.about(event) })),
      )
      const before = { ...this.#kept, at: this.at }
      await this.#sink.take(parcels, before, (place) => this.#keep(place), signal)
      if (signal.aborted) return
    }
    this.at = to
    this.#state.at = to
    const isDue = this.#rooms.world.monotonic() - this.#keptAt >= this.#sink.keepMs
    if (isDue || this.#kept.attempts > 0) await this.keep()
  }

  async keep(): Promise<void> {
    if (this.at !== this.#kept.at) await this.#keep({ at: this.at, ...FRESH })
  }

  async #keep(place: Place): Promise<void> {
    if (!(await this.#rooms.place.move(place))) throw new NotHolder('another node has taken over')
    this.#kept = place
    this.#keptAt = this.#rooms.world.monotonic()
  }
}

const FRESH = { attempts: 0, nextAt: 0 }

interface Batch {
  readonly wanted: readonly (Event & { readonly seq: number })[]
  /** The place after it, with whatever nobody wants behind its last. */
  readonly to: number
}

function* batchesOf(
  entries: readonly (Event & { readonly seq: number })[],
  { filter, batchMax }: Sink,
): Generator<Batch> {
  let wanted: (Event & { readonly seq: number })[] = []
  for (const [index, entry] of entries.entries()) {
    if (isKind(filter, entry.kind)) wanted.push(entry)
    const isLast = index === entries.length - 1
    if (wanted.length < batchMax && !isLast) continue
    yield { wanted, to: entry.seq }
    wanted = []
  }
}
