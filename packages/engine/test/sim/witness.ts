/** Sees what really happened outside, and how often it was allowed to. */
export class Witness {
  /** Dispatches by task and name. */
  readonly counts = new Map<string, number>()
  readonly #onTheirWay = new Map<string, { isVoid: boolean }[]>()
  /** Undone steps by task, in the order in which that began. */
  readonly undone = new Map<string, string[]>()

  /** A request sets out; the returned function is its arrival. */
  setOut(task: string, name: string): () => void {
    const key = `${task} ${name}`
    const request = { isVoid: false }
    this.#onTheirWay.set(key, [...(this.#onTheirWay.get(key) ?? []), request])
    return () => {
      if (!request.isVoid) this.counts.set(key, (this.counts.get(key) ?? 0) + 1)
    }
  }

  /**
   * Whoever says that an effect did not happen makes sure that it cannot happen any more: of a
   * request that is still on its way, nobody else can know.
   */
  denies(task: string, name: string): boolean {
    if (this.did(task, name)) return false
    for (const request of this.#onTheirWay.get(`${task} ${name}`) ?? []) request.isVoid = true
    return true
  }

  did(task: string, name: string): boolean {
    return (this.counts.get(`${task} ${name}`) ?? 0) > 0
  }

  undo(task: string, name: string): void {
    const list = this.undone.get(task) ?? []
    this.undone.set(task, list)
    list.push(name)
  }

  /** Effects that happened more often than once. */
  breaches(): readonly string[] {
    return [...this.counts].flatMap(([key, count]) =>
      count > 1 ? [`${key} happened ${String(count)} times`] : [],
    )
  }
}
