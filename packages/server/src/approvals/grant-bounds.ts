import { canonical, Fault, isObject, own, type Json, type JsonObject } from '@countersign/contract'
import { digestOf } from '#base'

export const BOUND_TESTS = ['equals', 'oneOf', 'min', 'max', 'prefix'] as const

/** What one argument has to be; of those that no line names, anything goes. */
export interface ArgumentBound {
  /** Its path, as policies have it: `filter.owner`. */
  readonly path: string
  readonly test: (typeof BOUND_TESTS)[number]
  readonly value: Json
}

export interface Bounds {
  /** The digest of the arguments: these and no others. */
  readonly exactly?: string | undefined
  readonly where: readonly ArgumentBound[]
}

const BOUNDS_MAX = 20
const PATH_CHARS_MAX = 512
const VALUE_CHARS_MAX = 4_096

/** @throws Fault for bounds that would not bound anything, or that nobody could oversee. */
export function checkBounds({ where }: Bounds): void {
  if (where.length > BOUNDS_MAX) throw wrong(`at most ${String(BOUNDS_MAX)} bounds`)
  for (const { path, test, value } of where) {
    if (path === '' || path.length > PATH_CHARS_MAX) throw wrong('a bound names no argument')
    if (canonical(value).length > VALUE_CHARS_MAX) throw wrong(`the bound of "${path}" is too long`)
    const problem = PROBLEMS[test](value)
    if (problem !== undefined) throw wrong(`the bound of "${path}": ${problem}`)
  }
}

const PROBLEMS: Readonly<Record<ArgumentBound['test'], (value: Json) => string | undefined>> = {
  equals: () => undefined,
  oneOf: (value) => (Array.isArray(value) && value.length > 0 ? undefined : 'oneOf takes a list'),
  min: (value) => (typeof value === 'number' ? undefined : 'min takes a number'),
  max: (value) => (typeof value === 'number' ? undefined : 'max takes a number'),
  prefix: (value) =>
    typeof value === 'string' && value !== '' ? undefined : 'prefix takes a text',
}

/** Whether a call with these arguments is within them. `digest` is what its entries have of them. */
export function isWithin(bounds: Bounds, given: Json | undefined, digest: string): boolean {
  const { exactly, where } = bounds
  if (exactly !== undefined && exactly !== digest && exactly !== digestOfGiven(given)) return false
  return where.every(({ path, test, value }) => {
    const found = argumentAt(given, path)
    return found !== undefined && TESTS[test](found, value)
  })
}

/** The same for whoever names the arguments instead of having seen them. */
export function digestOfGiven(given: Json | undefined): string | undefined {
  try {
    return digestOf(canonical(given ?? {}))
  } catch {
    // What has no canonical form is equal to nothing.
    return undefined
  }
}

type Test = (found: Json, value: Json) => boolean

const isSame: Test = (found, value) => canonical(found) === canonical(value)

const TESTS: Readonly<Record<ArgumentBound['test'], Test>> = {
  equals: isSame,
  oneOf: (found, value) => Array.isArray(value) && value.some((one) => isSame(found, one)),
  min: (found, value) => Number.isFinite(found) && Number(found) >= Number(value),
  max: (found, value) => Number.isFinite(found) && Number(found) <= Number(value),
  prefix: (found, value) =>
    typeof found === 'string' &&
    typeof value === 'string' &&
    found.startsWith(value) &&
    isPlain(found),
}

/** A path that climbs, or that is written in another way, is below no prefix. */
const isPlain = (text: string): boolean =>
  // oxlint-disable-next-line no-control-regex -- Nothing that is read differently by whoever gets it.
  !/[\u0000-\u001F\u007F\\]|%2e|%2f|%5c/i.test(text) && !text.split('/').includes('..')

function argumentAt(given: Json | undefined, path: string): Json | undefined {
  let at = given
  for (const step of path.split('.')) at = isObject(at) ? own(at, step) : undefined
  return at
}

export const boundsJson = ({ exactly, where }: Bounds): JsonObject => ({
  ...(exactly === undefined ? {} : { exactly }),
  where: where.map((one) => ({ ...one })),
})

/** For the ledger: which arguments are bound, and how; never by what. */
export const boundsTold = ({ exactly, where }: Bounds): JsonObject => ({
  isExact: exactly !== undefined,
  where: where.map(({ path, test }) => ({ path, test })),
})

const wrong = (problem: string): Fault =>
  new Fault('rpc/bad-params', `No standing grant was made: ${problem}.`)
