import { isObject, own, type Json, type JsonObject } from '@countersign/contract'

/** A tool's input schema as every client accepts it, and the rule that had to move into words. */
export interface PlainSchema {
  readonly schema: JsonObject
  /** The first sentence for the description; undefined when nothing was lost. */
  readonly rule: string | undefined
}

const COMPOSITIONS = ['anyOf', 'oneOf', 'allOf'] as const
const ROOT_ONLY = [...COMPOSITIONS, 'if', 'then', 'else', 'not']

/**
 * Merges compositions at the root of an input schema into one object: model APIs reject them, and one
 * such tool takes a whole session down. The server still validates the original.
 */
export function plainSchema(schema: JsonObject): PlainSchema {
  if (!ROOT_ONLY.some((key) => Object.hasOwn(schema, key))) return { schema, rule: undefined }
  const branches = COMPOSITIONS.flatMap((key) =>
    list(own(schema, key)).map((branch) => ({ key, branch: resolve(schema, branch) })),
  )
  const properties: JsonObject = Object.fromEntries(
    [...branches.map(({ branch }) => branch), schema].flatMap((one) =>
      Object.entries(objectAt(one, 'properties')),
    ),
  )
  const required = new Set([
    ...names(own(schema, 'required')),
    ...branches.flatMap(({ key, branch }) =>
      key === 'allOf' ? names(own(branch, 'required')) : [],
    ),
  ])
  const kept = Object.entries(schema).filter(([key]) => !ROOT_ONLY.includes(key))
  return {
    schema: {
      ...Object.fromEntries(kept),
      type: 'object',
      properties,
      ...(required.size > 0 ? { required: [...required] } : {}),
    },
    rule: sentence(branches.filter(({ key }) => key !== 'allOf').map(({ branch }) => branch)),
  }
}

function sentence(alternatives: readonly JsonObject[]): string | undefined {
  const sets = alternatives
    .map((branch) => names(own(branch, 'required')).join(' and '))
    .filter((set) => set !== '')
  return sets.length > 1 ? `Provide at least one of: ${sets.join('; ')}.` : undefined
}

/** Follows one local reference, the only kind that may be followed (F-014). */
function resolve(root: JsonObject, branch: JsonObject): JsonObject {
  const reference = own(branch, '$ref')
  if (typeof reference !== 'string' || !reference.startsWith('#/')) return branch
  let at: Json | undefined = root
  for (const step of reference.slice(2).split('/')) {
    at = isObject(at) ? own(at, step.replaceAll('~1', '/').replaceAll('~0', '~')) : undefined
  }
  if (!isObject(at)) return branch
  // Since 2020-12 a reference may have company.
  return {
    properties: { ...objectAt(at, 'properties'), ...objectAt(branch, 'properties') },
    required: [...names(own(at, 'required')), ...names(own(branch, 'required'))],
  }
}

const list = (value: Json | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? value.filter(isObject) : []
const names = (value: Json | undefined): readonly string[] =>
  Array.isArray(value) ? value.filter((name) => typeof name === 'string') : []
const objectAt = (value: JsonObject, key: string): JsonObject => {
  const found = own(value, key)
  return isObject(found) ? found : {}
}
