import { soon, type World } from '../world.ts'

/**
 * Gives outcomes back in the order in which they once came, one per turn of the event loop, so that
 * a handler with parallel calls takes the same path again. What is new waits until all is replayed.
 */
export class Replay {
  readonly #world: World
  readonly #order: readonly number[]
  readonly #asked = new Map<number, () => void>()
  #held: (() => void)[] = []
  #cursor = 0
  #isPumping = false

  constructor(world: World, order: readonly number[]) {
    this.#world = world
    this.#order = order
  }

  get isOver(): boolean {
    return this.#cursor === this.#order.length
  }

  /** The call whose outcome comes next; undefined at the end. */
  get next(): number | undefined {
    return this.#order[this.#cursor]
  }

  /** The first call that is recorded and that the handler has not asked for. */
  get missing(): number | undefined {
    return this.#order.slice(this.#cursor).find((call) => !this.#asked.has(call))
  }

  /** True when new calls wait for an outcome that the handler does not ask for. */
  get isStuck(): boolean {
    const next = this.next
    return next !== undefined && this.#held.length > 0 && !this.#asked.has(next)
  }

  /** Runs `then` when it is this call's turn. */
  ask(call: number, then: () => void): void {
    this.#asked.set(call, then)
    this.#pump()
  }

  /** Runs `then` once everything recorded has been given back. */
  whenOver(then: () => void): void {
    if (this.isOver && !this.#isPumping) then()
    else this.#held.push(then)
  }

  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    soon(this.#world, () => {
      this.#isPumping = false
      this.#turn()
    })
  }

  #turn(): void {
    const next = this.next
    if (next === undefined) {
      const held = this.#held
      this.#held = []
      for (const then of held) then()
      return
    }
    const then = this.#asked.get(next)
    if (!then) return
    this.#asked.delete(next)
    this.#cursor++
    then()
    this.#pump()
  }
}
