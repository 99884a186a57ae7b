import {
  FAULTS,
  isModern,
  isObject,
  META,
  own,
  RPC,
  textAt,
  without,
  type Fault,
  type Json,
  type JsonObject,
  type RequestId,
  type Revision,
  type RpcError,
  type RpcResponse,
} from '@countersign/contract'
import { isReserved } from './read.ts'

/** Who the gateway is, towards clients. It never passes an upstream's identity off as its own. */
export const SERVER_INFO = { name: 'countersign', title: 'Countersign', version: '0.1.0' } as const

/** Fields of one era that must not appear in the other (docs/protocol.md). */
const MODERN_ONLY = ['resultType', 'ttlMs', 'cacheScope', 'inputRequests', 'requestState']
const LEGACY_ONLY = ['task', 'execution']
/** What only we may say to a modern client: whatever an upstream puts there is not passed on. */
const OURS = ['resultType', 'inputRequests', 'requestState']

/** A result as one revision has it: vocabulary of the other era removed, our own metadata stamped. */
export function projectResult(
  result: JsonObject,
  revision: Revision,
  stamp: JsonObject = {},
): JsonObject {
  const meta = own(result, '_meta')
  const kept = isObject(meta)
    ? Object.fromEntries(Object.entries(meta).filter(([key]) => !isReserved(key)))
    : {}
  if (isModern(revision)) {
    return {
      ...without(result, [...LEGACY_ONLY, ...OURS]),
      // V-031, V-041: on every result, including empty ones.
      resultType: 'complete',
      _meta: { ...kept, ...stamp, [META.serverInfo]: SERVER_INFO },
    }
  }
  const bare = without(result, [...MODERN_ONLY, '_meta'])
  const legacyMeta = { ...kept, ...stamp }
  return Object.keys(legacyMeta).length > 0 ? { ...bare, _meta: legacyMeta } : bare
}

/** A tool result for a legacy revision: what an older client's parser breaks on becomes text (V-007). */
export function projectToolResult(
  result: JsonObject,
  revision: Revision,
  isWrapped: boolean,
): JsonObject {
  const content = own(result, 'content')
  const structured = own(result, 'structuredContent')
  const plain = {
    ...result,
    content: projectContent(Array.isArray(content) ? content : [], structured, revision),
  }
  if (structured === undefined) return plain
  if (revision === '2025-03-26') return without(plain, ['structuredContent'])
  if (isModern(revision)) return plain
  // F-009: a schema that had to be wrapped wraps its values the same way.
  if (isWrapped) return { ...plain, structuredContent: { result: structured } }
  // F-010: without a schema to wrap, only an object is structured content in these revisions.
  return isObject(structured) ? plain : without(plain, ['structuredContent'])
}

function projectContent(
  content: readonly Json[],
  structured: Json | undefined,
  revision: Revision,
): readonly Json[] {
  // Several clients show nothing at all of a result that has only structured content.
  const shown =
    content.length === 0 && structured !== undefined
      ? [{ type: 'text', text: JSON.stringify(structured) }]
      : content
  if (revision !== '2025-03-26') return shown
  return shown.map(linkInWords)
}

/** 2025-03-26 knows no resource links: the block says in words what it links to. */
export function linkInWords(block: Json): Json {
  if (!isObject(block) || own(block, 'type') !== 'resource_link') return block
  const name = textAt(block, 'title') || textAt(block, 'name')
  return { type: 'text', text: `${name}: ${textAt(block, 'uri')}` }
}

/** A tool definition as one revision lists it. */
export function projectTool(tool: JsonObject, revision: Revision): JsonObject {
  const schema = own(tool, 'outputSchema')
  if (schema === undefined || isModern(revision)) return tool
  if (revision === '2025-03-26') return without(tool, ['outputSchema'])
  return needsWrap(tool) ? { ...tool, outputSchema: wrapSchema(schema) } : tool
}

/** True when an output schema has no object at its root, which legacy revisions require (F-009). */
export function needsWrap(tool: JsonObject): boolean {
  const schema = own(tool, 'outputSchema')
  if (schema === undefined) return false
  return !isObject(schema) || own(schema, 'type') !== 'object'
}

function wrapSchema(schema: Json): JsonObject {
  const root = isObject(schema) ? schema : {}
  const dialect = own(root, '$schema')
  return {
    ...(dialect === undefined ? {} : { $schema: dialect }),
    type: 'object',
    properties: { result: rebase(without(root, ['$schema'])) },
    required: ['result'],
  }
}

/** Local references keep meaning what they meant, one level further down. */
function rebase(value: Json): Json {
  if (Array.isArray(value)) return value.map(rebase)
  if (!isObject(value)) return value
  const entries = Object.entries(value).map(([key, inner]) => {
    // A pointer; a plain-name anchor is found wherever it stands.
    if (key === '$ref' && typeof inner === 'string' && /^#(?:\/|$)/.test(inner)) {
      return [key, `#/properties/result${inner.slice(1)}`] as const
    }
    return [key, inner === undefined ? inner : rebase(inner)] as const
  })
  return Object.fromEntries(entries)
}

/** An upstream's error as this hop may say it (H-090 to H-092). */
export function projectError(
  error: RpcError,
  revision: Revision,
  uri: string | undefined,
): RpcError {
  const { code, message } = error
  if (code === RPC.resourceNotFound || (uri !== undefined && code === RPC.invalidParams)) {
    return notFound(message, error.data, uri, revision)
  }
  if (code === RPC.urlElicitationRequired && revision === '2025-11-25') return error
  const isReservedRange = code <= -32000 && code >= -32099
  // Other codes of the reserved range are statements about the upstream's hop, not about ours.
  return isReservedRange ? { ...error, code: RPC.internal } : error
}

/** R26: the data names the URI; a legacy server often leaves it out (F-030, F-031). */
function notFound(
  message: string,
  data: Json | undefined,
  uri: string | undefined,
  revision: Revision,
): RpcError {
  const code = isModern(revision) ? RPC.invalidParams : RPC.resourceNotFound
  if (uri === undefined) return { code, message, ...(data === undefined ? {} : { data }) }
  return { code, message, data: { uri, ...(isObject(data) ? data : {}) } }
}

/** A fault as a JSON-RPC error object. */
export const faultError = (fault: Fault, revision?: Revision): RpcError => ({
  code:
    fault.code === 'call/unknown-resource' && revision && !isModern(revision)
      ? RPC.resourceNotFound
      : FAULTS[fault.code].rpc,
  message: fault.message,
  ...(fault.data === undefined ? {} : { data: fault.data }),
})

export const success = (id: RequestId, result: JsonObject): RpcResponse => ({
  jsonrpc: '2.0',
  id,
  result,
})

/** An unreadable request has no id to answer to: the member is left out, never null (H-093). */
export const failure = (id: RequestId | undefined, error: RpcError): RpcResponse => ({
  jsonrpc: '2.0',
  ...(id === undefined ? {} : { id }),
  error,
})

/** A tool result that says, in words alone, that something did not happen. */
export const toolError = (text: string): JsonObject => ({
  content: [{ type: 'text', text: text.endsWith('\n') ? text : `${text}\n` }],
  isError: true,
})
