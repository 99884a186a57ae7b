import { textAt, type JsonObject } from '@countersign/contract'
import type { Records } from '#store'

/** An event that a webhook did not take for a day. What it said is in the ledger, at its place. */
export interface DeadLetter {
  readonly webhook: string
  /** Its place in the ledger. */
  readonly event: number
  readonly kind: string
  readonly attempts: number
  readonly problem: string
  /** When it was put aside, in milliseconds since the epoch. */
  readonly at: number
}

export interface DeadLetters {
  readonly add: (letter: DeadLetter) => Promise<void>
  readonly find: (webhook: string, event: number) => Promise<DeadLetter | undefined>
  /** Of one webhook, the oldest event first. */
  readonly list: (webhook: string) => Promise<readonly DeadLetter[]>
  readonly drop: (webhook: string, event: number) => Promise<boolean>
}

const KIND = 'DeadLetter'
/** Kept for each webhook: beyond it the oldest are let go of, which stand in the ledger all the same. */
const KEPT_MAX = 1_000
const PLACE_DIGITS = 16

const idOf = (webhook: string, event: number): string =>
  `${webhook}/${String(event).padStart(PLACE_DIGITS, '0')}`

export function openDeadLetters(records: Records): DeadLetters {
  const list = async (webhook: string): Promise<readonly DeadLetter[]> => {
    const found = await records.list(KIND, { after: `${webhook}/`, limit: KEPT_MAX + 1 })
    return found
      .filter(({ id }) => id.startsWith(`${webhook}/`))
      .map(({ value }) => letterIn(value))
  }
  const drop = (webhook: string, event: number): Promise<boolean> =>
    records.remove(KIND, idOf(webhook, event))
  return {
    list,
    drop,
    add: async (letter) => {
      await records.put(KIND, idOf(letter.webhook, letter.event), { ...letter })
      const [oldest, ...rest] = await list(letter.webhook)
      if (oldest && rest.length >= KEPT_MAX) await drop(letter.webhook, oldest.event)
    },
    find: async (webhook, event) => {
      const saved = await records.get(KIND, idOf(webhook, event))
      return saved && letterIn(saved.value)
    },
  }
}

/** Reads what `add` wrote: only this file writes them. */
const letterIn = (value: JsonObject): DeadLetter => ({
  webhook: textAt(value, 'webhook'),
  event: Number(value['event']),
  kind: textAt(value, 'kind'),
  attempts: Number(value['attempts']),
  problem: textAt(value, 'problem'),
  at: Number(value['at']),
})
