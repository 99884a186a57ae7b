import {
  ROOT_CONTEXT,
  SeverityNumber,
  trace,
  type Attributes,
  type Context,
  type Logger,
} from '@opentelemetry/api'
import type { Log } from '../log.ts'
import { isSound } from '../trace-context.ts'

const FACTS_MAX = 24
const TEXT_CHARS_MAX = 1_000

/** From how severe on each level of the configuration lets a line through. */
const LEAST: Readonly<Record<string, number>> = {
  trace: SeverityNumber.TRACE,
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
  fatal: SeverityNumber.FATAL,
}

/** The same lines, also for the collector. */
export function bridged(log: Log, logger: Logger, level: string): Log {
  const least = LEAST[level] ?? Infinity
  const at =
    (write: Log['info'], severityNumber: SeverityNumber, severityText: string): Log['info'] =>
    (facts, message) => {
      const order: number = severityNumber
      write(facts, message)
      if (order < least) return
      const attributes = attributesOf(facts)
      const body = message.slice(0, TEXT_CHARS_MAX)
      logger.emit({ severityNumber, severityText, body, attributes, context: contextIn(facts) })
    }
  return {
    debug: at(log.debug, SeverityNumber.DEBUG, 'DEBUG'),
    info: at(log.info, SeverityNumber.INFO, 'INFO'),
    warn: at(log.warn, SeverityNumber.WARN, 'WARN'),
    error: at(log.error, SeverityNumber.ERROR, 'ERROR'),
  }
}

const IDS: ReadonlySet<string> = new Set(['trace_id', 'span_id'])

/** Plain facts alone: what is nested could be anything. */
function attributesOf(facts: object): Attributes {
  const told: [string, string | number | boolean][] = []
  for (const [key, value] of Object.entries(facts)) {
    if (IDS.has(key) || told.length === FACTS_MAX) continue
    if (typeof value === 'string') told.push([key, value.slice(0, TEXT_CHARS_MAX)])
    if (typeof value === 'number' || typeof value === 'boolean') told.push([key, value])
  }
  return Object.fromEntries(told)
}

/** The call that is the reason of the line. */
function contextIn(facts: object): Context {
  if (!('trace_id' in facts && 'span_id' in facts)) return ROOT_CONTEXT
  const { trace_id: traceId, span_id: spanId } = facts
  const isIds = isSound('traceparent', `00-${String(traceId)}-${String(spanId)}-01`)
  if (!isIds) return ROOT_CONTEXT
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: String(traceId),
    spanId: String(spanId),
    traceFlags: 1,
  })
}
