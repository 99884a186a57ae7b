/** Where `init` puts values that do not belong into a file people share; in the data folder. */
export const SECRETS_FILE = 'secrets.env'

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
/** What needs no quotes: no white space, quote, backslash or comment sign. */
const PLAIN = /^[\w!$%&()*+,\-./:;<=>?@[\]^{|}~]+$/

/** `NAME=value` lines, or the number of the first line that is none. `"…"` is read as JSON. */
export function parseSecrets(
  text: string,
): { ok: true; values: ReadonlyMap<string, string> } | { ok: false; line: number } {
  const values = new Map<string, string>()
  let line = 0
  for (const row of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    line += 1
    const trimmed = row.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    const equals = trimmed.indexOf('=')
    const name = trimmed.slice(0, Math.max(0, equals)).trim()
    const value = unquote(trimmed.slice(equals + 1).trim())
    if (!NAME.test(name) || value === undefined) return { ok: false, line }
    values.set(name, value)
  }
  return { ok: true, values }
}

export function formatSecrets(values: ReadonlyMap<string, string>): string {
  const rows = [...values].map(
    ([name, value]) => `${name}=${PLAIN.test(value) ? value : JSON.stringify(value)}`,
  )
  return ['# Read beside the environment, which wins. Keep it to yourself.', ...rows, ''].join('\n')
}

function unquote(value: string): string | undefined {
  if (!value.startsWith('"')) return value
  try {
    const read: unknown = JSON.parse(value)
    return typeof read === 'string' ? read : undefined
  } catch {
    return undefined
  }
}
