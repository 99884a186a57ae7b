/** So many tasks run at once; who finds no place waits, the first one first. */
export class Places {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(places: number) {
    this.#free = places
  }

  /** Takes a place if there is one. */
  take(): boolean {
    if (this.#free <= 0) return false
    this.#free--
    return true
  }

  /** Does something in a place of its own, once there is one. */
  async during(work: () => Promise<void>): Promise<void> {
    if (!this.take()) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
      })
    }
    try {
      await work()
    } finally {
      this.leave()
    }
  }

  /** Gives a place back, to whoever has waited longest. */
  readonly leave = (): void => {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#free++
  }
}
