import type { World } from '#base'

/** A clock that runs out once, and stands still while a person is being asked. */
export class Deadline {
  readonly #world: World
  readonly #expire: () => void
  #leftMs: number
  #since = 0
  #pauses = 0
  #stop: (() => void) | undefined

  constructor(world: World, ms: number, expire: () => void) {
    this.#world = world
    this.#expire = expire
    this.#leftMs = ms
    this.#run()
  }

  pause(): void {
    if (this.#pauses++ > 0 || !this.#stop) return
    this.#stop()
    this.#stop = undefined
    this.#leftMs -= this.#world.monotonic() - this.#since
  }

  resume(): void {
    if (this.#pauses > 0 && --this.#pauses === 0) this.#run()
  }

  /** Never expires any more. */
  clear(): void {
    this.#stop?.()
    this.#stop = undefined
    this.#pauses = Number.POSITIVE_INFINITY
  }

  #run(): void {
    this.#since = this.#world.monotonic()
    this.#stop = this.#world.after(Math.max(0, this.#leftMs), this.#expire)
  }
}
