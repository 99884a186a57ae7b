import { isObject, own, without, type JsonObject } from '@countersign/contract'
import type { TraceContext } from '#telemetry'

const RESERVED = 'io.modelcontextprotocol/'

const isReserved = (key: string): boolean => key.startsWith(RESERVED)

/**
 * What a server said, without the metadata that belongs to this hop alone (V-046) and without
 * `dropped`. The same object when there is nothing to drop.
 */
export function withoutHopMeta(value: JsonObject, ...dropped: readonly string[]): JsonObject {
  const meta = own(value, '_meta')
  const reserved = isObject(meta) ? Object.keys(meta).some(isReserved) : false
  if (!reserved && !dropped.some((key) => Object.hasOwn(value, key))) return value
  const entries = Object.entries(value).filter(([key]) => !dropped.includes(key))
  if (!isObject(meta) || !reserved) return Object.fromEntries(entries)
  const kept = Object.entries(meta).filter(([key]) => !isReserved(key))
  const rest = entries.filter(([key]) => key !== '_meta')
  return Object.fromEntries(
    kept.length === 0 ? rest : [...rest, ['_meta', Object.fromEntries(kept)]],
  )
}

/** Request parameters with more metadata. */
export function withMeta(params: JsonObject, more: JsonObject): JsonObject {
  const meta = own(params, '_meta')
  return { ...params, _meta: isObject(meta) ? { ...meta, ...more } : more }
}

/** The trace that a request is part of. A state is of its own trace (W3C Trace Context §3.3): another's goes. */
export function withTrace(params: JsonObject, trace: TraceContext): JsonObject {
  const meta = own(params, '_meta')
  const others = isObject(meta) ? without(meta, ['traceparent', 'tracestate']) : {}
  return { ...params, _meta: { ...others, ...trace } }
}
