import type { Json } from '../json.ts'

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a]

/**
 * Whether a text of JSON, which was read as this value, has a member twice: one reader believes the
 * first and another the last, so whoever looks at the text sees what nobody has signed (RFC 8259 §4).
 */
export const isDoubled = (text: string, value: Json): boolean => colonsIn(text) > membersOf(value)

/** One for each member that is written: those inside of strings are not counted. */
function colonsIn(text: string): number {
  let count = 0
  let isInside = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) isInside = !isInside
    else if (isInside && code === BACKSLASH) at++
    else if (!isInside && code === COLON) count++
  }
  return count
}

/** However deep it is: no function calls itself here. */
function membersOf(value: Json): number {
  let count = 0
  const left: Json[] = [value]
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    if (typeof one !== 'object' || one === null) continue
    const parts = Object.values(one)
    if (!Array.isArray(one)) count += parts.length
    for (const part of parts) if (part !== undefined) left.push(part)
  }
  return count
}
