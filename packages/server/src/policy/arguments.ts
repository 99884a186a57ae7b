import { isObject, own, type Json } from '@countersign/contract'

/** The arguments of a call as policies see them: what is where, by path and by type. */
export interface SeenArguments {
  readonly given: readonly string[]
  readonly text: Readonly<Record<string, string>>
  readonly number: Readonly<Record<string, number>>
  /** As texts, which is how Cedar reads them. */
  readonly decimal: Readonly<Record<string, string>>
  readonly flag: Readonly<Record<string, boolean>>
  readonly list: Readonly<Record<string, readonly string[]>>
}

/** Values at most, and how deep: what has more cannot be judged by policies that look. */
const VALUES_MAX = 2_000
const DEPTH_MAX = 16
const PATH_CHARS_MAX = 512

/** Undefined when there is more than policies can look at, or two values under one path. */
export function seenArguments(args: Json | undefined): SeenArguments | undefined {
  const found: Found = { given: new Set(), values: [] }
  if (!see(found, args ?? {}, '', 0)) return undefined
  const of = <Value>(read: (value: Json) => Value | undefined): Readonly<Record<string, Value>> =>
    Object.fromEntries(
      found.values.flatMap(([path, value]) => {
        const seen = read(value)
        return seen === undefined ? [] : [[path, seen] as const]
      }),
    )
  return {
    given: [...found.given],
    text: of((value) => (typeof value === 'string' ? value : undefined)),
    number: of((value) => (Number.isSafeInteger(value) ? Number(value) : undefined)),
    decimal: of((value) => (typeof value === 'number' ? decimalOf(value) : undefined)),
    flag: of((value) => (typeof value === 'boolean' ? value : undefined)),
    list: of(textsIn),
  }
}

interface Found {
  readonly given: Set<string>
  readonly values: (readonly [string, Json])[]
}

/** False when it cannot be seen whole. */
function see(found: Found, value: Json, path: string, depth: number): boolean {
  if (depth > DEPTH_MAX || path.length > PATH_CHARS_MAX || !path.isWellFormed()) return false
  // Half a character is no text to Cedar, and to others it may be any.
  if (![value, textsIn(value) ?? []].flat().every(isWhole)) return false
  if (depth > 0) {
    if (path === '' || found.given.has(path)) return false
    found.given.add(path)
    found.values.push([path, value])
    if (found.given.size > VALUES_MAX) return false
  }
  return partsOf(value).every(([key, part]) =>
    see(found, part ?? null, path === '' ? key : `${path}.${key}`, depth + 1),
  )
}

/** What is below a value, each with its step of the path; a list of texts is a value itself. */
function partsOf(value: Json): readonly (readonly [string, Json | undefined])[] {
  if (isObject(value)) return Object.keys(value).map((key) => [key, own(value, key)] as const)
  if (!Array.isArray(value) || textsIn(value)) return []
  return value.map((one, at) => [String(at), one] as const)
}

const isWhole = (value: Json): boolean => typeof value !== 'string' || value.isWellFormed()

const textsIn = (value: Json): readonly string[] | undefined => {
  if (!Array.isArray(value)) return undefined
  const texts = value.filter((one) => typeof one === 'string')
  return texts.length === value.length ? texts : undefined
}

/** Cedar's decimals have one to four places, and end at ±922337203685477.5807. */
const DECIMAL_MAX = 900_000_000_000_000
function decimalOf(value: number): string | undefined {
  if (!Number.isFinite(value) || Math.abs(value) > DECIMAL_MAX) return undefined
  const text = value.toFixed(4)
  return Number(text) === value ? text : undefined
}
