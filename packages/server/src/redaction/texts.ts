import { isObject, type Json, type JsonObject } from '@countersign/contract'

/** Deeper values, or ones with more parts, are not looked at whole. */
const DEPTH_MAX = 200
const PARTS_MAX = 100_000
/** No pattern goes across this: it is no blank, and no sign of any secret. */
const BETWEEN = '\n\u0001\n'

/** One text of a value, by where it stands among all of them. */
interface Part {
  readonly start: number
  readonly end: number
}

/** All texts of a value in one, each behind its name: what is a secret often shows by that. */
export interface Texts {
  readonly text: string
  readonly parts: readonly Part[]
}

interface Gathering {
  readonly said: string[]
  readonly parts: Part[]
  length: number
  seen: number
  readonly charsMax: number
}

/** Undefined when it is too much to be looked at whole. */
export function textsIn(value: JsonObject, charsMax: number): Texts | undefined {
  const all: Gathering = { said: [], parts: [], length: 0, seen: 0, charsMax }
  if (!gather(all, value, undefined, 0)) return undefined
  return { text: all.said.join(''), parts: all.parts }
}

function gather(all: Gathering, value: Json, name: string | undefined, depth: number): boolean {
  all.seen++
  if (depth > DEPTH_MAX || all.seen > PARTS_MAX || all.length > all.charsMax) return false
  if (typeof value === 'string') {
    if (name !== undefined) say(all, `${name}=`)
    say(all, value, true)
    say(all, BETWEEN)
    return all.length <= all.charsMax
  }
  if (Array.isArray(value)) return value.every((one) => gather(all, one, name, depth + 1))
  if (!isObject(value)) return true
  return Object.entries(value).every(([key, one]) => {
    // A name may be a secret too: it is looked at by itself.
    say(all, key, true)
    say(all, BETWEEN)
    return one === undefined || isOpaque(value, key) || gather(all, one, key, depth + 1)
  })
}

function say(all: Gathering, text: string, isPart = false): void {
  if (isPart) all.parts.push({ start: all.length, end: all.length + text.length })
  all.said.push(text)
  all.length += text.length
}

/**
 * Bytes in base64 are no text (MCP: the data of images and sounds, the blob of a resource). What only has
 * the name of them is: anybody can call an argument so.
 */
function isOpaque(value: JsonObject, key: string): boolean {
  const isBytes =
    (key === 'blob' && typeof value['uri'] === 'string') ||
    (key === 'data' && (value['type'] === 'image' || value['type'] === 'audio'))
  if (!isBytes) return false
  const bytes = value[key]
  return typeof bytes === 'string' && BASE64.test(bytes)
}
const BASE64 = /^[A-Za-z0-9+/\r\n]*={0,2}[\r\n]{0,2}$/

/** The same value with other texts, which `next` gives in the order of the parts; nothing but texts differs. */
export function withTexts(value: JsonObject, next: () => string): JsonObject {
  const object = (one: JsonObject): JsonObject => {
    const taken = new Map<string, number>()
    return Object.fromEntries(
      Object.entries(one).map(([key, inner]) => {
        const name = untaken(taken, next())
        return [name, inner === undefined || isOpaque(one, key) ? inner : rebuilt(inner)]
      }),
    )
  }
  const rebuilt = (one: Json): Json => {
    if (typeof one === 'string') return next()
    if (Array.isArray(one)) return one.map(rebuilt)
    return isObject(one) ? object(one) : one
  }
  return object(value)
}

/** Two names that are covered alike stay two. */
function untaken(taken: Map<string, number>, name: string): string {
  const many = taken.get(name)
  if (many === undefined) {
    taken.set(name, 1)
    return name
  }
  // Counted on from where the last one stopped: there may be as many as a value has parts.
  let number = many + 1
  while (taken.has(`${name} ${String(number)}`)) number++
  taken.set(name, number)
  const free = `${name} ${String(number)}`
  taken.set(free, 1)
  return free
}
