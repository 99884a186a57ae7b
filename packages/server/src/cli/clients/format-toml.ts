import { parse, stringify, TomlError } from 'smol-toml'
import { isFields, type Fields } from '#config'
import type { Change, EditText, Format, ReadText } from './format.ts'

/**
 * TOML has no writer that keeps comments, so tables are cut out and appended as text. What is written
 * in any other way than as tables of their own is refused, with its line.
 */
export const tomlFormat: Format = { read, edit }

function read(text: string): ReadText {
  try {
    const value: unknown = parse(text)
    return isFields(value) ? { ok: true, value: plain(value) } : NOT_TOML
  } catch (thrown) {
    return thrown instanceof TomlError ? { ...NOT_TOML, line: thrown.line } : NOT_TOML
  }
}

const NOT_TOML = { ok: false, line: 1, problem: 'not valid TOML' } as const

/** The parser's objects without a prototype become ordinary ones, so that they can be compared. */
const plain = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plainValue(value)]))

const plainValue = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plainValue)
  return isFields(value) && !(value instanceof Date) ? plain(value) : value
}

function edit(text: string, changes: readonly Change[]): EditText {
  const eol = text.includes('\r\n') ? '\r\n' : '\n'
  let lines = text.split('\n')
  for (const { key, remove, put } of changes) {
    const gone = new Set([...remove, ...Object.keys(put)])
    const cut = without(lines, key, gone)
    const left = [...remove].find((name) => stillThere(cut, key, name))
    if (left !== undefined) {
      const line = lines.findIndex((row) => row.includes(left)) + 1
      return { ok: false, line: Math.max(1, line), problem: 'not written as a table of its own' }
    }
    lines = cut
    for (const [name, entry] of Object.entries(put)) append(lines, [...key, name], entry, eol)
  }
  return { ok: true, text: lines.join('\n') }
}

const HEADER = /^\s*\[(\[?)\s*(.+?)\s*\]\]?\s*(?:#.*)?$/
const KEY = /^(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*(\.\s*|$)/

/** The lines without the tables `[key.name]` and `[key.name.…]` of the given names. */
function without(
  lines: readonly string[],
  key: readonly string[],
  names: ReadonlySet<string>,
): string[] {
  const left: string[] = []
  // The comments right above a header belong to it, so their fate is known only then.
  let comments: string[] = []
  let cutting = false
  for (const line of lines) {
    const header = headerOf(line)
    if (header) {
      const inside = key.every((step, index) => header[index] === step)
      cutting = inside && names.has(header[key.length] ?? '')
    }
    if (!cutting) left.push(...comments, line)
    comments = cutting && !header && line.trim().startsWith('#') ? [...comments, line] : []
  }
  return left
}

function headerOf(line: string): string[] | undefined {
  let rest = HEADER.exec(line.trimEnd())?.[2]
  if (rest === undefined) return undefined
  const path: string[] = []
  while (rest !== undefined && rest !== '') {
    const parts: RegExpExecArray | null = KEY.exec(rest)
    if (!parts) return undefined
    const [whole, double, single, bare] = parts
    path.push(double === undefined ? (single ?? bare ?? '') : unescaped(double))
    rest = rest.slice(whole.length)
  }
  return path
}

function unescaped(text: string): string {
  try {
    return String(JSON.parse(`"${text}"`))
  } catch {
    return text
  }
}

/** The lines may not be TOML any more, when something else depended on them; that is found out later. */
function stillThere(lines: readonly string[], key: readonly string[], name: string): boolean {
  const result = read(lines.join('\n'))
  let value: unknown = result.ok ? result.value : {}
  for (const step of [...key, name]) value = isFields(value) ? value[step] : undefined
  return value !== undefined
}

function append(lines: string[], path: readonly string[], entry: Fields, eol: string): void {
  const header = `[${path.map(quoted).join('.')}]`
  const body = stringify(entry).trimEnd().split('\n')
  while (lines.length > 0 && lines.at(-1)?.trim() === '') lines.pop()
  const ending = eol === '\r\n' ? '\r' : ''
  const last = lines.at(-1)
  if (last !== undefined) {
    if (ending !== '' && !last.endsWith('\r')) lines.splice(-1, 1, `${last}\r`)
    lines.push(ending)
  }
  lines.push(...[header, ...body].map((line) => `${line}${ending}`), '')
}

const quoted = (name: string): string =>
  /^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name)
