/**
 * What is under way, by number, oldest first as long as numbers grow.
 *
 * A plain object and not a Map: entries come and go with every call, and each time V8 rehashes a Map
 * the old table keeps pointing at its successor, so whole generations survive young collections.
 */
export class Roster<Value> {
  readonly #values: Record<number, Value | undefined> = {}
  #size = 0

  get size(): number {
    return this.#size
  }

  get(id: number): Value | undefined {
    return this.#values[id]
  }

  add(id: number, value: Value): void {
    if (this.#values[id] === undefined) this.#size++
    this.#values[id] = value
  }

  /** True when it was there. */
  remove(id: number): boolean {
    if (this.#values[id] === undefined) return false
    this.#size--
    return delete this.#values[id]
  }

  values(): readonly Value[] {
    return Object.values(this.#values).filter((value) => value !== undefined)
  }
}
