/** One line of the ledger, and what of it is hashed. */
import { canonical } from '../canonical.ts'
import type { JsonObject } from '../json.ts'
import { leafHash, type Hash } from './merkle.ts'

/** Its place is not part of it: the tree says which one it is. */
export interface LedgerEntry {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly kind: string
  readonly call?: string
  readonly body: JsonObject
}

const utf8 = new TextEncoder()

/** The bytes of a leaf: the canonical JSON of the entry (RFC 8785). */
export const entryText = ({ at, kind, call, body }: LedgerEntry): string =>
  canonical({ at, kind, ...(call === undefined ? {} : { call }), body })

export const entryLeaf = (entry: LedgerEntry): Hash => leafHash(utf8.encode(entryText(entry)))
