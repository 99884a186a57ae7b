import { findAmbiguity, isObject, own, type Json, type JsonObject } from '@countersign/contract'
import { elementsAt } from './json-slices.ts'

interface SoundItems {
  readonly items: readonly JsonObject[]
  readonly problems: readonly string[]
}

/**
 * The items of one page that every reader understands alike. What is listed gets approved and
 * signed, so an item with duplicate keys or unsafe integers is refused; where the trouble is not
 * inside one item, the page is.
 */
export function soundItems(text: string, result: JsonObject, key: string): SoundItems {
  const listed = own(result, key)
  if (!Array.isArray(listed)) return { items: [], problems: [`A page has no list of ${key}.`] }
  const whole = findAmbiguity(text)
  const verdicts = whole ? judgeEach(text, key, listed.length) : listed.map(() => undefined)
  if (!verdicts) {
    return { items: [], problems: [`A page of ${key} was refused: ${whole?.why ?? 'ambiguous'}.`] }
  }
  const items: JsonObject[] = []
  const problems: string[] = []
  for (const [at, item] of (listed as readonly Json[]).entries()) {
    const why = verdicts[at] ?? (isObject(item) ? undefined : 'not an object')
    if (why === undefined && isObject(item)) items.push(item)
    else problems.push(`${labelOf(item, key, at)} was refused: ${why ?? 'not an object'}.`)
  }
  return { items, problems }
}

/** What is wrong with each item, or undefined when something is wrong outside them. */
function judgeEach(text: string, key: string, count: number): (string | undefined)[] | undefined {
  const slices = elementsAt(text, ['result', key])
  if (!slices || slices.length !== count) return undefined
  const first = slices[0]?.start ?? 0
  const last = slices.at(-1)?.end ?? 0
  if (findAmbiguity(text.slice(0, first) + text.slice(last))) return undefined
  return slices.map(({ start, end }) => findAmbiguity(text.slice(start, end))?.why)
}

function labelOf(item: Json, key: string, at: number): string {
  const name = isObject(item) ? (own(item, 'name') ?? own(item, 'uri')) : undefined
  return typeof name === 'string'
    ? JSON.stringify(name.slice(0, 200))
    : `Number ${at + 1} of ${key}`
}
