/** What a text with `${…}` became, or what is wrong with it. */
export type Expanded =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problem: string; readonly remedy: string }

export type Variable = (name: string) => string | undefined

const REFERENCE = /\$\$\{|\$\{([^{}]*)(\}?)/g
const NAMED = /^(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^]*))?$/

/**
 * `${NAME}`, `${env:NAME}` and `${NAME:-fallback}`; `$${` writes `${`. What a variable holds is
 * taken as it is: it is never looked at for further references.
 */
export function expand(text: string, variable: Variable): Expanded {
  let wrong: Expanded | undefined
  const result = text.replaceAll(REFERENCE, (whole: string, inside = '', close = '') => {
    if (whole === '$${') return '${'
    const one = close === '' ? UNCLOSED : valueOf(inside, variable)
    if (one.ok) return one.text
    wrong ??= one
    return ''
  })
  return wrong ?? { ok: true, text: result }
}

/** Text that `expand` gives back unchanged. */
export const literal = (text: string): string => text.replaceAll('${', () => '$${')

const UNCLOSED: Expanded = {
  ok: false,
  problem: '${ without its }',
  remedy: 'close it, or write $${ for the characters themselves',
}

function valueOf(inside: string, variable: Variable): Expanded {
  const parts = NAMED.exec(inside)
  if (!parts) return notOurs(inside)
  const [, name = '', fallback] = parts
  const value = variable(name)
  if (fallback !== undefined)
    return { ok: true, text: value === undefined || value === '' ? fallback : value }
  if (value !== undefined) return { ok: true, text: value }
  return {
    ok: false,
    problem: `the variable ${name} is not set`,
    remedy: `set ${name} in the environment, or write \${${name}:-fallback}`,
  }
}

function notOurs(inside: string): Expanded {
  const input = /^input:([\w.-]{1,64})$/.exec(inside)
  if (input) {
    return {
      ok: false,
      problem: `needs a value: VS Code asks a person for "${input[1]}"`,
      remedy: 'replace it by ${NAME} and set NAME in the environment',
    }
  }
  const own = /^(workspaceFolder|userHome|file|pathSeparator|cwd)\b/.exec(inside)
  if (own) {
    return {
      ok: false,
      problem: `only the client it comes from knows \${${own[1]}}`,
      remedy: 'write the value itself',
    }
  }
  return {
    ok: false,
    problem: '${…} does not hold the name of a variable',
    remedy: 'write ${NAME}, ${NAME:-fallback}, or $${ for the characters themselves',
  }
}
