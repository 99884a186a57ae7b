/** JSON as data: the types every wall speaks, and the two questions asked of untrusted values. */

export type Json = string | number | boolean | null | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json | undefined
}

/** True for a plain JSON object: not null, not an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Reads an own property only, so that names such as `constructor` or `__proto__` never match. */
export function own(value: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(value, key) ? value[key] : undefined
}

/** A text at a key, or the empty string for whatever else is there. */
export function textAt(value: JsonObject, key: string): string {
  const text = own(value, key)
  return typeof text === 'string' ? text : ''
}

/** An object without some of its keys: the same one when it has none of them. */
export function without(value: JsonObject, keys: readonly string[]): JsonObject {
  if (!keys.some((key) => Object.hasOwn(value, key))) return value
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)))
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * True when brackets nest deeper than `depthMax` in JSON text. Looks at the bytes, before parsing:
 * a value that is too deep would overflow the stack of whatever walks it later.
 */
export function isDeeperThan(text: string, depthMax: number): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfString(text, at)
    // [ and {, then ] and }: each pair differs from the other by the 0x20 bit alone.
    else if ((code | 0x20) === 0x7b) {
      if (++depth > depthMax) return true
    } else if ((code | 0x20) === 0x7d) depth--
  }
  return false
}

/** Where the string that opens at `from` closes; the end of the text if it never does. */
function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let first = end
    while (text.charCodeAt(first - 1) === BACKSLASH) first--
    // An even run of backslashes escapes itself and leaves the quote a quote.
    if ((end - first) % 2 === 0) return end
  }
  return text.length
}
