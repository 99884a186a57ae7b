import { CST, Lexer } from 'yaml'

export const DEPTH_MAX = 64
const TOKENS_MAX = 300_000

export const TOO_DEEP = { problem: 'nested too deeply', remedy: `at most ${DEPTH_MAX} levels` }

const TOO_MUCH = { problem: 'too much for a configuration', remedy: 'is it the right file?' }

/** How a token changes the depth: inside brackets, or by indicators following on one line. */
const OPENS: ReadonlySet<string> = new Set(['flow-map-start', 'flow-seq-start'])
const CLOSES: ReadonlySet<string> = new Set(['flow-map-end', 'flow-seq-end'])
const RUNS: ReadonlySet<string> = new Set([
  'seq-item-ind',
  'explicit-key-ind',
  'map-value-ind',
  'anchor',
  'tag',
])
/** The lexer marks documents and scalars with tokens that stand for no character of the text. */
const MARKS: ReadonlySet<string> = new Set([CST.DOCUMENT, CST.FLOW_END, CST.SCALAR])

interface Excess {
  readonly at: number
  readonly problem: string
  readonly remedy: string
}

/**
 * The parser's time, memory and stack grow with the nesting, and V8 ends the process when they run
 * out; its lexer does none of this, so it looks first.
 */
export function excessOf(source: string): Excess | undefined {
  let at = 0
  let flow = 0
  let run = 0
  let tokens = 0
  for (const token of new Lexer().lex(source)) {
    const type = CST.tokenType(token) ?? ''
    if (OPENS.has(type)) flow += 1
    else if (CLOSES.has(type)) flow = Math.max(0, flow - 1)
    else if (RUNS.has(type)) run += flow === 0 ? 1 : 0
    else if (type === 'newline') run = 0
    tokens += 1
    if (flow + run > DEPTH_MAX) return { at, ...TOO_DEEP }
    if (tokens > TOKENS_MAX) return { at, ...TOO_MUCH }
    if (!MARKS.has(token)) at += token.length
  }
  return undefined
}
