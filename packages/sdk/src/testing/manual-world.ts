/** A world whose clock stands still until it is moved. */
import { systemWorld, type World } from '@countersign/engine'

/** Where time begins, in milliseconds since the epoch: the same in every test. */
const BEGIN = 1_767_225_600_000

interface Timer {
  readonly at: number
  readonly run: () => void
}

export class ManualWorld {
  #now: number
  #timers = new Set<Timer>()

  constructor(now = BEGIN) {
    this.#now = now
  }

  get now(): number {
    return this.#now
  }

  readonly world: World = {
    now: () => this.#now,
    random: systemWorld.random,
    after: (ms, then) => {
      const timer = { at: this.#now + ms, run: then }
      this.#timers.add(timer)
      return () => {
        this.#timers.delete(timer)
      }
    },
  }

  /** Moves the clock, and runs once what has come due. */
  moveTo(now: number): void {
    this.#now = Math.max(this.#now, now)
    const due = [...this.#timers].filter(({ at }) => at <= this.#now)
    for (const timer of due.toSorted((a, b) => a.at - b.at)) {
      if (this.#timers.delete(timer)) timer.run()
    }
  }

  /** Forgets every timer: what they were for is dead. */
  stop(): void {
    this.#timers.clear()
  }
}
