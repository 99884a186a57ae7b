import type { QuotaLine } from '@countersign/contract/admin-quota'
import type { Key } from './quota-spec.ts'

/** What one limit says to one call. */
export type Took =
  | {
      readonly kind: 'taken'
      /** The call is over; what did not leave for its server costs nothing. */
      readonly leave: (hasLeft: boolean) => void
    }
  /** In how many milliseconds there may be room again; undefined where nobody knows. */
  | { readonly kind: 'full'; readonly againMs: number | undefined }

/** One limit of a quota: a rate, a budget, or how many at one time. */
export interface Limit {
  /** As in "the limit allows …". */
  readonly words: string
  readonly take: (key: Key) => Took | Promise<Took>
  readonly list: () => Promise<readonly QuotaLine[]>
  /** Forgets what was counted under these keys. */
  readonly reset: (isMeant: (key: Key) => boolean) => Promise<void>
  readonly close: () => Promise<void>
}

/** Counters kept in memory for one limit: what is beyond shares one, so that names cost no memory. */
const COUNTERS_MAX = 100_000
const OTHERS: Key = { principal: '(others)' }
/** To look for idle ones costs a walk over all of them: after one in vain so many calls go by without. */
const SPARED = 1_000

export interface Counter<Value> {
  readonly key: Key
  readonly value: Value
}

/** The counters of one limit, by their keys. */
export class Counters<Value> {
  readonly #all = new Map<string, Counter<Value>>()
  readonly #make: () => Value
  readonly #isIdle: (value: Value) => boolean
  readonly #max: number
  #spared = 0

  /** What is idle is as good as new, and may be forgotten. */
  constructor(make: () => Value, isIdle: (value: Value) => boolean, max = COUNTERS_MAX) {
    this.#make = make
    this.#isIdle = isIdle
    this.#max = max
  }

  of(key: Key): Value {
    return this.at(key).value
  }

  /** With the key that it is counted under. */
  at(key: Key): Counter<Value> {
    const text = JSON.stringify(key)
    const known = this.#all.get(text)
    if (known) return known
    if (this.#all.size >= this.#max && this.#spared-- <= 0) this.#sweep()
    if (this.#all.size >= this.#max && key !== OTHERS) return this.at(OTHERS)
    const made = { key, value: this.#make() }
    this.#all.set(text, made)
    return made
  }

  all(): Iterable<Counter<Value>> {
    return this.#all.values()
  }

  remove(isMeant: (key: Key) => boolean): void {
    for (const [text, { key }] of this.#all) if (isMeant(key)) this.#all.delete(text)
  }

  #sweep(): void {
    for (const [text, { value }] of this.#all) if (this.#isIdle(value)) this.#all.delete(text)
    this.#spared = this.#all.size >= this.#max ? SPARED : 0
  }
}
