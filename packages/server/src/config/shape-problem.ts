import { z } from 'zod'
import { idProblem } from './server-id.ts'
import { isFields, type Fields } from './fields.ts'
import { keyName, type Complain, type Path } from './mistake.ts'
import { nearest } from '#base'
import { configSchema } from './schema.ts'

type Issue = z.core.$ZodIssue

/** What the schema says is wrong, in words that never repeat a value. */
export function complainShape(
  issues: readonly Issue[],
  root: unknown,
  prefix: Path,
  complain: Complain,
): void {
  for (const issue of issues) {
    const at = [...prefix, ...issue.path.map(step)]
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) unknownField(key, at, complain)
      continue
    }
    const value = valueAt(root, issue.path.map(step))
    const { problem, remedy } = wrong(issue, value, String(at.at(-1) ?? ''))
    complain(at, problem, remedy)
  }
}

/** What the schema had nothing to say against, so that its own mistakes can be looked for. */
export function withoutWrong(written: Fields, issues: readonly Issue[]): Fields {
  const left = new Set(
    issues.flatMap((issue) =>
      issue.path.length === 0 && issue.code === 'unrecognized_keys' ? issue.keys : issue.path[0],
    ),
  )
  return Object.fromEntries(Object.entries(written).filter(([field]) => !left.has(field)))
}

interface Said {
  readonly problem: string
  readonly remedy: string
}

function wrong(issue: Issue, value: unknown, name: string): Said {
  const { code } = issue
  if (code === 'invalid_type') return mistyped(issue.expected, value)
  if (code === 'too_small') return { problem: 'too small', remedy: `at least ${issue.minimum}` }
  if (code === 'too_big') return { problem: 'too large', remedy: `at most ${issue.maximum}` }
  if (code === 'invalid_value') {
    return { problem: 'not one of the choices', remedy: issue.values.map(String).join(', ') }
  }
  if (code === 'invalid_key' || code === 'invalid_format') {
    return idProblem(name) ?? { problem: 'not usable as a name', remedy: 'choose another' }
  }
  // Our own checks say themselves what they want.
  return { problem: 'not usable', remedy: issue.message }
}

const WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  record: 'a mapping (name: value)',
  object: 'a mapping (name: value)',
}

function mistyped(expected: string, value: unknown): Said {
  const wanted = WORDS[expected] ?? expected
  if (value === undefined || value === null) {
    return { problem: 'nothing is written here', remedy: `write ${wanted}, or remove the field` }
  }
  const found = Array.isArray(value) ? 'array' : typeof value
  const quote = expected === 'string' && (found === 'number' || found === 'boolean')
  const remedy = quote ? 'put it in quotes' : `write ${wanted}`
  const kind = expected === 'int' && found === 'number' ? 'a fraction' : (WORDS[found] ?? found)
  return { problem: `expected ${wanted}, found ${kind}`, remedy }
}

export function unknownField(key: string, at: Path, complain: Complain): void {
  const known = fieldsAt(at)
  const meant = nearest(key, known)
  const remedy = meant === undefined ? `known here: ${known.join(', ')}` : `did you mean ${meant}?`
  complain([...at, key], `unknown field ${keyName(key)}`, remedy)
}

/** The fields an object of the schema has, found by walking it along the path. */
function fieldsAt(at: Path): readonly string[] {
  let schema: unknown = configSchema
  for (const name of at) {
    const object = unwrapped(schema)
    if (object instanceof z.ZodRecord) schema = object.valueType
    else if (object instanceof z.ZodArray) schema = object.element
    else if (object instanceof z.ZodObject) schema = Reflect.get(object.shape, name)
    else return []
  }
  const last = unwrapped(schema)
  return last instanceof z.ZodObject
    ? Object.keys(last.shape).filter((name) => name !== '$schema')
    : []
}

function unwrapped(schema: unknown): unknown {
  let inner = schema
  while (
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodOptional
  ) {
    inner = inner.unwrap()
  }
  return inner
}

const step = (key: PropertyKey): string | number => (typeof key === 'symbol' ? String(key) : key)

function valueAt(root: unknown, path: Path): unknown {
  let value = root
  for (const key of path) {
    if (Array.isArray(value) && typeof key === 'number') value = value[key]
    else if (isFields(value)) value = value[key]
    else return undefined
  }
  return value
}
