import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import type { LogRecordExporter } from '@opentelemetry/sdk-logs'
import type { PushMetricExporter } from '@opentelemetry/sdk-metrics'
import type { SpanExporter } from '@opentelemetry/sdk-trace'
import type { World } from '#base'
import type { Log } from '../log.ts'
import type { OtlpSettings } from '../settings.ts'

/** How long one delivery may take, with its repetitions. */
export const EXPORT_MS = 3_000
/** Deliveries under way at one time: at the end all that waits is on its way at once. */
const AT_ONCE_MAX = 10
/** A collector that is away for hours is one line now and then. */
const SAID_EVERY_MS = 60_000

/** Counts what a collector did not take, and says so without filling the log. */
export function lossesOf(
  { world, log }: { readonly world: World; readonly log: Log },
  count: (signal: string, items: number) => void,
): (signal: string, items: number, why: string) => void {
  let saidAt = -Infinity
  let unsaid = 0
  return (signal, items, why) => {
    count(signal, items)
    unsaid += items
    if (world.monotonic() - saidAt < SAID_EVERY_MS) return
    saidAt = world.monotonic()
    log.warn({ signal, items: unsaid, why }, 'the collector did not take what it was told')
    unsaid = 0
  }
}

const optionsOf = ({ endpoint, headers }: OtlpSettings, signal: string) => ({
  url: `${endpoint}/v1/${signal}`,
  headers: Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value.reveal()]),
  ),
  timeoutMillis: EXPORT_MS,
  concurrencyLimit: AT_ONCE_MAX,
})

/** How a delivery ended: `why` when it failed. An answer may quote us, so only its kind is kept. */
type Left = (items: number, why: string | undefined) => void

/** The part of every exporter that is told how a delivery ended. */
interface Delivering<Items> {
  export(
    items: Items,
    done: (result: { readonly code: number; readonly error?: Error }) => void,
  ): void
}

/** The same exporter, whose deliveries are counted. */
function counted<Items, Exporter extends Delivering<Items>>(
  exporter: Exporter,
  sizeOf: (items: Items) => number,
  left: Left,
): Exporter {
  const deliver = exporter.export.bind(exporter)
  exporter.export = (items, done) => {
    const size = sizeOf(items)
    deliver(items, (result) => {
      left(size, result.code === 0 ? undefined : (result.error?.name ?? 'Error'))
      done(result)
    })
  }
  return exporter
}

export const traceExporter = (otlp: OtlpSettings, left: Left): SpanExporter =>
  counted(
    new OTLPTraceExporter(optionsOf(otlp, 'traces')),
    (spans: readonly unknown[]) => spans.length,
    left,
  )

export const logExporter = (otlp: OtlpSettings, left: Left): LogRecordExporter =>
  counted(
    new OTLPLogExporter(optionsOf(otlp, 'logs')),
    (lines: readonly unknown[]) => lines.length,
    left,
  )

export const metricExporter = (otlp: OtlpSettings, left: Left): PushMetricExporter =>
  counted(new OTLPMetricExporter(optionsOf(otlp, 'metrics')), () => 1, left)
