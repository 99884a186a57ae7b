import {
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Link,
  type Span,
  type SpanContext,
  type SpanKind,
  type Tracer,
} from '@opentelemetry/api'
import type { Ids, Origin } from '../telemetry.ts'
import { partsOf, type TraceContext } from '../trace-context.ts'

const TEXT_CHARS_MAX = 128

/** No text of others is told at length. */
export const short = (text: string): string => text.slice(0, TEXT_CHARS_MAX)

function remote(context: TraceContext): SpanContext {
  const { traceId, spanId, flags } = partsOf(context)
  return { traceId, spanId, traceFlags: flags & 1, isRemote: true }
}

/** Part of where it comes from; linked to it when that is over. */
function placeOf(from: Origin | undefined): {
  readonly parent: Context
  readonly links: readonly Link[]
} {
  if (!from?.trace) return { parent: ROOT_CONTEXT, links: [] }
  const context = remote(from.trace)
  if (from.isPast === true) return { parent: ROOT_CONTEXT, links: [{ context }] }
  return { parent: trace.setSpanContext(ROOT_CONTEXT, context), links: [] }
}

/** Where only figures are wanted. */
const NONE = trace.wrapSpanContext(INVALID_SPAN_CONTEXT)

export interface Beginning {
  readonly name: string
  readonly kind: SpanKind
  readonly attributes: Attributes
}

export function begin(
  tracer: Tracer | undefined,
  { name, kind, attributes }: Beginning,
  from: Origin | undefined,
): Span {
  if (!tracer) return NONE
  const { parent, links } = placeOf(from)
  return tracer.startSpan(name, { kind, attributes, links: [...links] }, parent)
}

/** What follows is told that it follows from this span; what else came with the trace goes on. */
export function contextOf(span: Span, from: Origin | undefined): TraceContext | undefined {
  const { traceId, spanId, traceFlags } = span.spanContext()
  if (!isSpanContextValid(span.spanContext())) return undefined
  const traceparent = `00-${traceId}-${spanId}-0${traceFlags & 1}`
  const { tracestate, baggage } = from?.trace ?? {}
  return {
    traceparent,
    // W3C Trace Context §3.3: the state belongs to the trace that it came with.
    ...(tracestate === undefined || from?.isPast === true ? {} : { tracestate }),
    ...(baggage === undefined ? {} : { baggage }),
  }
}

/** Without a description: a message could repeat what was sent. */
export function finish(span: Span, error: string | undefined): void {
  if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}

/** The ids by which log lines are found again. */
export function idsOf(span: Span): Ids {
  const { traceId, spanId } = span.spanContext()
  return isSpanContextValid(span.spanContext()) ? { trace_id: traceId, span_id: spanId } : {}
}

export const nameOf = (...words: readonly (string | undefined)[]): string =>
  words.filter((word) => word !== undefined && word !== '').join(' ')
