import type { MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics'

/** Units as Prometheus ends names with them. Counts of things have none. */
const SUFFIXES: Readonly<Record<string, string>> = { s: '.seconds', By: '.bytes' }

/** OpenTelemetry, Prometheus and OpenMetrics Compatibility: the unit is the end of a name. */
export const inTheirWords = (metrics: ResourceMetrics): ResourceMetrics => ({
  ...metrics,
  scopeMetrics: metrics.scopeMetrics.map((scope) => ({
    ...scope,
    metrics: scope.metrics.map(suffixed),
  })),
})

function suffixed<Data extends MetricData>(data: Data): Data {
  const { descriptor } = data
  const name = `${descriptor.name}${SUFFIXES[descriptor.unit] ?? ''}`
  return { ...data, descriptor: { ...descriptor, name, unit: '' } }
}
