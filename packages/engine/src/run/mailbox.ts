import type { Signal } from '../journal.ts'
import type { OpenWait } from '../task.ts'
import { toWaitsText } from './value.ts'

/** The signals a run knows of and has not delivered, and the waits the task is shown with. */
export class Mailbox {
  readonly #first: readonly Signal[]
  readonly #signals: Signal[]
  /** The ids of all that ever came; most runs never ask. */
  #known: Set<string> | undefined
  #waits: readonly OpenWait[]
  #seen: number

  constructor(signals: readonly Signal[], waits: readonly OpenWait[], seen: number) {
    this.#first = signals
    this.#signals = [...signals]
    this.#waits = waits
    this.#seen = seen
  }

  /** How many signals had come when the run last looked. */
  get seen(): number {
    return this.#seen
  }

  /** Takes out the oldest signal of this name; whoever takes it must record it. */
  take(name: string): Signal | undefined {
    const at = this.#signals.findIndex((signal) => signal.name === name)
    return at === -1 ? undefined : this.#signals.splice(at, 1)[0]
  }

  /** Adds what came meanwhile; returns the names that are waiting now. */
  add(signals: readonly Signal[], seen: number): readonly string[] {
    this.#known ??= new Set(this.#first.map(({ id }) => id))
    for (const signal of signals) {
      if (this.#known.has(signal.id)) continue
      this.#known.add(signal.id)
      this.#signals.push(signal)
    }
    this.#seen = Math.max(this.#seen, seen)
    return this.#signals.map(({ name }) => name)
  }

  /** The shown waits that remain when this one is over, as JSON text. */
  waitsWithout(name: string): string {
    const at = this.#waits.findIndex((wait) => wait.name === name)
    this.#waits = this.#waits.filter((_, index) => index !== at)
    return toWaitsText(this.#waits)
  }
}
