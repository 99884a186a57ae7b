import { endOfString } from './read-json.ts'

/** Where one value stands in a text that is known to be JSON. */
export interface Slice {
  readonly start: number
  readonly end: number
}

/**
 * The places of the elements of the array at `path` (member names from the root), or undefined when
 * there is no array there. The text must have been parsed before.
 */
export function elementsAt(text: string, path: readonly string[]): readonly Slice[] | undefined {
  let at = skipSpace(text, 0)
  for (const name of path) {
    const found =
      text[at] === '{' ? members(text, at).findLast(({ key }) => key === name) : undefined
    if (!found) return undefined
    at = found.start
  }
  return text[at] === '[' ? elements(text, at) : undefined
}

function members(text: string, open: number): readonly (Slice & { readonly key: unknown })[] {
  const found: (Slice & { key: unknown })[] = []
  let at = skipSpace(text, open + 1)
  while (at < text.length && text[at] !== '}') {
    const keyEnd = endOfString(text, at)
    const key: unknown = JSON.parse(text.slice(at, keyEnd))
    const start = skipSpace(text, text.indexOf(':', keyEnd) + 1)
    const end = endOfValue(text, start)
    found.push({ key, start, end })
    at = skipComma(text, end)
  }
  return found
}

function elements(text: string, open: number): readonly Slice[] {
  const found: Slice[] = []
  let at = skipSpace(text, open + 1)
  while (at < text.length && text[at] !== ']') {
    const end = endOfValue(text, at)
    found.push({ start: at, end })
    at = skipComma(text, end)
  }
  return found
}

function endOfValue(text: string, start: number): number {
  const opener = text[start]
  if (opener === '"') return endOfString(text, start)
  if (opener !== '{' && opener !== '[') return endOfBare(text, start)
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const char = text[at]
    if (char === '"') at = endOfString(text, at) - 1
    else if (char === '{' || char === '[') depth++
    else if ((char === '}' || char === ']') && --depth === 0) return at + 1
  }
  return text.length
}

/** Numbers, booleans and null end where anything else begins. */
function endOfBare(text: string, start: number): number {
  let at = start
  while (at < text.length && /[^\s,\]}]/.test(text.charAt(at))) at++
  return at
}

const isSpace = (char: string | undefined): boolean =>
  char === ' ' || char === '\n' || char === '\r' || char === '\t'

function skipSpace(text: string, from: number): number {
  let at = from
  while (isSpace(text[at])) at++
  return at
}

function skipComma(text: string, from: number): number {
  const at = skipSpace(text, from)
  return text[at] === ',' ? skipSpace(text, at + 1) : at
}
