import type { JsonObject } from '@countersign/contract'

/**
 * What others are told: an entry of the ledger, or, without a `seq`, how far a task is, which is no
 * entry and is told once or never.
 */
export interface Event {
  /** Its place in the ledger, which is the cursor of whoever is told. */
  readonly seq: number | undefined
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly kind: string
  readonly call: string | undefined
  readonly body: JsonObject
}

export const FORMATS = ['countersign', 'cloudevents', 'ocsf'] as const
export type Format = (typeof FORMATS)[number]

/** How far a task is. Told to streams alone. */
export const PROGRESS = 'task.progress'
