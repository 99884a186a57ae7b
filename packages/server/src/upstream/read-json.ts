import { isDeeperThan, parseExactly } from '@countersign/contract'

/** The deepest nesting accepted from a server: far above any real message, far below the stack. */
const DEPTH_MAX = 128

export type Read =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'too-deep' }
  | { readonly kind: 'not-json' }

const TOO_DEEP: Read = { kind: 'too-deep' }
const NOT_JSON: Read = { kind: 'not-json' }

/** Parses what a server sent, after looking at how deep it goes. */
export function readJson(text: string): Read {
  if (isDeeperThan(text, DEPTH_MAX)) return TOO_DEEP
  try {
    return { kind: 'value', value: parseExactly(text) }
  } catch {
    return NOT_JSON
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * The numeric `id` of a message that nests too deep to be parsed, so that its call can be failed at
 * once. Reads only the outermost object; undefined when there is none to be found.
 */
export function idOfDeep(text: string): number | undefined {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      const end = endOfString(text, at)
      if (depth === 1 && text.slice(at, end) === '"id"') {
        const found = /^\s*:\s*(\d{1,15})\s*[,}]/.exec(text.slice(end, end + 64))
        if (found?.[1] !== undefined) return Number(found[1])
      }
      at = end - 1
    } else if ((code | 0x20) === 0x7b) depth++
    else if ((code | 0x20) === 0x7d) depth--
  }
  return undefined
}

/** The offset after the string that begins at `start`. */
export function endOfString(text: string, start: number): number {
  let at = start + 1
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return at + 1
    at += code === BACKSLASH ? 2 : 1
  }
  return text.length
}
