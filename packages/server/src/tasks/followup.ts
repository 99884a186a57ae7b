import { isObject, type Json, type JsonObject } from '@countersign/contract'
import { query, type JSONValue } from 'json-p3'
import type { Followup } from '#registry'

/**
 * The arguments of a follow-up call. A text that starts with `$` is a JSONPath (RFC 9535) over
 * `{arguments, result}` and becomes what it finds: nothing found leaves the member out, several finds
 * become a list. `$$` stands for a literal `$`.
 */
export function argumentsOf(
  { arguments: template }: Pick<Followup, 'arguments'>,
  from: { readonly arguments: Json; readonly result: Json },
): JsonObject {
  const filled = fill(template, from)
  return isObject(filled) ? filled : {}
}

function fill(template: Json, from: JsonObject): Json | undefined {
  if (typeof template === 'string')
    return template.startsWith('$') ? find(template, from) : template
  if (Array.isArray(template)) {
    return template.map((one: Json) => fill(one, from)).filter((one) => one !== undefined)
  }
  if (!isObject(template)) return template
  const members = Object.entries(template).map(
    ([key, value]) => [key, value === undefined ? undefined : fill(value, from)] as const,
  )
  return Object.fromEntries(members.filter(([, value]) => value !== undefined))
}

function find(path: string, from: JsonObject): Json | undefined {
  if (path.startsWith('$$')) return path.slice(1)
  // Both are JSON; only the names of the types differ.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const found = query(path, from as JSONValue).values() as readonly Json[]
  return found.length > 1 ? found : found[0]
}

/** What is wrong with a JSONPath in a template, or undefined. For the configuration to say early. */
export function pathProblem(template: Json): string | undefined {
  try {
    fill(template, { arguments: {}, result: {} })
    return undefined
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown)
  }
}
