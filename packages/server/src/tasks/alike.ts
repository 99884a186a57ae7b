import type { Engine } from '@countersign/engine'
import type { World } from '#base'
import type { Errand } from './errand.ts'
import { readErrand } from './read-errand.ts'
import { isCall } from './standing.ts'
import { goneOrUnread } from './task-faults.ts'

/** A result that nobody fetched answers the same call for this long; then the call is a new one. */
const UNFETCHED_MS = 10 * 60_000
const LISTED = 100

export interface AlikeRooms {
  readonly world: World
  readonly engine: Engine
}

/** Calls that are open, or whose result may not have been heard, by what makes two the same. */
export class Alike {
  readonly #rooms: AlikeRooms
  readonly #tasks = new Map<string, string>()

  constructor(rooms: AlikeRooms) {
    this.#rooms = rooms
  }

  get isEmpty(): boolean {
    return this.#tasks.size === 0
  }

  find(likeness: string): string | undefined {
    return this.#tasks.get(likeness)
  }

  /** What was over before we ended, and nobody may have heard of: the same call is still the same. */
  async recallUnfetched(): Promise<void> {
    const { engine, world } = this.#rooms
    const since = world.now() - UNFETCHED_MS
    const { tasks } = await engine.list({ states: ['completed', 'failed'], limit: LISTED })
    for (const task of tasks) {
      if (isCall(task) && task.updatedAt > since) this.remember(readErrand(task.input), task.id)
    }
  }

  remember(errand: Errand, id: string): void {
    const { likeness, effect } = errand
    if (likeness === '') return
    this.#tasks.set(likeness, id)
    const forget = async (): Promise<void> => {
      const state = await this.#rooms.engine.finished(id).then((task) => task.state, goneOrUnread)
      // What nobody knows stays open, and the same call, until somebody has settled it.
      if (state === 'unknown') return
      // Who reads again wants to know how it is now; who writes again may not have heard of the first.
      const keptMs = effect === 'read' ? 0 : UNFETCHED_MS
      this.#rooms.world.after(keptMs, () => {
        this.delivered(errand, id)
      })
    }
    void forget()
  }

  /** Its outcome has been told: an equal call is a new one from now on. */
  delivered({ likeness }: Pick<Errand, 'likeness'>, id: string): void {
    if (this.#tasks.get(likeness) === id) this.#tasks.delete(likeness)
  }

  /** No call of this principal is the same as an earlier one. */
  forget(owner: string): void {
    for (const likeness of this.#tasks.keys()) {
      if (likeness.startsWith(`${owner} `)) this.#tasks.delete(likeness)
    }
  }
}
