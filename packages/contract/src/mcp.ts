/**
 * The Model Context Protocol as names and numbers: revisions, reserved keys, methods, messages.
 *
 * "Legacy" is the era of the `initialize` handshake (2025-03-26 to 2025-11-25); "modern" is the era
 * of self-sufficient requests that began with 2026-07-28.
 */
import { isObject, own, textAt, type Json, type JsonObject } from './json.ts'

/** Revisions served and spoken per request, newest first. One constant: conflict AM-04. */
export const MODERN_REVISIONS = ['2026-07-28'] as const
/** Revisions reached by `initialize`, newest first. */
export const LEGACY_REVISIONS = ['2025-11-25', '2025-06-18', '2025-03-26'] as const

export type ModernRevision = (typeof MODERN_REVISIONS)[number]
export type LegacyRevision = (typeof LEGACY_REVISIONS)[number]
export type Revision = ModernRevision | LegacyRevision
export type Era = 'legacy' | 'modern'

export const isModern = (revision: unknown): revision is ModernRevision =>
  (MODERN_REVISIONS as readonly unknown[]).includes(revision)
export const isLegacy = (revision: unknown): revision is LegacyRevision =>
  (LEGACY_REVISIONS as readonly unknown[]).includes(revision)
export const eraOf = (revision: Revision): Era => (isModern(revision) ? 'modern' : 'legacy')

/** Reserved `_meta` keys. They belong to one hop and never cross the gateway (V-046). */
export const META = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
  logLevel: 'io.modelcontextprotocol/logLevel',
  subscriptionId: 'io.modelcontextprotocol/subscriptionId',
  relatedTask: 'io.modelcontextprotocol/related-task',
  receipt: 'dev.countersign/receipt',
  quota: 'dev.countersign/quota',
} as const

/** The extension under which 2026-07-28 has tasks. */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks'

/** JSON-RPC codes that the specification defines. Our own are in the fault table. */
export const RPC = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  headerMismatch: -32020,
  missingCapability: -32021,
  unsupportedVersion: -32022,
  resourceNotFound: -32002,
  urlElicitationRequired: -32042,
} as const

export type RequestId = string | number

export interface RpcRequest {
  readonly jsonrpc: '2.0'
  readonly id: RequestId
  readonly method: string
  readonly params?: JsonObject
}
export interface RpcNotification {
  readonly jsonrpc: '2.0'
  readonly method: string
  readonly params?: JsonObject
}
export interface RpcError {
  readonly code: number
  readonly message: string
  readonly data?: Json
}
export interface RpcResult {
  readonly jsonrpc: '2.0'
  readonly id: RequestId
  readonly result: JsonObject
}
export interface RpcFailure {
  readonly jsonrpc: '2.0'
  readonly id?: RequestId
  readonly error: RpcError
}
export type RpcResponse = RpcResult | RpcFailure
export type RpcMessage = RpcRequest | RpcNotification | RpcResponse

/** What one parsed JSON value is in JSON-RPC terms. Ids are strings or integers, never null (V-053). */
export type Shape =
  | { readonly kind: 'request'; readonly message: RpcRequest }
  | { readonly kind: 'notification'; readonly message: RpcNotification }
  | { readonly kind: 'response'; readonly message: RpcResponse }
  | { readonly kind: 'invalid'; readonly id: RequestId | undefined; readonly why: string }

/** Sorts a parsed value into request, notification, response or nothing JSON-RPC knows. */
export function shapeOf(value: unknown): Shape {
  if (!isObject(value)) return { kind: 'invalid', id: undefined, why: 'not a JSON object' }
  const id = own(value, 'id')
  const known = isId(id) ? id : undefined
  const invalid = (why: string): Shape => ({ kind: 'invalid', id: known, why })
  if (own(value, 'jsonrpc') !== '2.0') return invalid('"jsonrpc" must be "2.0"')
  if (Object.hasOwn(value, 'id') && known === undefined) {
    return invalid('"id" must be a string or an integer')
  }
  const method = own(value, 'method')
  if (method === undefined) return responseShape(value, known)
  if (typeof method !== 'string') return invalid('"method" must be a string')
  const params = own(value, 'params')
  if (params !== undefined && !isObject(params)) return invalid('"params" must be an object')
  const said = { jsonrpc: '2.0', method, ...(params === undefined ? {} : { params }) } as const
  return known === undefined
    ? { kind: 'notification', message: said }
    : { kind: 'request', message: { ...said, id: known } }
}

function responseShape(value: JsonObject, id: RequestId | undefined): Shape {
  const given = own(value, 'error')
  if (given !== undefined) {
    const error = readError(given)
    if (!error) return { kind: 'invalid', id, why: 'malformed error' }
    const message = { jsonrpc: '2.0', ...(id === undefined ? {} : { id }), error } as const
    return { kind: 'response', message }
  }
  const result = own(value, 'result')
  if (id === undefined || !isObject(result)) {
    return { kind: 'invalid', id, why: 'neither a method nor a result nor an error' }
  }
  return { kind: 'response', message: { jsonrpc: '2.0', id, result } }
}

function readError(error: Json): RpcError | undefined {
  const code = isObject(error) ? own(error, 'code') : undefined
  if (!isObject(error) || typeof code !== 'number' || !Number.isInteger(code)) return undefined
  const data = own(error, 'data')
  return { code, message: textAt(error, 'message'), ...(data === undefined ? {} : { data }) }
}

const isId = (id: unknown): id is RequestId =>
  typeof id === 'string' || (typeof id === 'number' && Number.isSafeInteger(id))

/** Severity, least to most, of `notifications/message` (RFC 5424). */
export const LOG_LEVELS = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
] as const
export type LogLevel = (typeof LOG_LEVELS)[number]
export const isLogLevel = (level: unknown): level is LogLevel =>
  (LOG_LEVELS as readonly unknown[]).includes(level)
/** True when a message of `level` passes a threshold. An unknown level passes none. */
export const passesLevel = (level: unknown, threshold: LogLevel): boolean =>
  isLogLevel(level) && LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(threshold)

/** The requests a server may make of a client, in either era. */
export const INPUT_METHODS = ['elicitation/create', 'sampling/createMessage', 'roots/list'] as const
export type InputMethod = (typeof INPUT_METHODS)[number]
export const isInputMethod = (method: unknown): method is InputMethod =>
  (INPUT_METHODS as readonly unknown[]).includes(method)

/** One thing asked of the client: a bare request without JSON-RPC envelope (MRTR, I-003). */
export interface InputRequest {
  readonly method: InputMethod
  readonly params?: JsonObject
}

/** What a client can be asked, in one form for both eras (V-050). */
export interface ClientCapabilities {
  readonly elicitation?: { readonly form?: JsonObject; readonly url?: JsonObject }
  readonly sampling?: { readonly tools?: JsonObject; readonly context?: JsonObject }
  readonly roots?: JsonObject
  readonly extensions?: JsonObject
}

/**
 * Brings declared capabilities into the one form used between the hops: `elicitation: {}` means
 * form only, `roots` loses `listChanged`, and everything not understood is dropped (V-050).
 */
export function readCapabilities(declared: unknown, revision: Revision): ClientCapabilities {
  if (!isObject(declared)) return {}
  const part = (key: string): JsonObject | undefined => {
    const value = own(declared, key)
    return isObject(value) ? value : undefined
  }
  const elicitation = part('elicitation')
  const sampling = part('sampling')
  const extensions = part('extensions')
  return {
    ...(elicitation && revision !== '2025-03-26'
      ? { elicitation: readElicitation(elicitation, revision) }
      : {}),
    ...(sampling ? { sampling: pick(sampling, ['tools', 'context']) } : {}),
    ...(part('roots') ? { roots: {} } : {}),
    ...(extensions && isModern(revision) ? { extensions } : {}),
  }
}

function readElicitation(
  declared: JsonObject,
  revision: Revision,
): NonNullable<ClientCapabilities['elicitation']> {
  if (revision === '2025-06-18') return { form: {} }
  const modes = pick(declared, ['form', 'url'])
  return Object.keys(modes).length === 0 ? { form: {} } : modes
}

function pick(value: JsonObject, keys: readonly string[]): { readonly [key: string]: JsonObject } {
  const found = keys.filter((key) => isObject(own(value, key)))
  return Object.fromEntries(found.map((key) => [key, {}]))
}

/** The mode of an elicitation; a request without one is a form (I-040). */
export const elicitationMode = (request: InputRequest): 'form' | 'url' =>
  request.params?.['mode'] === 'url' ? 'url' : 'form'

/** The capability a request needs that the client did not declare, or undefined when it may be asked. */
export function missingCapability(
  request: InputRequest,
  client: ClientCapabilities,
): ClientCapabilities | undefined {
  switch (request.method) {
    case 'elicitation/create': {
      const mode = elicitationMode(request)
      return client.elicitation?.[mode] ? undefined : { elicitation: { [mode]: {} } }
    }
    case 'sampling/createMessage':
      return missingSampling(request, client)
    case 'roots/list':
      return client.roots ? undefined : { roots: {} }
  }
}

function missingSampling(
  { params }: InputRequest,
  { sampling }: ClientCapabilities,
): ClientCapabilities | undefined {
  if (params?.['tools'] === undefined) return sampling ? undefined : { sampling: {} }
  return sampling?.tools ? undefined : { sampling: { tools: {} } }
}
