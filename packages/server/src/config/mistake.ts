import { Fault } from '@countersign/contract'

/** More than this is one mistake repeated; the first ones explain the rest. */
const MISTAKES_SHOWN_MAX = 50

export type Path = readonly (string | number)[]

/** One thing to correct. Values never appear in it: they may have come from `${…}`. */
export interface Mistake {
  readonly line: number
  readonly column: number
  readonly field: string
  readonly problem: string
  readonly remedy: string
}

/** Says something is wrong at a place of the document; reading goes on, so that all is said at once. */
export type Complain = (at: Path, problem: string, remedy: string) => void

export function invalid(path: string, mistakes: readonly Mistake[]): Fault {
  const ordered = mistakes.toSorted((a, b) => a.line - b.line || a.column - b.column)
  const shown = ordered.slice(0, MISTAKES_SHOWN_MAX)
  const count = ordered.length === 1 ? '1 mistake' : `${ordered.length} mistakes`
  const lines = shown.map((mistake) => line(path, mistake))
  const left = ordered.length - shown.length
  if (left > 0) lines.push(`and ${left} more`)
  return new Fault('config/invalid', [`${count} in the configuration:`, ...lines].join('\n'), {
    data: { path, mistakes: shown.map((mistake) => ({ ...mistake })) },
  })
}

function line(path: string, { line: row, column, field, problem, remedy }: Mistake): string {
  const named = field === '' ? '' : `  ${field}`
  return `${path}:${row}:${column}${named}  ${problem}  (${remedy})`
}

/** `servers.files.args[0]`; keys that are no plain word are quoted, so nothing odd reaches a terminal. */
export function fieldName(path: Path): string {
  let name = ''
  for (const step of path) {
    if (typeof step === 'number') name += `[${step}]`
    else name += `${name === '' ? '' : '.'}${keyName(step)}`
  }
  return name
}

export const keyName = (key: string): string =>
  /^[\w$-]{1,64}$/.test(key) ? key : printable(key.length > 64 ? `${key.slice(0, 64)}…` : key)

const printable = (key: string): string =>
  JSON.stringify(key).replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
