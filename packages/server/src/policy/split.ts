/** The text of one policy, and where it starts in its file. */
export interface PolicyText {
  readonly at: number
  readonly text: string
  /** Why it is not given to the parser. */
  readonly excess?: string
}

/**
 * Cedar's parser recurses, and what overflows its stack breaks it for good: so it is never given
 * what nests too deeply or is too long.
 */
const DEPTH_MAX = 40
const TOKENS_MAX = 2_000

const TOKEN = /\s+|\/\/[^\n]*|"(?:[^"\\]|\\[^])*"?|[A-Za-z_]\w*|\d+|[^]/gy
const OPENING = '([{'
const CLOSING = ')]}'

/** Cuts a file into its policies, by the semicolons between them; comments before one are not its. */
export function splitPolicies(source: string): readonly PolicyText[] {
  const found: PolicyText[] = []
  const reading = { start: -1, depth: 0, deepest: 0, tokens: 0, hasHuge: false }
  const end = (at: number): void => {
    const text = source.slice(reading.start, at)
    // From a file it cannot come; from the admin API it can, and the parser would throw.
    const excess = text.isWellFormed() ? excessOf(reading) : 'half of a character'
    found.push({ at: reading.start, text, ...(excess === undefined ? {} : { excess }) })
    Object.assign(reading, { start: -1, depth: 0, deepest: 0, tokens: 0, hasHuge: false })
  }
  for (const { 0: token, index } of source.matchAll(TOKEN)) {
    if (/^\s|^\/\//.test(token)) continue
    if (reading.start < 0) reading.start = index
    reading.tokens++
    if (/^\d/.test(token) && !Number.isSafeInteger(Number(token))) reading.hasHuge = true
    if (OPENING.includes(token)) reading.depth++
    else if (CLOSING.includes(token)) reading.depth = Math.max(0, reading.depth - 1)
    reading.deepest = Math.max(reading.deepest, reading.depth)
    if (token === ';' && reading.depth === 0) end(index + 1)
  }
  if (reading.start >= 0) end(source.length)
  return found
}

interface Reading {
  readonly deepest: number
  readonly tokens: number
  readonly hasHuge: boolean
}

function excessOf({ deepest, tokens, hasHuge }: Reading): string | undefined {
  // What JSON cannot say exactly would be another number in the policy that is asked.
  if (hasHuge) return `a number beyond ${String(Number.MAX_SAFE_INTEGER)}`
  if (deepest > DEPTH_MAX) return `nested more than ${String(DEPTH_MAX)} deep`
  return tokens > TOKENS_MAX ? `longer than ${String(TOKENS_MAX)} words` : undefined
}
