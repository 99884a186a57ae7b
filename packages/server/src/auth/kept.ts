import type { World } from '#base'

/** How long something fetched is used. */
export interface KeptTimes {
  /** It is as good as new. */
  readonly freshMs: number
  /** It is used still, while it cannot be fetched anew. */
  readonly staleMs: number
  /** Between two attempts, whatever is asked for: an unknown key must not become a flood of requests. */
  readonly pauseMs: number
}

/** Without anything to go on with, it is tried again sooner. */
const FIRST_PAUSE_MS = 1_000
const PATIENCE_MS = 2_000

/** Something fetched from elsewhere and kept: fetched by one, waited for by all. */
export class Kept<Value> {
  readonly #world: World
  readonly #load: () => Promise<Value>
  readonly #times: KeptTimes
  #value: { readonly is: Value; readonly at: number } | undefined
  #loading: Promise<Value> | undefined
  #attemptedAt = Number.NEGATIVE_INFINITY
  #problem: unknown

  constructor(world: World, times: KeptTimes, load: () => Promise<Value>) {
    this.#world = world
    this.#times = times
    this.#load = load
  }

  /** What is kept, fetched anew when it is no longer fresh. Rejects when there is nothing usable. */
  async get(): Promise<Value> {
    const kept = this.#value
    const age = kept ? this.#world.monotonic() - kept.at : Infinity
    if (kept && age < this.#times.freshMs) return kept.is
    const renewed = this.renew()
    if (!kept || age >= this.#times.staleMs) return renewed
    return Promise.race([renewed.catch(() => kept.is), this.#patience(kept.is)])
  }

  /** Who hangs holds nobody up for whom there is something usable. */
  #patience(instead: Value): Promise<Value> {
    return new Promise((resolve) => {
      this.#world.after(PATIENCE_MS, () => {
        resolve(instead)
      })
    })
  }

  /** Fetches anew, unless that was tried a moment ago: then it is as `get` would find it. */
  async renew(): Promise<Value> {
    if (this.#loading) return this.#loading
    const pauseMs = this.#value ? this.#times.pauseMs : FIRST_PAUSE_MS
    if (this.#world.monotonic() - this.#attemptedAt < pauseMs) {
      if (this.#value && this.#problem === undefined) return this.#value.is
      throw this.#problem
    }
    this.#attemptedAt = this.#world.monotonic()
    this.#loading = this.#loadAnew().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  async #loadAnew(): Promise<Value> {
    try {
      const is = await this.#load()
      this.#value = { is, at: this.#world.monotonic() }
      this.#problem = undefined
      return is
    } catch (thrown) {
      this.#problem = thrown
      throw thrown
    }
  }
}
