/**
 * Tasks past the MCP SDK, which knows none of either protocol: what a tool has to say that is no
 * plain result travels inside of one, and becomes what it is where it leaves for the wire.
 */
import { isObject, META, own, without, type JsonObject } from '@countersign/contract'
import type { RpcError } from '@countersign/contract'
import type { CallToolResult, JSONRPCMessage, Transport } from '@modelcontextprotocol/server'

/** Keys of this process alone: what comes in with one of them is taken out. */
const RESULT = 'dev.countersign/result'
const ERROR = 'dev.countersign/error'
const TASK = 'dev.countersign/task'

/** The one revision with tasks in its core (TL-001). */
const WITH_TASKS = '2025-11-25'

/** A result of another shape than a tool's, to be sent as it is. */
export const carryResult = (result: JsonObject): CallToolResult => carry(RESULT, result)

/** An error of the protocol instead of a result. */
export const carryError = (error: RpcError): CallToolResult => carry(ERROR, { ...error })

const carry = (key: string, value: JsonObject): CallToolResult => ({
  content: [],
  structuredContent: {},
  _meta: { [key]: value },
})

/** What the call's `params.task` said, where the revision has it. */
export function augmentationOf(meta: unknown): JsonObject | undefined {
  const task = isObject(meta) ? own(meta, TASK) : undefined
  return isObject(task) ? task : undefined
}

/** What a connection has been found to be. */
export interface Connection {
  /** The revision that `initialize` agreed on; undefined in the modern era. */
  revision: string | undefined
}

/** Puts this between a server that is connected and its transport. */
export function interpose(transport: Transport, connection: Connection): void {
  const send = transport.send.bind(transport)
  transport.send = (message, options) => send(outwards(message, connection), options)
  const receive = transport.onmessage
  transport.onmessage = (message, extra) => receive?.(inwards(message, connection), extra)
}

function inwards(message: JSONRPCMessage, { revision }: Connection): JSONRPCMessage {
  if (!('method' in message) || message.method !== 'tools/call') return message
  const { task, ...params } = message.params ?? {}
  const { [TASK]: _ours, ...meta } = params._meta ?? {}
  // TX-025, TL-006: elsewhere a `task` is nothing anybody knows.
  const isAsked = revision === WITH_TASKS && isObject(task)
  return {
    ...message,
    params: {
      ...params,
      ...('_meta' in params || isAsked
        ? { _meta: isAsked ? { ...meta, [TASK]: task } : meta }
        : {}),
    },
  }
}

function outwards(message: JSONRPCMessage, connection: Connection): JSONRPCMessage {
  if (!('result' in message) || !isObject(message.result)) return message
  const { id, result } = message
  const meta = own(result, '_meta')
  const carried = isObject(meta) ? own(meta, RESULT) : undefined
  const error = isObject(meta) ? own(meta, ERROR) : undefined
  if (isObject(error)) {
    // Made by `carryError` from an error.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return { jsonrpc: '2.0', id, error: error as unknown as RpcError & { data?: unknown } }
  }
  if (isObject(carried)) return { jsonrpc: '2.0', id, result: unpacked(carried, meta) }
  if (typeof own(result, 'protocolVersion') === 'string') {
    return { ...message, result: initialized(result, connection) }
  }
  return { ...message, result: listed(result, connection) }
}

/** The result that was carried, with what the SDK says of every result in this era. */
function unpacked(carried: JsonObject, outer: unknown): JsonObject {
  const info = isObject(outer) ? own(outer, META.serverInfo) : undefined
  if (info === undefined) return carried
  const inner = own(carried, '_meta')
  return {
    ...carried,
    _meta: { ...(isObject(inner) ? inner : {}), [META.serverInfo]: info },
  }
}

/** Learns the revision; older ones than 2025-11-25 never hear of tasks (TL-001). */
function initialized(result: JsonObject, connection: Connection): JsonObject {
  const version = own(result, 'protocolVersion')
  connection.revision = typeof version === 'string' ? version : undefined
  const capabilities = own(result, 'capabilities')
  if (connection.revision === WITH_TASKS || !isObject(capabilities)) return result
  return { ...result, capabilities: without(capabilities, ['tasks']) }
}

function listed(result: JsonObject, { revision }: Connection): JsonObject {
  const tools = own(result, 'tools')
  if (revision === WITH_TASKS || !Array.isArray(tools)) return result
  return {
    ...result,
    tools: tools.map((tool) => (isObject(tool) ? without(tool, ['execution']) : tool)),
  }
}
