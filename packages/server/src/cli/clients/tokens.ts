import { literal } from '#config'
import type { Place, Style } from './client.ts'

/** A client's text in our notation, and the variables that nobody but a person can fill in. */
export interface Rewritten {
  readonly text: string
  readonly asked: readonly string[]
}

const TOKEN = /\$\{[^{}]*\}|\{(?:env|file):[^{}]*\}|\$[A-Za-z_][A-Za-z0-9_]*/g
const BRACES = /^\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^{}]*)?\}$/
const EDITOR = /^\$\{(env|input):([^{}]+)\}$/
const CURLY = /^\{(env|file):([^{}]*)\}$/
const DOLLAR = /^\$([A-Za-z_][A-Za-z0-9_]*)$/

/** Variables stay variables: what they hold is never copied into our file. */
export function rewrite(text: string, styles: readonly Style[], place: Place): Rewritten {
  const asked: string[] = []
  const ask = (about: string): string => {
    const name = variableName(about)
    asked.push(name)
    return `\${${name}}`
  }
  let result = ''
  let from = 0
  for (const token of text.matchAll(TOKEN)) {
    const ours = rewriteToken(token[0], styles, place, ask)
    result += literal(text.slice(from, token.index)) + (ours ?? literal(token[0]))
    from = token.index + token[0].length
  }
  return { text: result + literal(text.slice(from)), asked }
}

type Ask = (about: string) => string

function rewriteToken(
  token: string,
  styles: readonly Style[],
  place: Place,
  ask: Ask,
): string | undefined {
  for (const style of styles) {
    const ours = READERS[style](token, place, ask)
    if (ours !== undefined) return ours
  }
  return undefined
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

const READERS: Readonly<
  Record<Style, (token: string, place: Place, ask: Ask) => string | undefined>
> = {
  braces: (token) => (BRACES.test(token) ? token : undefined),
  dollar: (token) => {
    const name = DOLLAR.exec(token)?.[1]
    return name === undefined ? undefined : `\${${name}}`
  },
  curly: (token, _place, ask) => {
    const [, kind, name = ''] = CURLY.exec(token) ?? []
    if (kind === 'file') return ask(name)
    return kind === 'env' && NAME.test(name) ? `\${${name}:-}` : undefined
  },
  editor: (token, place, ask) => {
    if (token === '${userHome}') return literal(place.home)
    if (token === '${workspaceFolder}') return literal(place.cwd)
    const [, kind, name = ''] = EDITOR.exec(token) ?? []
    if (kind === 'input') return ask(name)
    return kind === 'env' && NAME.test(name) ? `\${${name}}` : undefined
  },
}

/** A name for a variable from whatever it is about: `github.api-key` → `GITHUB_API_KEY`. */
export function variableName(about: string): string {
  const name = about
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
  return /^[A-Z]/.test(name) ? name.slice(0, 64) : `VALUE_${name}`.slice(0, 64)
}
