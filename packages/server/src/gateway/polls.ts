import { Fault } from '@countersign/contract'
import type { World } from '#base'

/** Callers remembered; past it the quiet ones are forgotten, and may ask as if they were new. */
const CALLERS_MAX = 10_000

/** How often each principal may ask about tasks: a bucket that fills again by the second (TL-027). */
export class Polls {
  readonly #world: World
  readonly #perSecond: number
  readonly #buckets = new Map<string, { left: number; at: number }>()

  constructor(world: World, perSecond: number) {
    this.#world = world
    this.#perSecond = perSecond
  }

  /** @throws Fault `task/busy` when the principal asks too often. */
  take(principal: string): void {
    const now = this.#world.monotonic()
    const { left, at } = this.#buckets.get(principal) ?? { left: this.#perSecond, at: now }
    const filled = Math.min(this.#perSecond, left + ((now - at) / 1_000) * this.#perSecond)
    if (filled < 1) {
      throw new Fault(
        'task/busy',
        'You ask about tasks too often. Ask no sooner than the poll interval of the task says.',
      )
    }
    if (this.#buckets.size >= CALLERS_MAX) this.#buckets.clear()
    this.#buckets.set(principal, { left: filled - 1, at: now })
  }
}
