/** W3C Trace Context and Baggage, as they travel in headers and in `_meta` (SEP-414). */
export interface TraceContext {
  readonly traceparent: string
  readonly tracestate?: string
  readonly baggage?: string
}

/** The keys, which are the names of the headers too, and stand in `_meta` without a prefix. */
export const TRACE_KEYS = ['traceparent', 'tracestate', 'baggage'] as const
export type TraceKey = (typeof TRACE_KEYS)[number]

/** W3C Trace Context §3.2: version, trace id, parent id, flags; a later version may say more. */
const TRACEPARENT =
  /^(?!ff)([\da-f]{2})-((?!0{32})[\da-f]{32})-((?!0{16})[\da-f]{16})-([\da-f]{2})(-.*)?$/
const PARENT_CHARS_MAX = 256
/** §3.3.1.3: what is longer may be dropped. */
const STATE_CHARS_MAX = 512
/** W3C Baggage §3.3.2. */
const BAGGAGE_CHARS_MAX = 8_192
const PRINTABLE = /^[\u0020-\u007E\t]+$/
/** W3C Baggage §3.3.1: members are key=value, set apart by commas. */
const MEMBERS = /^[^=,;\s]+\s*=[^,]*(?:,\s*[^=,;\s]+\s*=[^,]*)*$/

function isParent(text: string): boolean {
  if (text.length > PARENT_CHARS_MAX || !PRINTABLE.test(text)) return false
  const [, version, , , , more] = TRACEPARENT.exec(text) ?? []
  return version !== undefined && !(version === '00' && more !== undefined)
}

/** Whether a value of such a key may be handed on. What is malformed, or endless, is dropped. */
export function isSound(key: TraceKey, value: unknown): value is string {
  if (typeof value !== 'string' || value === '') return false
  switch (key) {
    case 'traceparent':
      return isParent(value)
    case 'tracestate':
      return value.length <= STATE_CHARS_MAX && PRINTABLE.test(value)
    case 'baggage':
      return value.length <= BAGGAGE_CHARS_MAX && PRINTABLE.test(value) && MEMBERS.test(value)
  }
}

/** The key, when it is one of those that carry the context. */
export const traceKey = (key: string): TraceKey | undefined => TRACE_KEYS.find((one) => one === key)

/** Undefined for what is no trace. A state that is malformed is dropped, and the trace goes on (§3.3). */
export function readTrace(at: (key: TraceKey) => unknown): TraceContext | undefined {
  const traceparent = at('traceparent')
  if (!isSound('traceparent', traceparent)) return undefined
  const tracestate = at('tracestate')
  const baggage = at('baggage')
  return {
    traceparent,
    ...(isSound('tracestate', tracestate) ? { tracestate } : {}),
    ...(isSound('baggage', baggage) ? { baggage } : {}),
  }
}

/** What all requests of one trace share. */
export const traceIdOf = ({ traceparent }: TraceContext): string => traceparent.slice(3, 35)

/** The parts of a parent that is sound. */
export const partsOf = ({
  traceparent,
}: TraceContext): {
  readonly traceId: string
  readonly spanId: string
  readonly flags: number
} => ({
  traceId: traceparent.slice(3, 35),
  spanId: traceparent.slice(36, 52),
  flags: Number.parseInt(traceparent.slice(53, 55), 16),
})
