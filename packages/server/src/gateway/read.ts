import {
  decodeHeaderValue,
  Fault,
  isLogLevel,
  isModern,
  isObject,
  META,
  MODERN_REVISIONS,
  own,
  readCapabilities,
  shapeOf,
  trimBlanks,
  type ClientCapabilities,
  type JsonObject,
  type LogLevel,
  type ModernRevision,
  type RequestId,
  type RpcNotification,
  type RpcRequest,
  type Shape,
} from '@countersign/contract'
import { isSound, traceKey } from '#telemetry'

/** Request headers as Node gives them: lower-case names, repeated ones joined. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

/** What a modern request says of itself; nothing is inferred from earlier requests (V-026). */
export interface Envelope {
  readonly revision: ModernRevision
  readonly capabilities: ClientCapabilities
  readonly clientInfo: JsonObject | undefined
  readonly logLevel: LogLevel | undefined
  readonly progressToken: RequestId | undefined
}

/** One body, read once. A body that cannot be served carries the fault and the id to answer to. */
export type Incoming =
  | { readonly kind: 'modern'; readonly request: RpcRequest; readonly envelope: Envelope }
  | { readonly kind: 'modern-notification'; readonly notification: RpcNotification }
  | { readonly kind: 'legacy'; readonly message: Exclude<Shape, { kind: 'invalid' }> }
  | { readonly kind: 'batch'; readonly messages: readonly Shape[] }
  | { readonly kind: 'fault'; readonly fault: Fault; readonly id: RequestId | undefined }

/** Without headers (stdio) there is nothing to cross-check: all metadata is in the body (S-006). */
type Head = Headers | undefined

/**
 * Decides the era of a body by its claim alone, and checks what the claim promises: the truth table
 * of docs/protocol.md. Headers are only compared with the body, never believed against it.
 */
export function read(value: unknown, headers: Head): Incoming {
  if (Array.isArray(value)) return readBatch(value)
  const shape = shapeOf(value)
  if (shape.kind === 'invalid') {
    return faulty(new Fault('rpc/invalid', `Not a JSON-RPC message: ${shape.why}.`), shape.id)
  }
  if (shape.kind === 'response') return { kind: 'legacy', message: shape }
  const claimed = hasClaim(shape.message)
  const headerVersion = headerAt(headers, 'mcp-protocol-version')
  const isModernHeader = headerVersion !== undefined && isModern(headerVersion)
  if (shape.kind === 'notification') {
    if (!claimed && !isModernHeader) return { kind: 'legacy', message: shape }
    return modernNotification(shape.message, headers)
  }
  if (claimed) return readModern(shape.message, headers)
  if (!isModernHeader) return { kind: 'legacy', message: shape }
  return shape.message.method === 'initialize'
    ? mismatch(
        'An initialize request cannot carry a modern MCP-Protocol-Version.',
        shape.message.id,
      )
    : missingEnvelope(shape.message.id)
}

/** AM-02: a notification need carry no headers, but those it carries must not contradict it. */
function modernNotification(notification: RpcNotification, headers: Head): Incoming {
  const method = headerAt(headers, 'mcp-method')
  const meta = notification.params && own(notification.params, '_meta')
  const claim = isObject(meta) ? own(meta, META.protocolVersion) : undefined
  const version = headerAt(headers, 'mcp-protocol-version')
  const contradicts =
    (method !== undefined && method !== notification.method) ||
    (claim !== undefined && version !== undefined && version !== claim)
  return contradicts
    ? mismatch('The headers contradict the notification.', undefined)
    : { kind: 'modern-notification', notification }
}

const faulty = (fault: Fault, id: RequestId | undefined): Incoming => ({ kind: 'fault', fault, id })
const mismatch = (message: string, id: RequestId | undefined): Incoming =>
  faulty(new Fault('rpc/header-mismatch', message), id)

/** The claim is the presence of the key, whatever its value (H-003). */
function hasClaim(message: RpcRequest | RpcNotification): boolean {
  const meta = message.params && own(message.params, '_meta')
  return isObject(meta) && Object.hasOwn(meta, META.protocolVersion)
}

function readBatch(values: readonly unknown[]): Incoming {
  if (values.length === 0) return faulty(new Fault('rpc/invalid', 'An empty batch.'), undefined)
  const messages = values.map(shapeOf)
  const hasModern = messages.some(
    (shape) =>
      (shape.kind === 'request' || shape.kind === 'notification') && hasClaim(shape.message),
  )
  if (!hasModern) return { kind: 'batch', messages }
  return faulty(new Fault('rpc/invalid', 'Requests of 2026-07-28 cannot be batched.'), undefined)
}

const missingEnvelope = (id: RequestId): Incoming =>
  faulty(
    new Fault(
      'rpc/envelope',
      `params._meta must carry "${META.protocolVersion}" and "${META.clientCapabilities}".`,
    ),
    id,
  )

function readModern(request: RpcRequest, headers: Head): Incoming {
  const meta = own(request.params ?? {}, '_meta')
  if (!isObject(meta)) return missingEnvelope(request.id)
  const revision = own(meta, META.protocolVersion)
  if (typeof revision !== 'string') return missingEnvelope(request.id)
  const header = headerAt(headers, 'mcp-protocol-version')
  // H-006: a disagreement is a header fault; agreement on something unknown is a version fault.
  if (headers && header !== revision) {
    return mismatch('MCP-Protocol-Version must equal the version in params._meta.', request.id)
  }
  if (!isModern(revision)) return unsupported(revision, request.id)
  const capabilities = own(meta, META.clientCapabilities)
  if (!isObject(capabilities)) return missingEnvelope(request.id)
  const wrong = headers && headerFault(request, headers)
  if (wrong !== undefined) return mismatch(wrong, request.id)
  return withEnvelope(request, meta, revision, readCapabilities(capabilities, revision))
}

function withEnvelope(
  request: RpcRequest,
  meta: JsonObject,
  revision: ModernRevision,
  capabilities: ClientCapabilities,
): Incoming {
  const logLevel = own(meta, META.logLevel)
  if (logLevel !== undefined && !isLogLevel(logLevel)) {
    return faulty(new Fault('rpc/bad-params', 'Unknown log level.'), request.id) // P-022
  }
  const info = own(meta, META.clientInfo)
  const clientInfo = isObject(info) ? info : undefined
  const progressToken = tokenIn(meta)
  return {
    kind: 'modern',
    request,
    envelope: { revision, capabilities, clientInfo, logLevel, progressToken },
  }
}

const unsupported = (requested: string, id: RequestId): Incoming =>
  faulty(
    new Fault('rpc/unsupported-version', `MCP revision ${requested.slice(0, 40)} is not served.`, {
      data: { supported: MODERN_REVISIONS, requested },
    }),
    id,
  )

/** The parameter that `Mcp-Name` repeats, by method (H-028). */
const NAMED_BY: Readonly<Record<string, { readonly param: string; readonly isRequired: boolean }>> =
  {
    'tools/call': { param: 'name', isRequired: true },
    'prompts/get': { param: 'name', isRequired: true },
    'resources/read': { param: 'uri', isRequired: true },
    // AM-11: the plain TypeScript client does not send it on tasks/*.
    'tasks/get': { param: 'taskId', isRequired: false },
    'tasks/update': { param: 'taskId', isRequired: false },
    'tasks/cancel': { param: 'taskId', isRequired: false },
  }

/** What is wrong with the routing headers, or undefined (2026-07-28 Streamable HTTP, Server Validation). */
function headerFault(request: RpcRequest, headers: Headers): string | undefined {
  if (headerAt(headers, 'mcp-method') !== request.method) {
    return 'Mcp-Method must equal the method in the body.'
  }
  const named = Object.hasOwn(NAMED_BY, request.method) ? NAMED_BY[request.method] : undefined
  if (!named) return undefined
  const raw = headerAt(headers, 'mcp-name')
  if (raw === undefined) return named.isRequired ? 'Mcp-Name is required.' : undefined
  const expected = own(request.params ?? {}, named.param)
  const matches = expected !== undefined && decodeHeaderValue(raw) === expected
  return matches ? undefined : `Mcp-Name must equal params.${named.param}.`
}

/** One header, optional whitespace (spaces and tabs, nothing else) removed around it (H-031). */
export function headerAt(headers: Head, name: string): string | undefined {
  const value = headers?.[name]
  if (value === undefined) return undefined
  const text = typeof value === 'string' ? value : value.join(', ')
  return trimBlanks(text)
}

/** The progress token of a request; 0 is a token (V-054). */
function tokenIn(meta: JsonObject | undefined): RequestId | undefined {
  const token = meta && own(meta, 'progressToken')
  if (typeof token === 'string') return token
  return typeof token === 'number' && Number.isSafeInteger(token) ? token : undefined
}

/** The progress token of a request, read from its parameters. */
export function tokenOf(params: JsonObject | undefined): RequestId | undefined {
  const meta = params && own(params, '_meta')
  return tokenIn(isObject(meta) ? meta : undefined)
}

/** Parameters without what is reserved for the client's hop: only vendor keys of `_meta` go on (V-046). */
export function ownParams(params: JsonObject | undefined): JsonObject {
  if (!params) return {}
  const {
    _meta: meta,
    inputResponses: _answers,
    requestState: _state,
    task: _task,
    ...rest
  } = params
  if (!isObject(meta)) return rest
  const kept = Object.entries(meta).filter(([key, value]) => !isReserved(key) && goesOn(key, value))
  return kept.length > 0 ? { ...rest, _meta: Object.fromEntries(kept) } : rest
}

/** SEP-414: a trace goes on when it is one; what only looks like it is dropped. */
function goesOn(key: string, value: unknown): boolean {
  const named = traceKey(key)
  return named === undefined || isSound(named, value)
}

/** Reserved prefixes: those whose second label is `modelcontextprotocol` or `mcp` (V-043). */
export function isReserved(key: string): boolean {
  if (key === 'progressToken' || key.startsWith('io.modelcontextprotocol/')) return true
  const prefix = /^([^/]+)\//.exec(key)?.[1]
  const second = prefix?.split('.')[1]
  return second === 'modelcontextprotocol' || second === 'mcp'
}
