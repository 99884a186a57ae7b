/** telemetry: spans, metrics, logs. */
export { makeLog, silentLog } from './log.ts'
export type { Log } from './log.ts'
export { noTelemetry } from './telemetry.ts'
export type {
  CallSpan,
  Ids,
  Origin,
  RequestSpan,
  SentSpan,
  Telemetry,
  Tracks,
} from './telemetry.ts'
export type { MetricsSettings, OtlpSettings, TelemetrySettings } from './settings.ts'
export { isSound, readTrace, traceIdOf, traceKey } from './trace-context.ts'
export type { TraceContext } from './trace-context.ts'
