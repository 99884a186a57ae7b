import {
  isObject,
  own,
  textAt,
  without,
  type InputRequest,
  type Json,
  type JsonObject,
  type LegacyRevision,
} from '@countersign/contract'
import type { InputAnswer } from '#upstream'
import { isReserved } from './read.ts'

/** A question without what belongs to the hop it came from: ids, tokens, tasks. */
export function ownQuestion(params: JsonObject): JsonObject {
  const { elicitationId: _id, task: _task, _meta: meta, ...rest } = params
  const kept = isObject(meta) ? Object.entries(meta).filter(([key]) => !isReserved(key)) : []
  return kept.length > 0 ? { ...rest, _meta: Object.fromEntries(kept) } : rest
}

/** A question as one legacy revision can ask it, and its answer as the server expects it. */
export interface Shaped {
  readonly request: InputRequest
  readonly restore: (answer: InputAnswer) => InputAnswer
}

const asItIs = (answer: InputAnswer): InputAnswer => answer

/**
 * A question in the words of a legacy revision: URL mode gets an id of this hop (I-045), and what
 * 2025-06-18 does not know is said in the form it does (I-041).
 */
export function forRevision(
  { method, params }: InputRequest,
  revision: LegacyRevision,
  mintId: () => string,
): Shaped {
  if (!params) return { request: { method }, restore: asItIs }
  const bare = ownQuestion(params)
  if (method !== 'elicitation/create') return { request: { method, params: bare }, restore: asItIs }
  if (bare['mode'] === 'url') {
    const withId = { ...bare, elicitationId: mintId() }
    return { request: { method, params: withId }, restore: asItIs }
  }
  const schema = own(bare, 'requestedSchema')
  if (revision !== '2025-06-18' || !isObject(schema)) {
    return { request: { method, params: bare }, restore: asItIs }
  }
  const plain = { ...without(bare, ['mode']), requestedSchema: plainForm(schema) }
  return { request: { method, params: plain }, restore: (answer) => relist(answer, schema) }
}

const propertiesOf = (schema: JsonObject): readonly (readonly [string, JsonObject])[] => {
  const properties = own(schema, 'properties')
  return isObject(properties)
    ? Object.entries(properties).flatMap(([name, one]) => (isObject(one) ? [[name, one]] : []))
    : []
}

function plainForm(schema: JsonObject): JsonObject {
  const plain = propertiesOf(schema).map(([name, one]) => [name, plainProperty(one)] as const)
  return { ...schema, properties: Object.fromEntries(plain) }
}

/** Titled choices become `enum` with `enumNames`, several choices a text; only booleans keep a default. */
function plainProperty(property: JsonObject): JsonObject {
  const type = own(property, 'type')
  const kept = type === 'boolean' ? property : without(property, ['default'])
  if (type === 'array') return listAsText(kept)
  const choices = own(kept, 'oneOf')
  if (!Array.isArray(choices)) return kept
  const titled = choices.filter(isObject)
  return {
    ...without(kept, ['oneOf']),
    enum: titled.map((choice): Json => own(choice, 'const') ?? ''),
    enumNames: titled.map((choice): Json => own(choice, 'title') ?? own(choice, 'const') ?? ''),
  }
}

function listAsText(property: JsonObject): JsonObject {
  const items = own(property, 'items')
  const choices = isObject(items) ? (own(items, 'enum') ?? own(items, 'anyOf')) : undefined
  const values = (Array.isArray(choices) ? choices : []).map((choice) =>
    isObject(choice) ? textAt(choice, 'const') : String(choice),
  )
  const hint = `Separate several with commas. Choose from: ${values.join(', ')}.`
  const title = own(property, 'title')
  return {
    type: 'string',
    ...(title === undefined ? {} : { title }),
    description: `${textAt(property, 'description')} ${hint}`.trim(),
  }
}

/** A text that stands for a list becomes the list again. */
function relist(answer: InputAnswer, schema: JsonObject): InputAnswer {
  const content = answer.kind === 'result' ? own(answer.result, 'content') : undefined
  if (answer.kind !== 'result' || !isObject(content)) return answer
  const lists = propertiesOf(schema).filter(([, one]) => own(one, 'type') === 'array')
  const restored = lists.flatMap(([name]) => {
    const text = own(content, name)
    if (typeof text !== 'string') return []
    const values = text.split(',').map((value) => value.trim())
    return [[name, values.filter((value) => value !== '')] as const]
  })
  const whole = { ...content, ...Object.fromEntries(restored) }
  return { kind: 'result', result: { ...answer.result, content: whole } }
}
