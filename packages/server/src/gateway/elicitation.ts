import {
  isObject,
  own,
  without,
  type InputRequest,
  type Json,
  type JsonObject,
  type LegacyRevision,
} from '@countersign/contract'

/**
 * A question in the words of a legacy revision: URL mode gets an id of this hop (I-045), and what
 * 2025-06-18 does not know is said in the form it does (I-041).
 */
export function forRevision(
  request: InputRequest,
  revision: LegacyRevision,
  mintId: () => string,
): InputRequest {
  const { method, params } = request
  if (method !== 'elicitation/create' || !params) return request
  if (params['mode'] === 'url') return { method, params: { ...params, elicitationId: mintId() } }
  if (revision !== '2025-06-18') return request
  const schema = own(params, 'requestedSchema')
  return {
    method,
    params: {
      ...without(params, ['mode']),
      ...(isObject(schema) ? { requestedSchema: plainForm(schema) } : {}),
    },
  }
}

function plainForm(schema: JsonObject): JsonObject {
  const properties = own(schema, 'properties')
  if (!isObject(properties)) return schema
  const plain = Object.entries(properties).map(
    ([name, property]) => [name, isObject(property) ? plainProperty(property) : property] as const,
  )
  return { ...schema, properties: Object.fromEntries(plain) }
}

/** Titled choices become `enum` with `enumNames`; only booleans keep a default. */
function plainProperty(property: JsonObject): JsonObject {
  const kept = own(property, 'type') === 'boolean' ? property : without(property, ['default'])
  const choices = own(kept, 'oneOf')
  if (!Array.isArray(choices)) return kept
  const titled = choices.filter(isObject)
  return {
    ...without(kept, ['oneOf']),
    enum: titled.map((choice): Json => own(choice, 'const') ?? ''),
    enumNames: titled.map((choice): Json => own(choice, 'title') ?? own(choice, 'const') ?? ''),
  }
}
