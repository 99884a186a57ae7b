import type { Json } from '@countersign/contract'
import type { OpenWait } from '../task.ts'
import { later, type World } from '../world.ts'
import type { Call } from './calls.ts'

/** What a call waits for; all absent means: for ever. */
export interface ParkFor {
  /** Milliseconds since the epoch. */
  readonly until?: number | undefined
  readonly signal?: string
  /** Listed with the task, for whoever can answer. */
  readonly ask?: Json
  /** The attempt whose outcome is unknown: only a person ends this wait. */
  readonly unknown?: Call
}

interface Parked {
  readonly wait: ParkFor
  readonly go: () => void
  disarm: (() => void) | undefined
}

/** The calls of one run that wait without doing anything. */
export class Parking {
  readonly #parked = new Set<Parked>()

  get size(): number {
    return this.#parked.size
  }

  /** Parks a call; `go` runs once, when something it waits for may have come. */
  add(wait: ParkFor, go: () => void): void {
    this.#parked.add({ wait, go, disarm: undefined })
  }

  /** While something else runs, timers are in memory. */
  arm(world: World): void {
    for (const parked of this.#parked) {
      const { until } = parked.wait
      if (until === undefined || parked.disarm) continue
      parked.disarm = later(world, Math.max(0, until - world.now()), () => {
        this.#go(parked)
      })
    }
  }

  /** Wakes those who wait for one of these signals. */
  wake(names: readonly string[]): void {
    for (const parked of this.#parked) {
      if (names.includes(parked.wait.signal ?? '')) this.#go(parked)
    }
  }

  clear(): void {
    for (const { disarm } of this.#parked) disarm?.()
    this.#parked.clear()
  }

  get unknown(): Call | undefined {
    for (const { wait } of this.#parked) if (wait.unknown) return wait.unknown
    return undefined
  }

  /** The earliest time anything waits for; undefined when only signals can wake it. */
  dueAt(limit: number | undefined): number | undefined {
    let least = limit
    for (const { wait } of this.#parked) {
      if (wait.until !== undefined) least = Math.min(least ?? wait.until, wait.until)
    }
    return least
  }

  /** The waits that somebody is asked to answer. */
  waits(): readonly OpenWait[] {
    return [...this.#parked].flatMap(({ wait: { signal, ask } }) =>
      signal === undefined || ask === undefined ? [] : [{ name: signal, ask }],
    )
  }

  #go(parked: Parked): void {
    if (!this.#parked.delete(parked)) return
    parked.disarm?.()
    parked.go()
  }
}
