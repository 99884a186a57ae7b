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

/** A copy of an object without some of its keys. */
export function without(value: JsonObject, keys: readonly string[]): JsonObject {
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
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (inString) {
      if (code === BACKSLASH) at++
      else if (code === QUOTE) inString = false
    } else if (code === QUOTE) inString = true
    // [ and {, then ] and }: each pair differs from the other by the 0x20 bit alone.
    else if ((code | 0x20) === 0x7b) {
      if (++depth > depthMax) return true
    } else if ((code | 0x20) === 0x7d) depth--
  }
  return false
}
