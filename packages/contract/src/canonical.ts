/** One value, one text: JSON canonicalization (RFC 8785), and the reading that makes it meaningful. */
import canonicalize from 'canonicalize'
import { visit } from 'jsonc-parser'
import type { Json } from './json.ts'

/** The canonical JSON text of a value (RFC 8785). Throws on what JSON cannot say. */
export function canonical(value: unknown): string {
  const text = canonicalize(value)
  if (text === undefined) throw new TypeError('This value has no JSON form.')
  return text
}

/** A place where two readers could understand one JSON text differently. */
export interface Ambiguity {
  readonly offset: number
  readonly why: string
}

/**
 * Finds what would let two parsers read one text differently: duplicate keys and numbers that do
 * not survive a double (RFC 7493, I-JSON). Returns the first of them, or undefined for sound text.
 */
export function findAmbiguity(text: string): Ambiguity | undefined {
  const keys: Set<string>[] = []
  let found: Ambiguity | undefined
  const report = (offset: number, why: string): void => {
    found ??= { offset, why }
  }
  visit(text, {
    onObjectBegin: () => void keys.push(new Set()),
    onObjectEnd: () => void keys.pop(),
    onObjectProperty: (key, offset) => {
      const seen = keys.at(-1)
      if (seen?.has(key)) report(offset, `duplicate key ${JSON.stringify(key)}`)
      seen?.add(key)
    },
    onLiteralValue: (value: Json, offset, length) => {
      if (typeof value !== 'number') return
      const literal = text.slice(offset, offset + length)
      if (!Number.isFinite(value)) report(offset, `number out of range ${literal.slice(0, 40)}`)
      else if (/^-?\d+$/.test(literal) && !Number.isSafeInteger(value)) {
        report(offset, `unsafe integer ${literal}`)
      }
    },
    onError: (_error, offset) => report(offset, 'not JSON'),
  })
  return found
}
