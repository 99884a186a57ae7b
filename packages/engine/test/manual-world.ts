import { Engine, openSqliteStore, type EngineOptions, type World } from '../src/index.ts'

/** A world whose clock only moves when it is told to. */
export class ManualWorld {
  #now = 1_700_000_000_000
  #timers: { readonly at: number; readonly run: () => void }[] = []

  readonly world: World = {
    now: () => this.#now,
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    after: (ms, then) => {
      const timer = { at: this.#now + ms, run: then }
      this.#timers.push(timer)
      return () => {
        this.#timers = this.#timers.filter((other) => other !== timer)
      }
    },
  }

  get now(): number {
    return this.#now
  }

  /** How many timers are armed. */
  get timers(): number {
    return this.#timers.length
  }

  /** Lets everything happen that happens by itself, then moves the clock, timer by timer. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    for (;;) {
      await this.settle()
      const [next] = this.#timers.toSorted((a, b) => a.at - b.at)
      if (!next || next.at > end) break
      this.#timers = this.#timers.filter((other) => other !== next)
      this.#now = Math.max(this.#now, next.at)
      next.run()
    }
    this.#now = end
    await this.settle()
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 60; turn++) {
      await new Promise<void>((resolve) => {
        setImmediate(resolve)
      })
    }
  }
}

/** An engine in a world of its own, over a store in memory. */
export function manualEngine(options: Partial<EngineOptions> = {}): {
  readonly engine: Engine
  readonly clock: ManualWorld
} {
  const clock = new ManualWorld()
  const store = openSqliteStore(':memory:')
  return { engine: new Engine({ store, world: clock.world, ...options }), clock }
}
