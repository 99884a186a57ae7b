import { soon, type World } from '../world.ts'

/** Lets things happen one per turn of the event loop, the first one at once. */
export class Turns {
  readonly #world: World
  #waiting: (() => void)[] | undefined

  constructor(world: World) {
    this.#world = world
  }

  /** Runs `then` in a turn of its own. When nothing else can want one, `isAlone` saves the turn. */
  take(then: () => void, isAlone: boolean): void {
    if (this.#waiting) {
      this.#waiting.push(then)
      return
    }
    if (!isAlone) {
      this.#waiting = []
      soon(this.#world, () => {
        this.#next()
      })
    }
    then()
  }

  #next(): void {
    const then = this.#waiting?.shift()
    if (!then) {
      this.#waiting = undefined
      return
    }
    soon(this.#world, () => {
      this.#next()
    })
    then()
  }
}
