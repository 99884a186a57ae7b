/** telemetry/otel: OpenTelemetry and Prometheus, which only those load who configure them. */
import type { Meter } from '@opentelemetry/api'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { resourceFromAttributes, type Resource } from '@opentelemetry/resources'
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs'
import {
  MeterProvider,
  PeriodicExportingMetricReader,
  type IMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import manifest from '../../../package.json' with { type: 'json' }
import type { World } from '#base'
import type { Log } from '../log.ts'
import type { OtlpSettings, TelemetrySettings } from '../settings.ts'
import type { Telemetry } from '../telemetry.ts'
import { bridged } from './bridge.ts'
import { Gate, gatedLines, gatedSpans } from './gate.ts'
import { ToolLabels } from './labels.ts'
import { makeMeasures, type Measures } from './measures.ts'
import { CONVENTIONS } from './names.ts'
import { EXPORT_MS, lossesOf, logExporter, metricExporter, traceExporter } from './outgoing.ts'
import { inTheirWords } from './prometheus.ts'
import { makeTelemetry } from './tell.ts'
import { ownVital, watchAll, type Vital } from './watch.ts'

export type { Reading, Vital } from './watch.ts'

/** All that is told, open. */
export interface Teller {
  readonly telemetry: Telemetry
  /** What is logged, also for the collector. */
  readonly log: Log
  /** Everything that is counted, as Prometheus reads it; undefined where nobody may ask. */
  readonly exposition: (() => Promise<string>) | undefined
  /** Looks these up, too, whenever somebody asks. */
  readonly watch: (vitals: readonly Vital[]) => void
  /** Sends what is left, for as long as a delivery may take. */
  readonly close: () => Promise<void>
}

/** What waits for the collector; beyond that, what is new is dropped. */
const QUEUE_MAX = 4_096
const BATCH_MAX = 512
const SPANS_EVERY_MS = 2_000
const LOGS_EVERY_MS = 1_000
const METRICS_EVERY_MS = 15_000
/** Of one metric, whatever its labels hold. */
const SERIES_MAX = 5_000
const TEXT_CHARS_MAX = 256

interface TellerRooms {
  readonly world: World
  readonly log: Log
}

export function openTeller(rooms: TellerRooms, settings: TelemetrySettings): Teller {
  const { world } = rooms
  const { otlp, metrics } = settings
  const resource = resourceFromAttributes({
    'service.name': settings.serviceName,
    'service.version': manifest.version,
    'service.instance.id': world.random(8).toString('hex'),
  })
  const counting: { measures?: Measures } = {}
  const lost = lossesOf(rooms, (signal, items) => counting.measures?.dropped(signal, items))
  const figures = openFigures(rooms, settings, resource, lost)
  const tools = new ToolLabels(metrics?.toolsMax ?? TOOLS_MAX)
  const measures = figures && makeMeasures(figures.meter, tools)
  if (measures) counting.measures = measures
  const traces = otlp?.traces ? openTraces(world, otlp, resource, lost) : undefined
  const lines = otlp?.logs ? openLines(otlp, resource, lost) : undefined
  const scope = ['countersign', manifest.version, { schemaUrl: CONVENTIONS.schemaUrl }] as const
  const tracer = traces?.getTracer(...scope)
  const own = ownVital()
  return {
    telemetry: makeTelemetry({ world, tracer, measures, tools }),
    log: lines ? bridged(rooms.log, lines.getLogger(...scope), settings.logLevel) : rooms.log,
    exposition: figures?.exposition,
    watch: (vitals) => {
      if (figures) watchAll(figures.meter, rooms.log, [own.vital, ...vitals])
    },
    close: async () => {
      own.close()
      const open = [traces, lines, figures].filter((one) => one !== undefined)
      const closing = open.map(async (one) => one.shutdown())
      const late = new AbortController()
      const wait = world.wait(EXPORT_MS, late.signal).catch(() => undefined)
      await Promise.race([Promise.allSettled(closing), wait])
      late.abort()
    },
  }
}

/** Labels where nothing else is configured. */
const TOOLS_MAX = 200

type Lost = (signal: string, items: number, why: string) => void

function openTraces(
  world: World,
  otlp: OtlpSettings,
  resource: Resource,
  lost: Lost,
): TracerProvider {
  const gate = new Gate(QUEUE_MAX, (items, why) => {
    lost('traces', items, why)
  })
  const hex = (bytes: number) => (): string => world.random(bytes).toString('hex')
  return new TracerProvider({
    resource,
    idGenerator: { generateTraceId: hex(16), generateSpanId: hex(8) },
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(otlp.sampling) }),
    spanLimits: {
      attributeValueLengthLimit: TEXT_CHARS_MAX,
      attributeCountLimit: 32,
      linkCountLimit: 4,
      eventCountLimit: 0,
    },
    spanProcessors: [
      gatedSpans(
        gate,
        new BatchSpanProcessor({
          exporter: traceExporter(otlp, (items, why) => {
            gate.left(items, why)
          }),
          maxQueueSize: QUEUE_MAX,
          maxExportBatchSize: BATCH_MAX,
          scheduledDelayMillis: SPANS_EVERY_MS,
          exportTimeoutMillis: EXPORT_MS,
        }),
      ),
    ],
  })
}

function openLines(otlp: OtlpSettings, resource: Resource, lost: Lost): LoggerProvider {
  const gate = new Gate(QUEUE_MAX, (items, why) => {
    lost('logs', items, why)
  })
  const batches = new BatchLogRecordProcessor({
    exporter: logExporter(otlp, (items, why) => {
      gate.left(items, why)
    }),
    maxQueueSize: QUEUE_MAX,
    maxExportBatchSize: BATCH_MAX,
    scheduledDelayMillis: LOGS_EVERY_MS,
    exportTimeoutMillis: EXPORT_MS,
  })
  return new LoggerProvider({ resource, processors: [gatedLines(gate, batches)] })
}

interface Figures {
  readonly meter: Meter
  readonly exposition: (() => Promise<string>) | undefined
  readonly shutdown: () => Promise<void>
}

function openFigures(
  { log }: TellerRooms,
  { otlp, metrics }: TelemetrySettings,
  resource: Resource,
  lost: Lost,
): Figures | undefined {
  const pull = metrics && new PrometheusExporter({ preventServerStart: true })
  const readers: IMetricReader[] = pull ? [pull] : []
  if (otlp?.metrics) readers.push(pushReader(otlp, lost))
  if (readers.length === 0) return undefined
  const provider = new MeterProvider({
    resource,
    readers,
    views: [{ instrumentName: '*', aggregationCardinalityLimit: SERIES_MAX }],
  })
  const serializer = new PrometheusSerializer(undefined, false, undefined, false, true)
  return {
    meter: provider.getMeter('countersign', manifest.version, CONVENTIONS),
    exposition:
      pull &&
      (async () => {
        const { resourceMetrics, errors } = await pull.collect()
        for (const error of errors) log.debug({ cause: String(error) }, 'a figure is missing')
        return serializer.serialize(inTheirWords(resourceMetrics))
      }),
    shutdown: () => provider.shutdown(),
  }
}

const pushReader = (otlp: OtlpSettings, lost: Lost): IMetricReader =>
  new PeriodicExportingMetricReader({
    exporter: metricExporter(otlp, (items, why) => {
      if (why !== undefined) lost('metrics', items, why)
    }),
    exportIntervalMillis: METRICS_EVERY_MS,
    exportTimeoutMillis: EXPORT_MS,
  })
