/** One line of the ledger, and what of it is hashed. */
import { canonical } from '../canonical.ts'
import { isObject, type JsonObject } from '../json.ts'
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

const FIELDS = new Set(['at', 'kind', 'call', 'body'])

/** Nothing but an entry: what it holds beside that would be signed by nobody. */
export function isEntry(value: unknown): value is LedgerEntry & JsonObject {
  if (!isObject(value) || Object.keys(value).some((key) => !FIELDS.has(key))) return false
  const { at, kind, call, body } = value
  return (
    Number.isSafeInteger(at) &&
    typeof kind === 'string' &&
    (call === undefined || typeof call === 'string') &&
    isObject(body)
  )
}
