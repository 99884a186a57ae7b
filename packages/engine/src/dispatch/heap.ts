/** Ids ordered by time, each at most once: a later mention counts only when it is sooner. */
export class Heap {
  readonly #ids: string[] = []
  readonly #times: number[] = []
  readonly #known = new Map<string, number>()

  get size(): number {
    return this.#ids.length
  }

  /** The earliest time, or undefined when empty. */
  get first(): number | undefined {
    return this.#times[0]
  }

  add(id: string, at: number): void {
    const known = this.#known.get(id)
    if (known !== undefined && known <= at) return
    this.#known.set(id, at)
    let place = this.#ids.length
    while (place > 0) {
      const above = (place - 1) >> 1
      if ((this.#times[above] ?? 0) <= at) break
      this.#move(above, place)
      place = above
    }
    this.#ids[place] = id
    this.#times[place] = at
  }

  /** Takes out one that is due at `now`. */
  take(now: number): string | undefined {
    for (;;) {
      const at = this.#times[0]
      const id = this.#ids[0]
      if (at === undefined || id === undefined || at > now) return undefined
      this.#removeFirst()
      // One that was mentioned again for an earlier time has left its later place behind.
      if (this.#known.get(id) !== at) continue
      this.#known.delete(id)
      return id
    }
  }

  #removeFirst(): void {
    const id = this.#ids.pop()
    const at = this.#times.pop()
    const size = this.#ids.length
    if (id === undefined || at === undefined || size === 0) return
    let place = 0
    for (;;) {
      const left = place * 2 + 1
      if (left >= size) break
      const isRight = left + 1 < size && (this.#times[left + 1] ?? 0) < (this.#times[left] ?? 0)
      const below = isRight ? left + 1 : left
      if ((this.#times[below] ?? 0) >= at) break
      this.#move(below, place)
      place = below
    }
    this.#ids[place] = id
    this.#times[place] = at
  }

  #move(from: number, to: number): void {
    this.#ids[to] = this.#ids[from] ?? ''
    this.#times[to] = this.#times[from] ?? 0
  }
}
