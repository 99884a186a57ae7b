import type { World } from '../../src/index.ts'
import type { Chance } from './chance.ts'

interface Event {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** Virtual time: what happens next is the earliest event, and chance among equals. */
export class Timeline {
  readonly chance: Chance
  now = 1_000_000
  #events: Event[] = []
  #soon: (() => void)[] = []

  constructor(chance: Chance) {
    this.chance = chance
  }

  after(ms: number, run: () => void): () => void {
    const event = { at: this.now + Math.max(0, ms), order: this.chance.next(), run }
    this.#events.push(event)
    return () => {
      this.#events = this.#events.filter((other) => other !== event)
    }
  }

  soon(run: () => void): void {
    this.#soon.push(run)
  }

  /** Runs events until `isOver`, or until `until`; false when nothing is left to happen. */
  async run(until: number, isOver: () => boolean): Promise<boolean> {
    for (;;) {
      // Promises settle before anything else happens.
      await new Promise<void>((resolve) => {
        setImmediate(resolve)
      })
      if (isOver()) return true
      const run = this.#soon.shift() ?? this.#next(until)
      if (!run) return false
      run()
    }
  }

  #next(until: number): (() => void) | undefined {
    let next: Event | undefined
    for (const event of this.#events) {
      const isSooner = !next || event.at < next.at
      if (isSooner || (event.at === next?.at && event.order < next.order)) next = event
    }
    if (!next || next.at > until) return undefined
    this.#events.splice(this.#events.indexOf(next), 1)
    this.now = Math.max(this.now, next.at)
    return next.run
  }
}

/** The world of one process that can die, and whose clock can jump. */
export class Process {
  readonly #timeline: Timeline
  isAlive = true
  skewMs = 0

  constructor(timeline: Timeline) {
    this.#timeline = timeline
  }

  readonly world: World = {
    now: () => Math.trunc(this.#timeline.now + this.skewMs),
    monotonic: () => this.#timeline.now,
    random: (bytes) => Uint8Array.from({ length: bytes }, () => this.#timeline.chance.below(256)),
    after: (ms, then) => this.#timeline.after(ms, () => this.#live(then)),
    soon: (then) => {
      this.#timeline.soon(() => this.#live(then))
    },
  }

  /** Takes up to `ms`; never ends when the process dies meanwhile. */
  busy(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.world.after(this.#timeline.chance.next() * ms, resolve)
    })
  }

  #live(then: () => void): void {
    if (this.isAlive) then()
  }
}
